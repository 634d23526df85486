"""Checks that the way a parameter is written is one that the runtime reads."""

from collections.abc import Iterable
from typing import Any

from .contract import Location, Parameter
from .runtime.document import alternatives
from .runtime.media_types import is_json
from .runtime.scalars import properties_of, takes_other_names
from .schema_types import SchemaTypes
from .shape import Pointer

_STYLES: dict[str, frozenset[str]] = {
    "path": frozenset({"simple", "label", "matrix"}),
    "header": frozenset({"simple"}),
    "query": frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"}),
    "cookie": frozenset({"form"}),
}
_DELIMITED = ("spaceDelimited", "pipeDelimited")


def read_media_type(types: SchemaTypes, pointer: Pointer, value: dict[str, Any]) -> str | None:
    """The media type of a parameter with `content` in place of `schema`; None for one without."""
    content = value.get("content")
    if "schema" in value or not isinstance(content, dict) or len(content) != 1:
        return None
    [(media_type, media)] = content.items()
    if not is_json(media_type):
        hint = "give it a `schema`; for other text, a string that the handler parses"
        message = f"a parameter with `content` of {media_type} is not supported"
        types.findings.add(types.contract.place(pointer), "CG080", message, hint)
        return None
    if not isinstance(media, dict) or "schema" not in media:
        hint = "give it a `schema`"
        message = "a parameter with `content` and no schema is not supported"
        types.findings.add(types.contract.place(pointer), "CG080", message, hint)
        return None
    return str(media_type)


def check_style(
    types: SchemaTypes, pointer: Pointer, location: Location, style: str, explode: bool
) -> None:
    if style not in _STYLES[location]:
        supported = ", ".join(sorted(_STYLES[location]))
        message = f"the style {style} is not supported for {location} parameters"
        place = types.contract.place((*pointer, "style"))
        types.findings.add(place, "CG080", message, f"use {supported}")
        return
    said = _unreadable(types, (*pointer, "schema"), location, style, explode)
    if said is not None:
        place = types.contract.place((*pointer, "style"))
        types.findings.add(place, "CG080", *said)


def _unreadable(
    types: SchemaTypes, pointer: Pointer, location: Location, style: str, explode: bool
) -> tuple[str, str] | None:
    """What is wrong with the way an object is written, and the way out."""
    is_object = _is_object(types, pointer)
    if style == "deepObject" and not is_object:
        message = "the style deepObject is for schemas of type object alone"
        return message, "use one parameter a property, or a body"
    if not is_object or not explode:
        return None
    if style in _DELIMITED:
        message = f"an object in the style {style} can't be exploded"
        return message, "say `explode: false`, or use deepObject"
    if style == "form" and location == "cookie":
        return "an object in a cookie can't be exploded", "say `explode: false`"
    if style == "form" and not _properties(types, pointer) and not _is_open(types, pointer):
        message = "an object whose properties come as parameters of their own must admit some"
        return message, "declare `properties`, or admit others by `additionalProperties`"
    return None


def check_spread(
    types: SchemaTypes, pointer: Pointer, placed: Iterable[tuple[Pointer, Parameter]]
) -> None:
    """That it is plain to which parameter each name in the query belongs.

    No property that comes as a parameter of its own has the name of another parameter, and where an
    object takes all other names, no other object comes so.
    """
    in_query = [(place, one) for place, one in placed if one.location == "query"]
    names = {one.name for _, one in in_query}
    spread = [
        ((*place, "schema"), one)
        for place, one in in_query
        if (one.style, one.explode) == ("form", True) and _is_object(types, (*place, "schema"))
    ]
    for schema, parameter in spread:
        if len(spread) > 1 and _is_open(types, schema):
            other = next(one.name for _, one in spread if one is not parameter)
            message = (
                f"the object {parameter.name!r} takes all names in the query, and {other!r} is an "
                "object whose properties come as parameters of their own too"
            )
            hint = "use the style deepObject for one of them, or say `explode: false`"
            types.findings.add(types.contract.place(schema[:-1]), "CG080", message, hint)
        shared = sorted(names.intersection(_properties(types, schema)))
        if shared:
            message = (
                f"the property {shared[0]!r} of the object {parameter.name!r} comes under the name "
                "of another query parameter"
            )
            hint = "use the style deepObject, or say `explode: false`"
            types.findings.add(types.contract.place(pointer), "CG080", message, hint)


def _is_object(types: SchemaTypes, pointer: Pointer) -> bool:
    """By what it refers to, joins and chooses among, too. Not all schemas are well-formed here."""
    schema = types.resolved(pointer) if types.has(pointer) else None
    told = [part.get("type") for part in alternatives(types.contract.document, schema)]
    names = [each for one in told for each in (one if isinstance(one, list) else [one])]
    return "object" in names and "array" not in names


def _is_open(types: SchemaTypes, pointer: Pointer) -> bool:
    return takes_other_names(types.contract.document, types.resolved(pointer))


def _properties(types: SchemaTypes, pointer: Pointer) -> tuple[str, ...]:
    return properties_of(types.contract.document, types.resolved(pointer))
