"""Writes `routes/`: for each tag what its handlers must be, their typed results, and the routes."""

from .contract import (
    Annotation,
    Body,
    Contract,
    Operation,
    Parameter,
    Tag,
    one_of,
)
from .emit_results import Imports, emit_result
from .emitted import Emitted, Made
from .names import pascal
from .python_text import docstring, module

_HOOKS = ("..runtime.hooks", "Hooks")
_CALL = ("..runtime.hooks", "Call")
_PAGE = ("..runtime.hooks", "Page")

_ROUTE: Imports = {("starlette.routing", "Route")}


def emit_routes(contract: Contract) -> dict[str, Emitted]:
    files = {
        f"routes/{tag.module}.py": Made(_tag_module, (contract.name, tag)) for tag in contract.tags
    }
    return {"routes/__init__.py": _package(contract), **files}


def _package(contract: Contract) -> str:
    imports: Imports = {
        ("dataclasses", "dataclass"),
        ("typing", "Generic"),
        ("typing", "TypeVar"),
        ("..runtime.binding", "check_handlers"),
        ("..runtime.path_order", "match_order"),
        _HOOKS,
        *_ROUTE,
    }
    imports |= {(".", tag.module) for tag in contract.tags}
    fields = "\n".join(
        f"    {tag.module}: {tag.module}.{tag.class_name}[ContextT]" for tag in contract.tags
    )
    checks = "\n".join(
        f"    check_handlers({tag.name!r}, {tag.module}.{tag.class_name}, handlers.{tag.module})"
        for tag in contract.tags
    )
    found = "".join(
        f"*{tag.module}.routes(handlers.{tag.module}, hooks), " for tag in contract.tags
    )
    # Of an empty list nobody can tell what it is of.
    of = "" if found else ": list[Route]"
    body = f'''
ContextT = TypeVar("ContextT")

@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers(Generic[ContextT]):
    """One object a tag, which answers the operations of the tag."""

{fields}

def routes(handlers: Handlers[ContextT], hooks: Hooks[ContextT]) -> list[Route]:
    """All routes, a literal path before a templated one that matches it too.

    Raises HandlerMismatch if a handler is missing, left over, or has another signature.
    """
{checks}
    found{of} = [{found}]
    return sorted(found, key=lambda route: match_order(route.path))
'''
    text = "The handlers of the whole contract, and the routes that call them."
    return module(contract.name, text, imports, body)


def _tag_module(name: str, tag: Tag) -> str:
    imports: Imports = {
        ("typing", "Protocol"),
        ("typing", "TypeVar"),
        ("starlette.requests", "Request"),
        ("starlette.responses", "Response"),
        ("..", "operations"),
        ("..runtime.dispatch", "invoke"),
        _CALL,
        _HOOKS,
        *_ROUTE,
    }
    results, parameters, adapters = [], [], []
    for operation in tag.operations:
        for response in operation.responses:
            if response.class_name:
                results.append(emit_result(response, imports))
        if operation.arguments:
            parameters.append(_parameters(operation, imports))
        adapters += _adapters(operation, imports)
    body = "\n\n".join(
        [
            'ContextT = TypeVar("ContextT")\n'
            'ContextT_contra = TypeVar("ContextT_contra", contravariant=True)',
            *results,
            _protocol(tag, imports),
            *parameters,
            "\n".join(adapters),
            _routes(tag, imports),
        ]
    )
    text = f"Operations of the tag `{tag.name}`: results, handlers' signatures, routes."
    return module(name, text, imports, body)


def _protocol(tag: Tag, imports: Imports) -> str:
    methods = "\n\n".join(_method(operation, imports) for operation in tag.operations)
    text = docstring(f"Operations of the tag `{tag.name}`. {tag.description}".strip())
    return f"class {tag.class_name}(Protocol[ContextT_contra]):\n{text}\n\n{methods}"


def _method(operation: Operation, imports: Imports) -> str:
    arguments = _signature(operation, imports)
    keyword_only = f", *, {', '.join(arguments)}" if arguments else ""
    prose = "\n\n".join(part for part in (operation.summary, operation.description) if part)
    text = docstring(prose or f"{operation.method} {operation.path}", " " * 8)
    return (
        f"    def {operation.id}(self, context: ContextT_contra, /{keyword_only})"
        f" -> {_result_type(operation, imports)}:\n{text}\n        ..."
    )


def _signature(operation: Operation, imports: Imports) -> list[str]:
    """Keyword-only arguments of the handler; optional ones have the contract's default or None."""
    arguments = []
    for parameter in operation.arguments:
        imports |= parameter.annotation.imports
        arguments.append(f"{parameter.argument}: {_with_default(parameter)}")
    if operation.has_page:
        imports.add(_PAGE)
        arguments.append("page: Page")
    if operation.body:
        if operation.body.annotation is None:
            arguments.append("body: bytes" if operation.body.required else 'body: bytes = b""')
        else:
            arguments.append(_typed_body(operation.body, operation.body.annotation, imports))
        arguments += ["content_type: str"] if operation.body.has_content_type else []
    return arguments


def _typed_body(body: Body, annotation: Annotation, imports: Imports) -> str:
    imports |= annotation.imports
    if body.required:
        return f"body: {annotation.text}"
    return f"body: {annotation.optional().text} = None"


def _with_default(parameter: Parameter) -> str:
    """A default that only validation can make comes with the request, so it isn't one here."""
    if parameter.required:
        return parameter.annotation.text
    if parameter.default is None:
        return f"{parameter.annotation.optional().text} = None"
    if parameter.default.inline is None:
        return parameter.annotation.text
    return f"{parameter.annotation.text} = {parameter.default.inline}"


def _result_type(operation: Operation, imports: Imports) -> str:
    """Of an operation that documents problems alone, what a function has that only raises."""
    results = [response.class_name for response in operation.responses if response.class_name]
    imports |= set() if results else {("typing", "NoReturn")}
    return " | ".join(results) or "NoReturn"


def _parameters(operation: Operation, imports: Imports) -> str:
    imports |= {("dataclasses", "dataclass")}
    fields = "\n".join(
        f"    {parameter.argument}: {_with_default(parameter)}" for parameter in operation.arguments
    )
    return (
        "@dataclass(frozen=True, slots=True, kw_only=True)\n"
        f"class {pascal(operation.id)}Parameters:\n{fields}"
    )


def _adapters(operation: Operation, imports: Imports) -> list[str]:
    """Made once, at import: building one costs far more than using it."""
    adapters = []
    if operation.arguments:
        name = f"{pascal(operation.id)}Parameters"
        imports.add(("..runtime.typed", "typed_parameters"))
        adapters.append(f"_{operation.constant}_PARAMETERS = TypeAdapter({name})")
    if operation.body:
        adapters += _body_adapters(operation.constant, operation.body, imports)
    if adapters:
        imports.add(("pydantic", "TypeAdapter"))
    return adapters


def _body_adapters(constant: str, body: Body, imports: Imports) -> list[str]:
    """One for lines, one for what is read whole, or one for each media type of that."""
    adapters = []
    if body.lines:
        text = one_of(media.annotation for media in body.lines if media.annotation).text
        adapters.append(f"_{constant}_LINE: TypeAdapter[{text}] = TypeAdapter({text})")
    if not body.others:
        return adapters
    imports.add(("..runtime.typed", "typed_body"))
    text = one_of(media.whole for media in body.others).text
    if not body.has_several_types:
        return [*adapters, f"_{constant}_BODY: TypeAdapter[{text}] = TypeAdapter({text})"]
    imports.add(("collections.abc", "Mapping"))
    by_type = "".join(
        f"{media.media_type!r}: TypeAdapter({media.whole.text}), " for media in body.others
    )
    return [*adapters, f"_{constant}_BODIES: Mapping[str, TypeAdapter[{text}]] = {{{by_type}}}"]


def _routes(tag: Tag, imports: Imports) -> str:
    endpoints = "\n\n".join(_endpoint(operation, imports) for operation in tag.operations)
    listed = "".join(
        f"Route({operation.route!r}, {operation.id}, methods=[{operation.method!r}],"
        f" name={operation.id!r}), "
        for operation in tag.operations
    )
    return (
        f"def routes(handlers: {tag.class_name}[ContextT], hooks: Hooks[ContextT])"
        " -> list[Route]:\n"
        '    """Routes of the tag, those with more literal paths first."""\n\n'
        f"{endpoints}\n\n    return [{listed}]"
    )


def _endpoint(operation: Operation, imports: Imports) -> str:
    result = _result_type(operation, imports)
    lines = [
        f"    async def {operation.id}(request: Request) -> Response:",
        f"        def handle(context: ContextT, call: Call) -> {result}:",
    ]
    if operation.arguments:
        adapter = f"_{operation.constant}_PARAMETERS"
        lines.append(f"            parameters = typed_parameters({adapter}, call)")
    arguments = ["context", *_passed(operation)]
    returned = "" if result == "NoReturn" else "return "
    lines += [
        f"            {returned}handlers.{operation.id}({', '.join(arguments)})",
        "",
        f"        return await invoke(request, operations.{operation.constant}, hooks, handle)",
    ]
    return "\n".join(lines)


def _passed(operation: Operation) -> list[str]:
    passed = [
        f"{parameter.argument}=parameters.{parameter.argument}" for parameter in operation.arguments
    ]
    if operation.has_page:
        passed.append("page=call.page")
    if operation.body:
        passed.append(f"body={_body(operation.constant, operation.body)}")
        passed += ["content_type=call.content_type"] if operation.body.has_content_type else []
    return passed


def _body(constant: str, body: Body) -> str:
    """Where several media types are taken, the one that came decides."""
    if body.annotation is None:
        return "call.raw_body"
    kinds = []
    if body.lines:
        kinds.append(("call.lines is not None", f"JsonLines(call.lines, _{constant}_LINE)"))
    if body.others and body.has_several_types:
        bodies = f"_{constant}_BODIES"
        found = f"typed_body({bodies}[call.media_type], call)"
        kinds.append((f"call.media_type in {bodies}", found))
    elif body.others:
        kinds.append(("call.media_type", f"typed_body(_{constant}_BODY, call)"))
    if any(media.annotation is None for media in body.content):
        kinds.append(("call.media_type", "call.raw_body"))
    if not body.required:
        kinds.append(("", "None"))
    *earlier, (_, text) = kinds
    for condition, value in reversed(earlier):
        text = f"{value} if {condition} else {text}"
    return text
