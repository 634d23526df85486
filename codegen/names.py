"""Python names for what a contract calls its things. Pure: the same name always gives the same.

Every name gives one. Where it begins with a digit, or has no letter and no digit, a word for its
kind comes before it (`operation_1st`) or stands for it; `is_wordless` tells.
"""

import keyword
import re
from collections.abc import Container
from functools import cache
from itertools import count

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# What names are often told apart by, where nothing else does.
_SPELLED = {
    "<": " less ", ">": " greater ", "=": " equal ", "!": " not ", "+": " plus ", "-": " minus ",
    "$": " dollar ", "@": " at ", "#": " number ", "*": " star ", "&": " and ", "%": " percent ",
}  # fmt: skip
_NO_WORD = re.compile(r"[^0-9A-Za-z]+")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")

# Names that the emitted modules use for themselves.
_TAKEN_BY_TYPES = frozenset(
    {"bool", "bytes", "datetime", "dict", "float", "int", "list", "models", "str"}
)
_TAKEN_ARGUMENTS = _TAKEN_BY_TYPES | {"self", "context", "body", "page", "content_type"}
_TAKEN_HEADERS = _TAKEN_BY_TYPES | {"body", "status", "media_type", "content_type"}
_TAKEN_FUNCTIONS = _TAKEN_BY_TYPES | {
    "dataclass", "handle", "handlers", "hooks", "invoke", "operations", "routes", "typed_body",
    "typed_parameters",
}  # fmt: skip
_TAKEN_TYPES = frozenset(
    {
        "Annotated", "Any", "AnyUrl", "AwareDatetime", "BaseModel", "ConfigDict", "ContractModel",
        "Decimal", "EmailStr", "Enum", "Field", "FilePart", "Literal", "RootModel",
        "StringConstraints", "TypeAliasType", "UUID", "Union", "None", "True", "False",
    }
)  # fmt: skip
_TAKEN_MODULES = frozenset({"models", "operations", "runtime", "routes", "client"})


def is_wordless(name: str) -> bool:
    """Whether a name has nothing that a Python name could begin with."""
    return not _words(name)[:1].isalpha()


def snake(text: str, kind: str) -> str:
    """`findPets` and `find pets` become `find_pets`; `kind` stands before what can't stand alone.

    `2fa` becomes `field_2fa`, as pydantic models have it; of signs alone the known ones are words.
    """
    name = _words(text) or _words(_spelled(text))
    return name if name.isidentifier() else f"{kind}_{name}".rstrip("_")


@cache
def pascal(text: str) -> str:
    """`find_pets` becomes `FindPets`; what has capitals keeps them.

    Empty, or beginning with a digit, where the text has nothing else: then it is a part of a name.
    """
    words = [word for word in _NO_WORD.split(text) if word]
    return "".join(word[0].upper() + word[1:] for word in words)


# A name is asked for wherever it occurs.
@cache
def _words(text: str) -> str:
    spaced = _WORD_START.sub("_", _NO_WORD.sub("_", text))
    return re.sub("_+", "_", spaced).strip("_").lower()


def _spelled(text: str) -> str:
    return "".join(_SPELLED.get(character, character) for character in text)


def function_name(operation_id: str) -> str:
    return _unless_taken(snake(operation_id, "operation"), _TAKEN_FUNCTIONS)


def argument_name(name: str) -> str:
    return _unless_taken(snake(name, "field"), _TAKEN_ARGUMENTS)


def spelled_argument_name(name: str) -> str:
    """As `argument_name`, with a word for each sign: `start<` becomes `start_less`."""
    return argument_name(_spelled(name))


def unlike(name: str, taken: Container[str], joint: str = "_") -> str:
    """The name itself, or with the first number from 2 on that makes it one of its own."""
    if name not in taken:
        return name
    numbered = (f"{name}{joint}{number}" for number in count(2))
    return next(made for made in numbered if made not in taken)


def header_argument(name: str) -> str:
    """Header names know no case, so `ETag` is one word."""
    return _unless_taken(snake(name.lower(), "field"), _TAKEN_HEADERS)


def type_name(name: str) -> str:
    made = pascal(name) or pascal(_spelled(name))
    if not made.isidentifier():
        return f"Model{made}"
    return f"{made}Model" if made in _TAKEN_TYPES else made


def module_name(name: str) -> str:
    return _unless_taken(snake(name, "tag"), _TAKEN_MODULES)


def template_names(path: str) -> list[str]:
    """The parameter names in a path template, in order."""
    return _TEMPLATE.findall(path)


def replace_template_names(path: str, names: dict[str, str]) -> str:
    return _TEMPLATE.sub(lambda match: "{" + names.get(match[1], match[1]) + "}", path)


def _unless_taken(name: str, taken: frozenset[str]) -> str:
    return f"{name}_" if name in taken or keyword.iskeyword(name) else name
