"""Writes `operations.py`: every operation of the contract as plain data, application fields too."""

from collections.abc import Iterable

from .contract import Contract, Media, Operation, Parameter, Tag
from .emitted import Emitted, Made
from .python_text import literal, module

_RUNTIME = ".runtime.operation"


def emit_operations(contract: Contract) -> dict[str, Emitted]:
    return {"operations.py": Made(_module, (contract.name, *contract.tags))}


def _module(name: str, *tags: Tag) -> str:
    operations = [operation for tag in tags for operation in tag.operations]
    imports = {
        ("collections.abc", "Mapping"),
        ("types", "MappingProxyType"),
        (_RUNTIME, "Operation"),
    }
    constants = []
    for operation in operations:
        imports |= {(_RUNTIME, name) for name in _names(operation)}
        constants.append(f"{operation.constant} = {_operation(operation)}")
    every = "".join(f"{operation.constant}, " for operation in operations)
    entries = f"operation.id: operation for operation in ({every})" if every else ""
    table = f"OPERATIONS: Mapping[str, Operation] = MappingProxyType({{{entries}}})"
    text = (
        "The contract's operations as data, by operation id; `x-` fields are as they stand there."
    )
    body = "\n\n".join([*constants, table])
    return module(name, text, imports, body)


def _names(operation: Operation) -> set[str]:
    names = set()
    if operation.parameters:
        names.add("Parameter")
    if operation.body:
        names |= {"RequestBody", "Media"}
    if any(response.content for response in operation.responses):
        names.add("Media")
    return names


def _operation(operation: Operation) -> str:
    fields = {
        "id": repr(operation.id),
        "method": repr(operation.method),
        "path": repr(operation.path),
        "tag": repr(operation.tag),
    }
    if operation.parameters:
        fields["parameters"] = _tuple(map(_parameter, operation.parameters))
    if operation.body:
        content = _tuple(map(_media, operation.body.content))
        fields["request_body"] = (
            f"RequestBody(required={operation.body.required}, content={content})"
        )
    responses = (
        f"{response.status!r}: {_tuple(map(_media, response.content))}, "
        for response in operation.responses
    )
    fields["responses"] = "{" + "".join(responses) + "}"
    if operation.security:
        fields["security"] = literal(operation.security)
    if operation.extensions:
        fields["extensions"] = literal(operation.extensions)
    return _call("Operation", fields)


def _parameter(parameter: Parameter) -> str:
    fields = {
        "name": repr(parameter.known_as),
        "argument": repr(parameter.argument),
        "location": repr(parameter.location),
        "required": repr(parameter.required),
        "pointer": repr(parameter.pointer),
        "style": repr(parameter.style),
        "explode": repr(parameter.explode),
    }
    if parameter.media_type is not None:
        fields["media_type"] = repr(parameter.media_type)
    if parameter.known_as != parameter.name:
        fields["declared"] = repr(parameter.name)
    return _call("Parameter", fields)


def _media(media: Media) -> str:
    return f"Media({media.media_type!r}, {media.pointer!r})"


def _tuple(items: Iterable[str]) -> str:
    return "(" + "".join(f"{item}, " for item in items) + ")"


def _call(name: str, fields: dict[str, str]) -> str:
    # The closing comma makes the formatter write one field a line.
    return f"{name}(" + "".join(f"{key}={value}, " for key, value in fields.items()) + ")"
