"""The service's contract in OpenAPI 3.0, which is the newest that stock Connexion takes.

Lowered by program, so that both are held to the same bounds: what 3.0 can't say (names of
properties, null as a type beside others) becomes what comes nearest, or is left out.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

OPERATIONS: Final = "bench.stock.operations"
_HANDLERS: Final = {
    "ApiKey": f"{OPERATIONS}.principal_of_key",
    "Tenant": f"{OPERATIONS}.tenant_named",
}
_SCHEMAS: Final = "#/components/schemas/"
_NULL: Final = {"type": "null"}
_UNKNOWN_TO_3_0: Final = ("examples", "propertyNames", "links", "$defs")


def stock_contract(operation_ids: Iterable[str]) -> dict[str, Any]:
    """The document of these operations, with the functions that Connexion is to call."""
    wanted = set(operation_ids)
    contract = json.loads(files("generated").joinpath("openapi.json").read_bytes())
    paths: dict[str, dict[str, Any]] = {}
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if operation["operationId"] in wanted:
                paths.setdefault(path, {})[method] = _operation(_lowered(operation))
    components = _lowered(contract["components"])
    components["securitySchemes"] = {
        name: {**components["securitySchemes"][name], "x-apikeyInfoFunc": function}
        for name, function in _HANDLERS.items()
    }
    components["schemas"] = _reached(components, paths)
    info = {"title": contract["info"]["title"], "version": contract["info"]["version"]}
    return {"openapi": "3.0.3", "info": info, "paths": paths, "components": components}


def _reached(components: Mapping[str, Any], paths: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas that these paths lead to. Others may say what 3.0 has no words for."""
    beside = {name: each for name, each in components.items() if name != "schemas"}
    todo = [*_schemas_named(paths), *_schemas_named(beside)]
    reached: dict[str, Any] = {}
    while todo:
        name = todo.pop()
        if name not in reached:
            reached[name] = components["schemas"][name]
            todo += _schemas_named(reached[name])
    return reached


def _schemas_named(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        target = node.get("$ref", "")
        if isinstance(target, str) and target.startswith(_SCHEMAS):
            yield target.removeprefix(_SCHEMAS)
        for each in node.values():
            yield from _schemas_named(each)
    elif isinstance(node, list):
        for each in node:
            yield from _schemas_named(each)


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    # Role names have no place under an API key in 3.0; the operations ask for them.
    named: list[dict[str, list[str]]] = [
        {scheme: [] for scheme in requirement} for requirement in operation["security"]
    ]
    return {
        **operation,
        "operationId": f"{OPERATIONS}.{operation['operationId']}",
        "security": named,
    }


def _lowered(node: Any) -> Any:
    if isinstance(node, list):
        return [_lowered(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    kept = {name: _lowered(value) for name, value in node.items() if _is_known(name)}
    if isinstance(kept.get("type"), str) and "const" in kept:
        kept["enum"] = [kept.pop("const")]
    return _without_null(kept)


def _is_known(name: str) -> bool:
    return name not in _UNKNOWN_TO_3_0


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    for keyword in ("oneOf", "anyOf"):
        if _NULL in schema.get(keyword, ()):
            others = [each for each in schema[keyword] if each != _NULL]
            return {**schema, keyword: others, "nullable": True}
    declared = schema.get("type")
    if not isinstance(declared, list):
        return dict(schema)
    (single,) = (name for name in declared if name != "null")
    return {**schema, "type": single, "nullable": True}
