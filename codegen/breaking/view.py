"""What a schema says of values in one direction: `allOf` and references merged, both dialects
alike.

A schema is a set of places that hold together: a property may be declared in two parts of an
`allOf`. Merging makes schemas equal that only say the same in another form.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from ..shape import Pointer

Places = tuple[Pointer, ...]
Bound = tuple[float, bool]

CONDITIONS = (
    "not", "if", "then", "else", "contains", "dependentSchemas", "dependentRequired",
    "propertyNames", "unevaluatedItems", "contentSchema", "$dynamicRef",
)  # fmt: skip


@dataclass(slots=True)
class Choice:
    """One `oneOf` or `anyOf`, without a member that only allows null."""

    keyword: str
    members: list[Pointer]
    null: bool


@dataclass(slots=True)
class View:
    """`types` is None for all of them, and never holds null; `values` are by their JSON text.

    `known` are the names that a closed part allows, where one is.
    """

    places: Places
    keeps_single: bool = False
    has_single: bool = False
    never: bool = False
    types: frozenset[str] | None = None
    implied: frozenset[str] = frozenset()
    nullable: bool = True
    values: dict[str, Pointer] | None = None
    limits: dict[str, float] = field(default_factory=dict)
    lower: Bound | None = None
    upper: Bound | None = None
    words: dict[str, frozenset[str]] = field(default_factory=dict)
    multiples: tuple[float, ...] = ()
    unique: bool = False
    properties: dict[str, Places] = field(default_factory=dict)
    hidden: dict[str, Pointer] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    closed: bool = False
    known: frozenset[str] | None = None
    additional: Places = ()
    patterned: dict[str, Places] = field(default_factory=dict)
    items: Places = ()
    prefix: tuple[Places, ...] = ()
    choices: list[Choice] = field(default_factory=list)
    member_types: frozenset[str] | None = None
    conditions: dict[str, Places] = field(default_factory=dict)
    default: str | None = None
    deprecated: bool = False
    discriminator: Pointer | None = None
    at: dict[str, Pointer] = field(default_factory=dict)
    parts: int = 0

    def where(self, keyword: str) -> Pointer:
        """Where a keyword stands, or the schema itself; () for a schema that isn't there."""
        return self.at.get(keyword, self.places[0] if self.places else ())

    @property
    def is_own(self) -> bool:
        """Whether it says anything beside its alternatives."""
        return bool(
            self.types or self.properties or self.required or self.conditions or self.values
        )

    @property
    def is_typed(self) -> bool:
        return self.types is not None or bool(self.choices)


def json_text(value: Any) -> str:
    """Equal for values that are equal in JSON: 1 and 1.0 are."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
