"""Python names for what a contract calls its things. Pure; None where no name can be made."""

import keyword
import re
from collections.abc import Container
from itertools import count

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# What names are often told apart by, where nothing else does.
_SPELLED = {"<": " less ", ">": " greater ", "=": " equal ", "!": " not ", "+": " plus "}
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


def snake(text: str) -> str | None:
    """`findPets` and `find pets` become `find_pets`."""
    spaced = _WORD_START.sub("_", _NO_WORD.sub("_", text))
    name = re.sub("_+", "_", spaced).strip("_").lower()
    return name if name.isidentifier() else None


def pascal(text: str) -> str | None:
    """`find_pets` becomes `FindPets`; what has capitals keeps them."""
    words = [word for word in _NO_WORD.split(text) if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name.isidentifier() else None


def function_name(operation_id: str) -> str | None:
    return _unless_taken(snake(operation_id), _TAKEN_FUNCTIONS)


def argument_name(name: str) -> str | None:
    return _unless_taken(snake(name), _TAKEN_ARGUMENTS)


def spelled_argument_name(name: str) -> str | None:
    """As `argument_name`, with a word for each sign: `start<` becomes `start_less`."""
    return argument_name("".join(_SPELLED.get(character, character) for character in name))


def unlike(name: str, taken: Container[str], joint: str = "_") -> str:
    """The name itself, or with the first number from 2 on that makes it one of its own."""
    if name not in taken:
        return name
    numbered = (f"{name}{joint}{number}" for number in count(2))
    return next(made for made in numbered if made not in taken)


def header_argument(name: str) -> str | None:
    """Header names know no case, so `ETag` is one word."""
    return _unless_taken(snake(name.lower()), _TAKEN_HEADERS)


def type_name(name: str) -> str | None:
    made = pascal(name)
    return f"{made}Model" if made in _TAKEN_TYPES else made


def module_name(name: str) -> str | None:
    return _unless_taken(snake(name), _TAKEN_MODULES)


def template_names(path: str) -> list[str]:
    """The parameter names in a path template, in order."""
    return _TEMPLATE.findall(path)


def replace_template_names(path: str, names: dict[str, str]) -> str:
    return _TEMPLATE.sub(lambda match: "{" + names.get(match[1], match[1]) + "}", path)


def match_order(path: str) -> list[int]:
    """Sort key by which a router may try paths in turn: at each segment, the literal one first."""
    return [_openness(segment) for segment in path.split("/")]


def _openness(segment: str) -> int:
    if "{" not in segment:
        return 0
    return 2 if _TEMPLATE.fullmatch(segment) else 1


def _unless_taken(name: str | None, taken: frozenset[str]) -> str | None:
    return f"{name}_" if name is not None and (name in taken or keyword.iskeyword(name)) else name
