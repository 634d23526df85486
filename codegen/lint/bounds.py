"""Rules about bounds: strings, numbers, arrays and maps of which a caller may send any amount.

Looked at is what requests can hold; with `bounds = "everything"` answers too. A schema counts
together with all that holds with it: references, `allOf`, and what stands around a choice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..shape import Pointer
from .bodies import is_file
from .regex.shape import longest_match
from .rule import Remark, rule
from .schemas import is_number
from .subject import Subject, listing, mapping

# Formats of which the validators of a generated service let no long text through.
_SHORT_FORMATS = frozenset(
    {"uuid", "date", "date-time", "time", "ipv4", "ipv6", "email", "hostname"}
)
_CHOICES = ("anyOf", "oneOf")
_OTHERS = ("additionalProperties", "unevaluatedProperties")


@dataclass(frozen=True, slots=True)
class _Use:
    """One way in which a schema is used. `facts` are the bounds that hold for its values."""

    pointer: Pointer
    facts: frozenset[str]


@rule(
    "unbounded-string",
    "warning",
    "Texts of any length fill memory and columns; a limit is also what a client can check.",
)
def unbounded_string(subject: Subject) -> Iterator[Remark]:
    for use in _uses(subject):
        if "string" in use.facts and not use.facts & {"maxLength", "listed"}:
            hint = "give it maxLength, an enum, or an anchored pattern with an end"
            yield Remark(use.pointer, "the string may be of any length", hint)


@rule(
    "unbounded-number",
    "warning",
    "Numbers outgrow columns, counters and floats: validators check limits, and no `format`.",
)
def unbounded_number(subject: Subject) -> Iterator[Remark]:
    for use in _uses(subject):
        if not use.facts & {"integer", "number"} or "listed" in use.facts:
            continue
        missing = [bound for bound in ("minimum", "maximum") if bound not in use.facts]
        if missing:
            message = f"the number has no {' and no '.join(missing)}"
            yield Remark(use.pointer, message, f"give it {'both' if missing[1:] else 'one'}")


@rule(
    "unbounded-array",
    "warning",
    "Each item costs memory and time, and often a row: a limit makes the worst request known.",
)
def unbounded_array(subject: Subject) -> Iterator[Remark]:
    for use in _uses(subject):
        if "array" in use.facts and not use.facts & {"maxItems", "listed"}:
            yield Remark(use.pointer, "the array may have any number of items", "give it maxItems")


@rule(
    "unbounded-map",
    "warning",
    "An object with names of the caller's own grows like an array.",
)
def unbounded_map(subject: Subject) -> Iterator[Remark]:
    for use in _uses(subject):
        open_object = "object" in use.facts and not use.facts & {"described", "closed"}
        if (open_object or "map" in use.facts) and not use.facts & {"maxProperties", "listed"}:
            message = "the object may have any number of members"
            yield Remark(use.pointer, message, "give it maxProperties, or describe its properties")


@lru_cache(maxsize=1)
def _uses(subject: Subject) -> list[_Use]:
    """Kept for the next rule."""
    collected = _Collected(subject)
    for pointer in _roots(subject):
        collected.add(pointer, frozenset())
    return collected.found


def _roots(subject: Subject) -> Iterator[Pointer]:
    """The schemas of parameters and bodies of served operations; of all else too, if asked."""
    if subject.options.bounds_everywhere:
        for node in subject.of_kind("parameter", "header", "media_type"):
            if "schema" in node.value:
                yield (*node.pointer, "schema")
        return
    for operation in subject.operations():
        holders = list(subject.parameters(operation))
        body = subject.body(operation)
        for place, value in [*holders, *([body] if body else [])]:
            if "schema" in value:
                yield (*place, "schema")
            for media_type, media in mapping(value.get("content")).items():
                if "schema" in mapping(media):
                    yield (*place, "content", media_type, "schema")


@dataclass(slots=True)
class _Collected:
    """Every schema in reach, once for each set of bounds that holds around it."""

    subject: Subject
    found: list[_Use] = field(default_factory=list)
    _seen: set[tuple[Pointer, frozenset[str]]] = field(default_factory=set)

    def add(self, pointer: Pointer, around: frozenset[str]) -> None:
        todo = [(pointer, around)]
        while todo:
            pointer, around = todo.pop()
            if (pointer, around) in self._seen:
                continue
            self._seen.add((pointer, around))
            todo.extend(reversed(list(self._visit(pointer, around))))

    def _visit(
        self, pointer: Pointer, around: frozenset[str]
    ) -> Iterator[tuple[Pointer, frozenset[str]]]:
        """What is to be visited next."""
        parts = self.subject.conjuncts(pointer)
        if not self.subject.options.bounds_everywhere and _is_read_only(parts):
            return
        facts = around.union(*(_facts(value) for _, value in parts))
        choices = [
            (*place, choice, index)
            for place, value in parts
            for choice in _CHOICES
            for index in range(len(listing(value.get(choice))))
        ]
        if choices:
            yield from ((choice, facts) for choice in choices)
        else:
            typed = [place for place, value in parts if "type" in value]
            self.found.append(_Use(typed[0] if typed else pointer, facts))
        for place, value in parts:
            yield from ((inner, frozenset()) for inner in _inside(place, value))


def _inside(pointer: Pointer, schema: dict[str, Any]) -> Iterator[Pointer]:
    for keyword in ("properties", "patternProperties"):
        for name in mapping(schema.get(keyword)):
            yield (*pointer, keyword, name)
    for keyword in ("items", *_OTHERS):
        if isinstance(schema.get(keyword), dict):
            yield (*pointer, keyword)
    for index in range(len(listing(schema.get("prefixItems")))):
        yield (*pointer, "prefixItems", index)


def _facts(schema: dict[str, Any]) -> frozenset[str]:
    """Its types, its bounds by their keyword, and:

    `listed` where all values are, `described` where properties are, `closed` where there may be no
    others, `map` where the others have a schema.
    """
    declared = schema.get("type")
    types = map(str, declared if isinstance(declared, list) else [declared])
    said = {
        "listed": bool({"enum", "const"} & schema.keys()),
        "described": "properties" in schema,
        "closed": False in (schema.get(rest) for rest in _OTHERS),
        "map": isinstance(schema.get("additionalProperties"), dict)
        or "patternProperties" in schema,
    }
    return frozenset({*types, *_bounds(schema), *(fact for fact, holds in said.items() if holds)})


def _bounds(schema: dict[str, Any]) -> Iterator[str]:
    pattern = schema.get("pattern")
    bounded = {
        "maxLength": schema.get("format") in _SHORT_FORMATS
        or is_file(schema)
        or (isinstance(pattern, str) and longest_match(pattern) is not None),
        # In OpenAPI 3.0 these are flags, which bound nothing alone.
        "minimum": is_number(schema.get("exclusiveMinimum")),
        "maximum": is_number(schema.get("exclusiveMaximum")),
        "maxItems": "prefixItems" in schema and schema.get("items") is False,
        "maxProperties": "enum" in mapping(schema.get("propertyNames")),
    }
    return (bound for bound, holds in bounded.items() if holds or bound in schema)


def _is_read_only(parts: list[tuple[Pointer, dict[str, Any]]]) -> bool:
    return any(value.get("readOnly") is True for _, value in parts)
