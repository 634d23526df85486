"""Writes `client/`: for each tag typed results, and methods for a blocking and an awaiting client.

What a call does stands in the runtime, in `client_core`.
"""

from collections.abc import Container, Iterator, Mapping
from importlib.resources import files
from typing import Any

from .client_shape import (
    ANSWERS,
    Imports,
    field_styles,
    form_of,
    is_any_json,
    is_condition,
    is_key,
    is_stream,
    next_page,
    result_type,
    results,
)
from .contract import Body, Contract, Header, Operation, Response, Tag
from .emit_client_methods import (
    AWAITING,
    BLOCKING,
    Flavour,
    methods_class,
    methods_name,
    pages_name,
)
from .emitted import Emitted, Made
from .names import argument_name, unlike
from .nullable import admits_null
from .python_text import docstring, header, literal, module
from .runtime.document import resolve
from .synchronous import synchronous

_CREDENTIALS = "..runtime.client_credentials"
# What callers need besides the clients, so that they need not know the runtime.
_OFFERED = {
    "..runtime.client_cache": ("EntityCache",),
    "..runtime.client_errors": (
        "ClientError", "ConnectionLost", "ProblemAnswer", "UnexpectedAnswer", "UnusableCredential",
    ),
    "..runtime.client_retries": ("Retrying",),
    "..runtime.encoded_json": ("EncodedJson",),
}  # fmt: skip


def emit_client(contract: Contract) -> dict[str, Emitted]:
    taken = {operation.id for operation in contract.operations}
    return {
        "client/__init__.py": _package(contract),
        **{f"client/{tag.module}.py": _of_tag(contract, tag, taken) for tag in contract.tags},
        "runtime/client_sync.py": Made(_blocking, (contract.name,)),
    }


def _blocking(name: str) -> str:
    source = files(__package__).joinpath("runtime/client_async.py").read_text(encoding="utf-8")
    return f"{header(name)}\n{synchronous(source)}"


def _of_tag(contract: Contract, tag: Tag, taken: Container[str]) -> Made:
    """Made of no more than it is about, so that it is made anew only where that changes."""
    forms = {
        operation.id: list(_forms(contract.document, operation.body))
        for operation in tag.operations
        if operation.body
    }
    paged = [
        each.id for each in tag.operations if next_page(each) and pages_name(each) not in taken
    ]
    return Made(_tag_module, (contract.name, tag, forms, paged))


def _package(contract: Contract) -> str:
    offered = {(source, name) for source, names in _OFFERED.items() for name in names}
    imports: Imports = {("typing_extensions", "Unpack"), *offered}
    names = sorted({"AsyncClient", "Client", "Credentials", *(name for _, name in offered)})
    parts = [
        f"__all__ = {literal(names)}",
        _credentials(contract, imports),
        *(_client(contract, flavour, imports) for flavour in (BLOCKING, AWAITING)),
    ]
    text = "Clients of the whole contract, one that blocks and one that awaits. Needs httpx2."
    return module(contract.name, text, imports, "\n\n".join(parts))


def _client(contract: Contract, flavour: Flavour, imports: Imports) -> str:
    options = f"{flavour.prefix}Options"
    imports |= {(".", tag.module) for tag in contract.tags}
    imports.add((flavour.base[0], options))
    bases = [f"{tag.module}.{methods_name(tag, flavour)}" for tag in contract.tags]
    if not bases:
        imports.add(flavour.base)
        bases = [flavour.base[1]]
    return f'''
class {flavour.prefix}Client({", ".join(bases)}):
    """A method for each operation. `{"async " if flavour.wait else ""}with` closes it."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials = Credentials(),
        **options: Unpack[{options}],
    ) -> None:
        super().__init__(base_url, credentials, **options)
'''


def _credentials(contract: Contract, imports: Imports) -> str:
    imports |= {
        ("collections.abc", "Mapping"),
        ("dataclasses", "dataclass"),
        ("typing", "ClassVar"),
        (_CREDENTIALS, "CredentialSet"),
        (_CREDENTIALS, "Scheme"),
    }
    fields: list[str] = []
    schemes: list[str] = []
    for name, scheme in contract.security_schemes.items():
        place = _place(scheme)
        if place is not None:
            field = _field(name, fields)
            fields.append(field)
            schemes.append(f"{name!r}: Scheme({field!r}, {place[0]!r}, {place[1]!r}), ")
    imports |= {(_CREDENTIALS, "Secret")} if fields else set()
    listed = "\n".join(f"    {field}: Secret | None = None" for field in fields)
    return f'''
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials(CredentialSet):
    """One for each security scheme of the contract. An operation gets those that it asks for."""

{listed}

    SCHEMES: ClassVar[Mapping[str, Scheme]] = {{{"".join(schemes)}}}
'''


def _field(scheme: str, others: list[str]) -> str:
    """Schemes may have any name, and two that differ in their capitals alone."""
    field = argument_name(scheme)
    return unlike(f"{field}_", others) if field in others else field


def _place(scheme: Mapping[str, Any]) -> tuple[str, str] | None:
    """Where the credential goes and under which name; None where the connection carries it."""
    kind = scheme.get("type")
    if kind == "apiKey":
        return str(scheme.get("in")), str(scheme.get("name"))
    if kind == "http":
        return "authorization", str(scheme.get("scheme", "bearer")).capitalize()
    return ("authorization", "Bearer") if kind in ("oauth2", "openIdConnect") else None


def _tag_module(name: str, tag: Tag, forms: Mapping[str, list[str]], paged: Container[str]) -> str:
    """`forms` are of request bodies, by operation; `paged` are operations with a method more."""
    imports: Imports = {("..", "operations"), (ANSWERS, "Described")}
    parts = [
        *(_result(each, imports) for operation in tag.operations for each in results(operation)),
        *(_described(operation, forms, imports) for operation in tag.operations),
        *(methods_class(tag, flavour, paged, imports) for flavour in (BLOCKING, AWAITING)),
    ]
    text = f"Operations of the tag `{tag.name}`: their results, and methods that call them."
    return module(name, text, imports, "\n\n".join(parts))


def _result(response: Response, imports: Imports) -> str:
    imports.add(("dataclasses", "dataclass"))
    required = [
        f"    {each.argument}: {each.annotation.text}" for each in response.headers if each.required
    ]
    optional = [
        f"    {each.argument}: {each.annotation.optional().text} = None"
        for each in response.headers
        if not each.required
    ]
    for each in response.headers:
        imports |= each.annotation.imports
    if response.has_one_status:
        imports.add(("typing", "ClassVar"))
        optional.append(f"    status: ClassVar[int] = {response.status}")
    else:
        required.append("    status: int")
    fields = "\n".join([*_body_fields(response, imports), *required, *optional])
    generic = "(Generic[StreamT])" if is_stream(response) else ""
    text = docstring(response.description or f"Status {response.status}.")
    return (
        f"@dataclass(frozen=True, slots=True)\nclass {response.class_name}{generic}:\n"
        f"{text}\n\n{fields}"
    )


def _body_fields(response: Response, imports: Imports) -> list[str]:
    if not response.content:
        return []
    types = []
    if response.annotation is not None:
        imports |= response.annotation.imports
        types.append(response.annotation.text)
    if is_stream(response):
        imports |= {("typing", "Generic"), (ANSWERS, "StreamT")}
        types.append("StreamT")
    if is_any_json(response):
        imports.add(("typing", "Any"))
        types = ["Any"]
    kind = ["    content_type: str"] if response.has_content_type else []
    return [f"    body: {' | '.join(types)}", *kind]


def _described(operation: Operation, forms: Mapping[str, list[str]], imports: Imports) -> str:
    answers = (
        f"{response.status!r}: {_answer(response, imports)}" for response in results(operation)
    )
    fields = [
        f"operations.{operation.constant}",
        repr(operation.route),
        "{" + ", ".join(answers) + "}",
    ]
    if operation.body:
        imports.add(("..runtime.client_body", "BodyForm"))
        fields.append(f"forms={{{', '.join(forms[operation.id])}}}")
    for parameter in operation.parameters:
        if is_key(parameter):
            fields.append(f"key={parameter.argument!r}")
        if is_condition(operation, parameter):
            fields.append("condition=True")
    paging = next_page(operation)
    if paging:
        imports.add((ANSWERS, "Paging"))
        fields.append(f"paging=Paging({paging[0]!r}, {paging[1]!r})")
    if any(is_stream(response) for response in results(operation)):
        imports.add(("typing", "Any"))
    result = result_type(operation, "Any")
    imports |= {("typing", "NoReturn")} if result == "NoReturn" else set()
    return f"_{operation.constant}: Described[{result}] = Described({', '.join(fields)},)"


def _forms(document: Any, body: Body) -> Iterator[str]:
    for media in body.content:
        form = form_of(media)
        styles = field_styles(document, media) if form in ("urlencoded", "multipart") else {}
        given = f"{form!r}, {literal(styles)}" if styles else repr(form)
        # Of a body that may be absent None says that it is.
        if form == "json" and body.required and media.pointer is not None:
            is_null = admits_null(document, resolve(document, media.pointer))
            given += ", null=True" if is_null else ""
        yield f"{media.media_type!r}: BodyForm({given})"


def _answer(response: Response, imports: Imports) -> str:
    imports.add((ANSWERS, "Answer"))
    fields = [f"{response.class_name}"]
    if response.annotation is not None:
        imports |= {(ANSWERS, "Typed"), *response.annotation.imports}
        fields.append(f"Typed({response.annotation.text})")
    elif is_any_json(response):
        imports |= {(ANSWERS, "Typed"), ("typing", "Any")}
        fields.append("Typed(Any)")
    if response.headers:
        imports |= {(ANSWERS, "HeaderField"), (ANSWERS, "Typed")}
        fields.append("headers={" + ", ".join(map(_header, response.headers)) + "}")
    if is_stream(response):
        fields.append("is_stream=True")
    if response.line is not None:
        imports |= {(ANSWERS, "Typed"), *response.line.imports}
        fields.append(f"line=Typed({response.line.text})")
    if response.has_content_type:
        fields.append("has_content_type=True")
    if not response.has_one_status:
        fields.append("has_status=True")
    return f"Answer({', '.join(fields)})"


def _header(each: Header) -> str:
    options = ", required=True" if each.required else ""
    options += ", is_list=True" if each.annotation.text.startswith("list[") else ""
    return f"{each.argument!r}: HeaderField({each.name!r}, Typed({each.annotation.text}){options})"
