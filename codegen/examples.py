"""Checks that every example and default of a contract fits the schema it stands beside.

Schemas are seen as the generated service sees them: a view for requests, one for responses.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from .bundle import Bundle
from .cache import Cache
from .contract import is_json
from .diagnostics import Findings, Severity
from .pointers import value_at
from .runtime.media_types import is_json_lines, is_multipart, is_urlencoded
from .runtime.schemas import Direction, upgrade_3_0, view
from .shape import Node, Pointer, walk, written
from .units import Unit, part_of

_DIRECTIONS: tuple[Direction, ...] = ("request", "response")


@dataclass(frozen=True, slots=True)
class _Sample:
    """A value, where it stands, and the schema that it must fit."""

    pointer: Pointer
    value: Any
    schema: Pointer
    code: str


class _Schemas:
    """The contract's schemas as either direction sees them."""

    def __init__(self, document: dict[str, Any], is_broken: bool) -> None:
        self.is_broken = is_broken
        modern = upgrade_3_0(document) if document["openapi"].startswith("3.0") else document
        self._views = {direction: view(modern, direction) for direction in _DIRECTIONS}
        self._registries = {
            direction: jsonschema_rs.Registry([("urn:contract", seen)])
            for direction, seen in self._views.items()
        }

    def directions(self, schema: Pointer) -> list[Direction]:
        """Those in which it is seen: what stands in a `readOnly` property is in no request."""
        return [one for one, seen in self._views.items() if _leads_somewhere(seen, schema)]

    def compiled(self, direction: Direction, schema: Pointer) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(
            {"$ref": f"urn:contract#{quote(written(schema))}"},
            registry=self._registries[direction],
            validate_formats=True,
            offline=True,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """A finding, of the value at `pointer`."""

    pointer: tuple[str | int, ...]
    code: str
    message: str
    hint: str = ""
    severity: Severity | None = None


def check_samples(
    contract: Bundle,
    units: Mapping[str, Unit],
    broken: set[Pointer],
    findings: Findings,
    cache: Cache,
) -> list[Pointer]:
    """The defaults that don't fit. Skips schemas in or around which the contract is malformed."""
    if broken:
        # What malformed parts lean on can't be told.
        cache = Cache()
    version = contract.document["openapi"][:3]
    known = cache.shelf(f"samples {version}")
    new = [name for name, unit in units.items() if unit.key not in known]
    schemas = _Schemas(part_of(contract.document, units, new), bool(broken)) if new else None
    for name in new:
        assert schemas is not None
        known[units[name].key] = _checked(contract, broken, schemas, units[name].node)
    misfits: list[Pointer] = []
    for unit in units.values():
        found = known.used(unit.key)
        misfits += [tuple(pointer) for pointer in found["misfits"]]
        for each in found["found"]:
            place = contract.place(tuple(each["pointer"]))
            findings.add(place, each["code"], each["message"], each["hint"], each["severity"])
    return misfits


def _checked(
    contract: Bundle, broken: set[Pointer], schemas: _Schemas, unit: Node
) -> dict[str, Any]:
    """What is found in a unit, as JSON."""
    found: list[_Found] = []
    misfits: list[Pointer] = []
    for node in walk(unit):
        if not isinstance(node.value, dict) or _is_near(node.pointer, broken):
            continue
        for sample in _samples(contract, node):
            wrong = _misfit(schemas, sample)
            found += wrong
            if sample.code == "CG061" and any(each.code == "CG061" for each in wrong):
                misfits.append(sample.pointer)
    return {
        "found": [asdict(each) | {"pointer": list(each.pointer)} for each in found],
        "misfits": [list(pointer) for pointer in misfits],
    }


def _is_near(pointer: Pointer, broken: set[Pointer]) -> bool:
    return any(
        pointer[: len(place)] == place or place[: len(pointer)] == pointer
        for place in broken
        if pointer
    )


def _samples(contract: Bundle, node: Node) -> Iterator[_Sample]:
    if node.kind == "schema":
        yield from _samples_of_schema(node)
    elif node.kind in ("parameter", "header", "media_type") and "schema" in node.value:
        is_lines = node.kind == "media_type" and is_json_lines(str(node.pointer[-1]))
        if node.kind == "media_type" and not is_lines and not _is_value(str(node.pointer[-1])):
            return
        schema = (*node.pointer, "schema")
        if "example" in node.value:
            value = _lines(node.value["example"]) if is_lines else node.value["example"]
            yield _Sample((*node.pointer, "example"), value, schema, "CG060")
        examples = node.value.get("examples")
        for name in examples if isinstance(examples, dict) else ():
            pointer, example = contract.follow((*node.pointer, "examples", name))
            if isinstance(example, dict) and "value" in example:
                value = _lines(example["value"]) if is_lines else example["value"]
                yield _Sample((*pointer, "value"), value, schema, "CG060")


def _is_value(media_type: str) -> bool:
    """Whether an example of it is written as the value that it stands for."""
    return is_json(media_type) or is_urlencoded(media_type) or is_multipart(media_type)


def _lines(text: Any) -> Any:
    """The values of an example of lines, which is text as it is sent; what is no such misfits."""
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (AttributeError, ValueError):
        return text if isinstance(text, str) else None


def _samples_of_schema(node: Node) -> Iterator[_Sample]:
    for keyword, code in (("default", "CG061"), ("example", "CG060")):
        if keyword in node.value:
            pointer = (*node.pointer, keyword)
            yield _Sample(pointer, node.value[keyword], node.pointer, code)
    examples = node.value.get("examples")
    for index, value in enumerate(examples if isinstance(examples, list) else ()):
        yield _Sample((*node.pointer, "examples", index), value, node.pointer, "CG060")


def _leads_somewhere(document: Any, pointer: Pointer) -> bool:
    try:
        value_at(document, pointer)
    except LookupError:
        return False
    return True


def _misfit(
    schemas: _Schemas, sample: _Sample, directions: Sequence[Direction] = _DIRECTIONS
) -> list[_Found]:
    """A sample may be of a request or of a response: it is wrong only where it fits neither."""
    try:
        if not directions or any(_fits(schemas, one, sample) for one in directions):
            return []
        errors = schemas.compiled(directions[0], sample.schema).iter_errors(sample.value)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        if len(visible := schemas.directions(sample.schema)) < len(directions):
            return _misfit(schemas, sample, visible)
        # Where something is malformed that the schema refers to, that has been said.
        message = f"this schema can't be compiled: {_one_line(error)}"
        return [] if schemas.is_broken else [_Found(sample.schema, "CG007", message)]
    return [_of_error(sample, error) for error in errors]


def _of_error(sample: _Sample, error: jsonschema_rs.ValidationError) -> _Found:
    inside = "".join(f"/{token}" for token in error.instance_path)
    what = "default" if sample.code == "CG061" else "example"
    where = f" at {inside}" if inside else ""
    message = f"the {what} doesn't fit its schema{where}: {_one_line(error.message)}"
    return _Found(_inside(sample, error), sample.code, message, *_consequence(sample))


def _consequence(sample: _Sample) -> tuple[str, Severity | None]:
    """Of a default: handlers get a parameter's, so it must be right, but models do without."""
    if sample.code != "CG061" or _is_of_parameter(sample.pointer):
        return "", None
    return "the model has no default here", "warning"


def _is_of_parameter(pointer: Pointer) -> bool:
    in_operation = pointer[:1] == ("paths",) and "parameters" in pointer[2:4]
    return in_operation or pointer[:2] == ("components", "parameters")


_MAX_TEXT = 160


def _fits(schemas: _Schemas, direction: Direction, sample: _Sample) -> bool:
    return schemas.compiled(direction, sample.schema).is_valid(sample.value)


def _inside(sample: _Sample, error: jsonschema_rs.ValidationError) -> Pointer:
    pointer = sample.pointer
    value = sample.value
    for token in error.instance_path:
        key: str | int = int(token) if isinstance(value, list) else str(token)
        pointer = (*pointer, key)
        value = value[key]
    return pointer


def _one_line(error: object) -> str:
    """Messages repeat the value; of a long one the end tells which rule it breaks."""
    text = " ".join(str(error).split())
    return text if len(text) <= _MAX_TEXT else f"… {text[-_MAX_TEXT:]}"
