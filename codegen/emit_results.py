"""Writes the classes of what handlers return: one for each documented status."""

from .contract import Header, Response
from .python_text import docstring, literal
from .runtime.media_types import is_json, is_json_lines

Imports = set[tuple[str, str]]

_STREAMING = "..runtime.streaming"


def emit_result(response: Response, imports: Imports) -> str:
    imports |= {
        ("dataclasses", "dataclass"),
        ("typing", "ClassVar"),
        ("collections.abc", "Mapping"),
    }
    required = [
        f"    {header.argument}: {header.annotation.text}" for header in _required(response)
    ]
    optional = []
    for header in response.headers:
        imports |= header.annotation.imports
        if not header.required:
            optional.append(f"    {header.argument}: {header.annotation.optional().text} = None")
    media_type = response.content[0].media_type if response.content else None
    names = {header.argument: header.name for header in response.headers}
    if not response.has_one_status:
        required.insert(0, "    status: int")
    lines = [
        *_body_fields(response, imports),
        *required,
        *optional,
        *([f"    status: ClassVar[int] = {response.status}"] if response.has_one_status else []),
        f"    media_type: ClassVar[str | None] = {media_type!r}",
        f"    HEADERS: ClassVar[Mapping[str, str]] = {literal(names)}",
    ]
    text = docstring(response.description or f"Status {response.status}.")
    fields = "\n".join(lines)
    return f"@dataclass(frozen=True, slots=True)\nclass {response.class_name}:\n{text}\n\n{fields}"


def _required(response: Response) -> list[Header]:
    return [header for header in response.headers if header.required]


def _body_fields(response: Response, imports: Imports) -> list[str]:
    if not response.content:
        return []
    types: dict[str, None] = {}
    absent = ""
    if response.annotation is not None:
        imports |= {*response.annotation.imports, ("..runtime.encoded_json", "EncodedJson")}
        text = response.annotation.text.removesuffix(" | None")
        absent = " | None" if text != response.annotation.text else ""
        types |= {text: None, "EncodedJson": None}
    if response.line is not None:
        imports |= response.line.imports
        types[f"LinesBody[{response.line.text}]"] = None
    types |= dict.fromkeys(_raw_types(response))
    imports |= {(_STREAMING, name) for name in ("LinesBody", "RawBody") if name in str(types)}
    content_type = ["    content_type: str"] if response.has_content_type else []
    return [f"    body: {' | '.join(types)}{absent}", *content_type]


def _raw_types(response: Response) -> list[str]:
    """Of what is sent as it is: all that is not JSON may be sent as it is made."""
    if not all(is_json(media.media_type) for media in response.content):
        is_all = response.line is not None and all(
            is_json_lines(media.media_type) for media in response.content
        )
        return [] if is_all else ["RawBody"]
    is_all = len(response.content) == 1 and response.annotation is not None
    return [] if is_all else ["bytes"]
