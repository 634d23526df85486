"""What a contract says of each text of a document, as far as a rewritten one must fit it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import jsonschema_rs

_NO_MEMBERS: Final[Mapping[str, "Field"]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a document. `others` is of members that aren't named in `members`.

    An identifier is never rewritten: its values are of a grammar, or reports are looked up by it.
    `text` and `name` validate a text and a member's name; None takes any. Where `is_open`, members
    may be whatever the sender likes.
    """

    members: Mapping[str, "Field"] = field(default_factory=lambda: _NO_MEMBERS)
    others: "Field | None" = None
    items: "Field | None" = None
    text: Any = None
    name: Any = None
    is_identifier: bool = False
    is_open: bool = False

    def member(self, name: str) -> "Field":
        """The field of a member's value."""
        return self.members.get(name) or self.others or FREE

    def takes(self, text: str) -> bool:
        """Whether the value may be this text."""
        return self.text is None or bool(self.text.is_valid(text))

    def takes_name(self, name: str) -> bool:
        """Whether a member may have this name."""
        return self.name is None or bool(self.name.is_valid(name))


FREE: Final = Field(is_open=True)


def field_of(schemas: Mapping[str, Any], name: str) -> Field:
    """The field of a named schema among a contract's `components.schemas`.

    Identifiers are texts with an enumeration or a format, and those of `x-redaction: refuse`.
    Raises ValueError for a schema that refers to itself: reports have none.
    """
    return _Reader(schemas).read(schemas[name], (name,))


class _Reader:
    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def read(self, schema: Any, within: tuple[str, ...]) -> Field:
        if not isinstance(schema, Mapping):
            return FREE
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in within:
                raise ValueError(f"schema {name} refers to itself")
            return self.read(self._schemas[name], (*within, name))
        members = {
            name: self.read(each, within) for name, each in schema.get("properties", {}).items()
        }
        others = schema.get("additionalProperties", True)
        is_identifier = (
            schema.get("x-redaction") == "refuse" or "enum" in schema or "format" in schema
        )
        return Field(
            members=members,
            others=self.read(others, within),
            items=self.read(schema["items"], within) if "items" in schema else None,
            text=None if is_identifier else _validator(schema),
            name=_validator(schema.get("propertyNames", {})),
            is_identifier=is_identifier,
            is_open=others is True,
        )


def _validator(schema: Mapping[str, Any]) -> Any:
    """Checks what a schema says of a text; None where it says nothing."""
    limits = {name: schema[name] for name in ("maxLength", "pattern") if name in schema}
    return jsonschema_rs.validator_for(limits) if limits else None
