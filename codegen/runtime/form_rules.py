"""What a contract says of the fields of a form, gathered once at start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .binary_schemas import is_binary
from .document import alternatives
from .media_types import is_multipart
from .operation import Media
from .scalars import Types, most_items, types_in_arrays, types_of
from .schema_views import Direction
from .schemas import ContractSchemas

MAX_FIELDS: Final = 1000
_SEPARATORS: Final = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field is read. `items` are the types of an array's items; None if it is no array.

    `separator` parts the items of an array that comes in one piece. `inner` is of an object that
    comes as `field[name]`. `content_types` are what its encoding admits of a file; empty if it
    doesn't say.
    """

    types: Types
    items: Types | None = None
    is_file: bool = False
    separator: str | None = None
    inner: "FieldRules | None" = None
    content_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldRules:
    """`other` is for fields that the contract doesn't declare."""

    declared: Mapping[str, FieldRule]
    other: FieldRule

    def of(self, name: str) -> FieldRule:
        return self.declared.get(name, self.other)

    def is_file(self, name: str, has_filename: bool) -> bool:
        """Of a declared field the contract tells, of another what came."""
        return self.of(name).is_file or (has_filename and name not in self.declared)


@dataclass(frozen=True, slots=True)
class FormRule:
    """`pointer` leads to the form's schema, which is held against it as `direction` sees it.

    `most_fields` is how many may come; the `maxItems` of its lists add to the limit of all forms.
    """

    pointer: str
    direction: Direction
    fields: FieldRules
    most_fields: int = MAX_FIELDS


def form_rule(schemas: ContractSchemas, media: Media) -> FormRule:
    pointer = media.pointer or ""
    encodings = schemas.at(f"{pointer.removesuffix('/schema')}/encoding") or {}
    fields = _rules(schemas.document, schemas.at(pointer), encodings)
    direction: Direction = "form" if is_multipart(media.media_type) else "request"
    lists = [
        most_items(schemas.document, one)
        for part in alternatives(schemas.document, schemas.at(pointer))
        for one in part.get("properties", {}).values()
    ]
    return FormRule(pointer, direction, fields, MAX_FIELDS + sum(lists))


def _rules(document: Any, schema: Any, encodings: Mapping[str, Any]) -> FieldRules:
    """Of a name that several alternatives declare, each may be meant."""
    declared: dict[str, list[Any]] = {}
    others: list[Any] = []
    for part in alternatives(document, schema):
        for name, one in part.get("properties", {}).items():
            declared.setdefault(name, []).append(one)
        others += [part["additionalProperties"]] if "additionalProperties" in part else []
    return FieldRules(
        {
            name: _rule(document, {"anyOf": parts}, encodings.get(name, {}))
            for name, parts in declared.items()
        },
        _rule(document, {"anyOf": others}, {}),
    )


def _rule(document: Any, schema: Any, encoding: Mapping[str, Any]) -> FieldRule:
    parts = list(alternatives(document, schema))
    types = _with_objects(document, schema, types_of(document, schema))
    items = None
    if "array" in types:
        inner = {"anyOf": [part["items"] for part in parts if "items" in part]}
        items = _with_objects(document, inner, types_in_arrays(document, schema))
        parts += alternatives(document, inner)
    style = encoding.get("style", "form")
    in_one_piece = style in _SEPARATORS and encoding.get("explode", style == "form") is False
    admitted = str(encoding.get("contentType", "")).lower().split(",")
    return FieldRule(
        types=types,
        items=items,
        is_file=any(map(is_binary, parts)),
        separator=_SEPARATORS[style] if items is not None and in_one_piece else None,
        inner=_rules(document, schema, {}) if style == "deepObject" else None,
        content_types=tuple(one.strip() for one in admitted if one.strip()),
    )


def _with_objects(document: Any, schema: Any, types: Types) -> Types:
    """Schemas with `properties` often don't say that they are of objects."""
    is_told = any("properties" in part for part in alternatives(document, schema))
    return types | {"object"} if is_told else types
