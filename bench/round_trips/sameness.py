"""When a JSON value that came back is the one that was sent, and by which admitted difference.

Everything is compared to the letter but for what stands in DIFFERENCES; each of those is held to
what the contract says of the place, and to exactly one other form, never waved through.
"""

import datetime
import json
import math
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import jsonschema_rs

from codegen.nullable import admits_null
from codegen.runtime.document import alternatives, referenced

Difference = Literal[
    "number", "double", "date-time", "uuid", "default", "null", "flag", "undeclared"
]  # fmt: skip
DIFFERENCES: Final[dict[Difference, str]] = {
    "number": "1.0 comes back as 1, or 1 as 1.0",
    "double": "a whole number past 2^53 comes back as the nearest double, where it is a number",
    "date-time": "the same moment in one form: T and Z in capitals, microseconds at most",
    "uuid": "in small letters",
    "default": "an absent member comes back with the default that the contract gives it",
    "null": "in a union, null is left out by the model of a schema that doesn't admit it there",
    "flag": "in a union, true for 1 or 1 for true, where another of its schemas says that the"
    " value is one, or lists it",
    "undeclared": "a member of which the contract says nothing is left out",
}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MICROSECONDS = re.compile(r"(\.[0-9]{6})[0-9]+")
# Of doubles each whole number up to here is one.
_EXACT = 2**53


class Changed(AssertionError):
    """The value came back another one."""


@dataclass(frozen=True, slots=True)
class Said:
    """All that the contract says of one place in a value: the schemas that may hold there.

    `parts` are all that `schemas` refer to or join, and those that they let one choose from.
    """

    document: Any
    schemas: tuple[dict[str, Any], ...]
    parts: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, document: Any, schemas: Iterable[Any]) -> "Said":
        given = tuple(schema for schema in schemas if isinstance(schema, dict))
        found = (part for schema in given for part in alternatives(document, schema))
        return cls(document, given, tuple({id(part): part for part in found}.values()))

    def member(self, name: str) -> "Said":
        declared = [part.get("properties", {}).get(name) for part in self.parts]
        patterned = [
            inner
            for part in self.parts
            for pattern, inner in part.get("patternProperties", {}).items()
            if re.search(pattern, name)
        ]
        others = [part.get(key) for part in self.parts for key in _OTHER_MEMBERS]
        return Said.of(self.document, [*declared, *patterned, *others])

    def item(self, number: int) -> "Said":
        placed = [part.get("prefixItems", [])[number : number + 1] for part in self.parts]
        every = [part.get("items") for part in self.parts]
        return Said.of(self.document, [*every, *(one for found in placed for one in found)])

    def declares(self, names: Collection[str], value: Any) -> bool:
        """Whether anything is said of one of the members, or of all without a name in the contract.

        Of a choice there must be one schema that the value fits and that says nothing of them all.
        """
        if not any(_names(part, name) for part in self.parts for name in names):
            return False
        fitting = [schema for schema in self.schemas if _fits(self.document, schema, value)]
        return not all(_is_silent(self.document, schema, names, value) for schema in fitting)

    def differs_in_null(self, name: str) -> bool:
        """Whether a schema that declares the member admits no null there: others must then."""
        return not all(
            admits_null(self.document, inner)
            for part in self.parts
            for inner in _of_member(part, name)
        )

    def has_format(self, name: str) -> bool:
        return any(part.get("format") == name for part in self.parts)

    def has_type(self, name: str) -> bool:
        return any(
            name == kind or (isinstance(kind, list) and name in kind)
            for kind in (part.get("type") for part in self.parts)
        )

    def lists(self, value: Any) -> bool:
        """Whether the value, and not only one that Python takes for the same, is listed."""
        return any(
            same_json(value, one)
            for part in self.parts
            for one in [*part.get("enum", ()), *([part["const"]] if "const" in part else ())]
        )

    def defaults(self, name: str) -> list[Any]:
        return [part["default"] for part in self.member(name).parts if "default" in part]


_OTHER_MEMBERS = ("additionalProperties", "unevaluatedProperties")


def _names(part: dict[str, Any], name: str) -> bool:
    return (
        name in part.get("properties", {})
        or name in part.get("required", ())
        or any(key in part for key in (*_OTHER_MEMBERS, "patternProperties"))
    )


def _of_member(part: dict[str, Any], name: str) -> list[Any]:
    if name in part.get("properties", {}):
        return [part["properties"][name]]
    return [part[key] for key in _OTHER_MEMBERS if key in part]


def _is_silent(document: Any, schema: Any, names: Collection[str], value: Any) -> bool:
    """Whether a schema can be read so that nothing is said of any of the members.

    The value fits it, and so all that it joins; of a choice it reads as one that the value fits.
    """
    if not isinstance(schema, dict):
        return True
    joined = [*schema.get("allOf", ())]
    if "$ref" in schema:
        joined.append(referenced(document, schema["$ref"]))
    if any(_names(schema, name) for name in names):
        return False
    if not all(_is_silent(document, one, names, value) for one in joined):
        return False
    for keyword in ("anyOf", "oneOf"):
        fitting = [one for one in _chosen(schema, keyword, value) if _fits(document, one, value)]
        if fitting and not any(_is_silent(document, one, names, value) for one in fitting):
            return False
    return True


def _chosen(schema: dict[str, Any], keyword: str, value: Any) -> list[Any]:
    """The schemas of a choice; where a discriminator names one, that one alone."""
    choices: list[Any] = schema.get(keyword, [])
    discriminator = schema.get("discriminator", {})
    tag = value.get(discriminator.get("propertyName")) if isinstance(value, dict) else None
    if not isinstance(tag, str):
        return choices
    meant = discriminator.get("mapping", {}).get(tag, tag)
    references = [one.get("$ref", "") if isinstance(one, dict) else "" for one in choices]
    named = [
        one
        for one, reference in zip(choices, references, strict=True)
        if reference and (reference == meant or reference.rpartition("/")[2] == meant)
    ]
    return named or choices


def _fits(document: Any, schema: Any, value: Any) -> bool:
    whole = {"allOf": [schema], "components": document.get("components", {})}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value)


def same_json(one: Any, other: Any) -> bool:
    """To the letter: 1, 1.0 and true are three values."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def compare(said: Said, sent: Any, came: Any, place: str = "") -> Iterator[Difference]:
    """Each admitted difference that there is, by its name. Raises Changed for any other."""
    if isinstance(sent, dict) and isinstance(came, dict):
        for name in sent.keys() & came.keys():
            yield from compare(said.member(name), sent[name], came[name], f"{place}/{name}")
        yield from _lost(said, sent, sorted(sent.keys() - came.keys()), place)
        for name in came.keys() - sent.keys():
            if not any(same_json(came[name], one) for one in said.defaults(name)):
                raise Changed(f"{place}/{name} was added, as {came[name]!r}")
            yield "default"
    elif isinstance(sent, list) and isinstance(came, list) and len(sent) == len(came):
        for number, (one, other) in enumerate(zip(sent, came, strict=True)):
            yield from compare(said.item(number), one, other, f"{place}/{number}")
    elif type(sent) is not type(came) or sent != came:
        difference = _difference(said, sent, came)
        if difference is None:
            raise Changed(f"{place}: {sent!r} came back as {came!r}")
        yield difference


def _lost(said: Said, sent: Any, names: list[str], place: str) -> Iterator[Difference]:
    nulls = {name for name in names if sent[name] is None and said.differs_in_null(name)}
    others = [name for name in names if name not in nulls]
    if others and said.declares(others, sent):
        raise Changed(f"{place}: {', '.join(others)} lost of {sent!r}")
    for name in names:
        yield "null" if name in nulls else "undeclared"


def _difference(said: Said, sent: Any, came: Any) -> Difference | None:
    if isinstance(sent, bool) != isinstance(came, bool) and sent == came:
        # What was sent is valid, so it is said by a schema of a union that it doesn't fit.
        names = ("boolean",) if isinstance(came, bool) else ("integer", "number")
        is_said = any(map(said.has_type, names)) or said.lists(came)
        return "flag" if is_said else None
    if _is_number(sent) and _is_number(came):
        if sent == came:
            return "number"
        # A whole number that no double is becomes the nearest one.
        is_rounded = isinstance(sent, int) and abs(sent) > _EXACT
        return "double" if is_rounded and math.isclose(came, float(sent), rel_tol=1e-15) else None
    if not (isinstance(sent, str) and isinstance(came, str)):
        return None
    if said.has_format("date-time") and came == _as_date_time(sent):
        return "date-time"
    if said.has_format("uuid") and _UUID.fullmatch(sent) and came == str(UUID(sent)):
        return "uuid"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_date_time(text: str) -> str | None:
    """As models write a moment: T and Z in capitals, six digits of a second or none."""
    cut = _MICROSECONDS.sub(r"\1", text.upper())
    try:
        moment = datetime.datetime.fromisoformat(cut)
    except ValueError:
        return None
    return moment.isoformat().replace("+00:00", "Z") if moment.tzinfo else None
