"""Writes one schema for values that several join, where one of these may be null by its type.

datamodel-code-generator knows no type of a member whose `allOf` has a part such as
`type: [string, 'null']`, and heeds one part's bounds. Objects, whose parts become classes, aren't
touched, nor is what this doesn't know how to join.
"""

from collections.abc import Callable, Iterable
from typing import Any

from .nullable import lists_null
from .runtime.document import conjuncts

_TIGHTER: dict[str, Callable[[Iterable[Any]], Any]] = {
    **dict.fromkeys(("minLength", "minItems", "minimum", "exclusiveMinimum"), max),
    **dict.fromkeys(("maxLength", "maxItems", "maximum", "exclusiveMaximum"), min),
}
# Said of the value; of two that differ the models can't have both.
_SAID_ONCE = frozenset({"enum", "const", "format", "pattern", "multipleOf"})
_SAID = (*_TIGHTER, *_SAID_ONCE, "uniqueItems", "items")
# Said of the place, for which the schema itself counts.
_ABOUT = frozenset(
    {
        "title", "description", "default", "deprecated", "example", "examples", "readOnly",
        "writeOnly", "externalDocs", "xml", "$comment", "$ref", "allOf",
    }
)  # fmt: skip
_KNOWN = _ABOUT.union(_SAID, ["type"])
_SEVERAL = 2


def join_values(schema: dict[str, Any], original: dict[str, Any], document: Any) -> None:
    """Changes the schema, a copy of the original, in place. References lead into `document`."""
    parts = list(conjuncts(document, original))
    if sum(not _ABOUT.issuperset(part) for part in parts) < _SEVERAL:
        return
    if not any(map(lists_null, parts)) or not all(map(_is_known, parts)):
        return
    types = _common_types(parts)
    said = {key: [part[key] for part in parts if key in part] for key in _SAID}
    is_unclear = any(one != said[key][0] for key in _SAID_ONCE for one in said[key])
    if not types or "object" in types or is_unclear:
        return
    # A copy, in which references are written anew; what is referred to has none.
    items = [part["items"] for part in conjuncts({}, schema) if "items" in part]
    if len(items) != len(said["items"]):
        return
    said["items"] = items if len(items) < _SEVERAL else [{"allOf": items}]
    del schema["allOf"]
    schema.pop("$ref", None)
    schema["type"] = types if len(types) > 1 else types[0]
    for key, values in said.items():
        if values:
            schema[key] = _TIGHTER[key](values) if key in _TIGHTER else values[0]


def _is_known(part: dict[str, Any]) -> bool:
    return all(key in _KNOWN or key.startswith("x-") for key in part)


def _common_types(parts: Iterable[dict[str, Any]]) -> list[str]:
    """The types that every part admits which names any, as the first one has them."""
    common: list[str] | None = None
    for part in parts:
        declared = part.get("type")
        types = [declared] if isinstance(declared, str) else declared
        if not isinstance(types, list):
            continue
        common = types if common is None else [*_narrowed(common, types)]
    return common or []


def _narrowed(types: list[str], others: list[str]) -> Iterable[str]:
    for each in types:
        if each in others or (each == "integer" and "number" in others):
            yield each
        elif each == "number" and "integer" in others:
            yield "integer"
