"""Checks that every example and default of a contract fits the schema it stands beside.

Schemas are seen as the generated service sees them: a view for requests, one for responses.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from .bundle import Bundle
from .cache import Cache
from .diagnostics import Findings, Severity
from .json_text import compact
from .pointers import value_at
from .runtime.document import conjuncts
from .runtime.media_types import is_json, is_json_lines, is_multipart, is_urlencoded
from .runtime.schema_views import Direction, upgrade_3_0, view
from .shape import Node, Pointer, walk
from .units import Unit, leaned_on, part_of

_HIDING: dict[Direction, str] = {"request": "readOnly", "response": "writeOnly"}


@dataclass(frozen=True, slots=True)
class _Sample:
    """A value, where it stands, and the schema that it must fit, with where that stands."""

    pointer: Pointer
    value: Any
    schema: Pointer
    declared: Any
    code: str


class _Schemas:
    """The schemas of samples, and what they lean on, as far as one is asked for."""

    def __init__(
        self,
        document: dict[str, Any],
        units: Mapping[str, Unit],
        samples: Iterable[_Sample],
        is_broken: bool,
    ) -> None:
        self.is_broken = is_broken
        self._contract = document
        # No schema of the contract has a name with a space.
        self._names: dict[str, str] = {}
        self._registries: dict[Direction, jsonschema_rs.Registry] = {}
        self._compiled: dict[tuple[Direction, str], jsonschema_rs.Draft202012Validator] = {}
        added: dict[str, Any] = {}
        for sample in samples:
            name = self._names.setdefault(compact(sample.declared), f"sample {len(added)}")
            added.setdefault(name, sample.declared)
        leaned = [name for schema in added.values() for name in leaned_on(schema, units)]
        part = part_of(document, units, leaned)
        components = part.setdefault("components", {})
        components["schemas"] = components.get("schemas", {}) | added
        self._document = upgrade_3_0(part) if _is_3_0(document) else part

    def directions(self, sample: _Sample) -> list[Direction]:
        """Those in which it is seen: what stands in a `readOnly` property is in no request."""
        around = [
            sample.schema[: index + 2]
            for index, step in enumerate(sample.schema[:-1])
            if step == "properties"
        ]
        words = {
            word
            for pointer in around
            for part in conjuncts(self._contract, value_at(self._contract, pointer))
            for word in part
            if part[word] is True
        }
        return [direction for direction, word in _HIDING.items() if word not in words]

    def compiled(self, direction: Direction, sample: _Sample) -> jsonschema_rs.Draft202012Validator:
        key = (direction, self._names[compact(sample.declared)])
        if key not in self._compiled:
            self._compiled[key] = jsonschema_rs.Draft202012Validator(
                {"$ref": f"urn:contract#/components/schemas/{quote(key[1])}"},
                registry=self._registry(direction),
                validate_formats=True,
                offline=True,
            )
        return self._compiled[key]

    def _registry(self, direction: Direction) -> jsonschema_rs.Registry:
        if direction not in self._registries:
            seen = view(self._document, direction)
            self._registries[direction] = jsonschema_rs.Registry([("urn:contract", seen)])
        return self._registries[direction]


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
    doubtful = {name: list(_doubtful(contract, broken, units[name].node)) for name in new}
    samples = [sample for each in doubtful.values() for sample in each]
    schemas = _Schemas(contract.document, units, samples, bool(broken))
    for name in new:
        known[units[name].key] = _checked(schemas, doubtful[name])
    misfits: list[Pointer] = []
    for unit in units.values():
        found = known.used(unit.key)
        misfits += [tuple(pointer) for pointer in found["misfits"]]
        for each in found["found"]:
            place = contract.place(tuple(each["pointer"]))
            findings.add(place, each["code"], each["message"], each["hint"], each["severity"])
    return misfits


def _doubtful(contract: Bundle, broken: set[Pointer], unit: Node) -> Iterator[_Sample]:
    """The samples in a unit, but for those that fit in any case."""
    is_3_0 = _is_3_0(contract.document)
    for node in walk(unit):
        if isinstance(node.value, dict) and not _is_near(node.pointer, broken):
            for sample in _samples(contract, node):
                if not _fits_plainly(sample, is_3_0):
                    yield sample


def _is_3_0(document: dict[str, Any]) -> bool:
    return str(document["openapi"]).startswith("3.0")


def _fits_plainly(sample: _Sample, is_3_0: bool) -> bool:
    """Whether its schema says all itself, the same in both directions, and admits the value.

    Most schemas of samples are a few words long: to compile one takes a hundredth of what it takes
    to find it in the contract.
    """
    if _NOT_PLAIN.search(compact(sample.declared)):
        return False
    modern = upgrade_3_0(sample.declared) if is_3_0 else sample.declared
    try:
        validator = jsonschema_rs.Draft202012Validator(modern, validate_formats=True, offline=True)
        return validator.is_valid(sample.value)
    except ValueError:
        # It is told where the schema is compiled again.
        return False


def _checked(schemas: _Schemas, samples: Iterable[_Sample]) -> dict[str, Any]:
    """What is found in samples of a unit, as JSON."""
    found: list[_Found] = []
    misfits: list[Pointer] = []
    for sample in samples:
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
        schema, declared = (*node.pointer, "schema"), node.value["schema"]
        if "example" in node.value:
            value = _lines(node.value["example"]) if is_lines else node.value["example"]
            yield _Sample((*node.pointer, "example"), value, schema, declared, "CG060")
        examples = node.value.get("examples")
        for name in examples if isinstance(examples, dict) else ():
            pointer, example = contract.follow((*node.pointer, "examples", name))
            if isinstance(example, dict) and "value" in example:
                value = _lines(example["value"]) if is_lines else example["value"]
                yield _Sample((*pointer, "value"), value, schema, declared, "CG060")


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
            yield _Sample(pointer, node.value[keyword], node.pointer, node.value, code)
    examples = node.value.get("examples")
    for index, value in enumerate(examples if isinstance(examples, list) else ()):
        yield _Sample((*node.pointer, "examples", index), value, node.pointer, node.value, "CG060")


def _misfit(schemas: _Schemas, sample: _Sample) -> list[_Found]:
    """A sample may be of a request or of a response: it is wrong only where it fits neither."""
    directions = schemas.directions(sample)
    try:
        if not directions or any(_fits(schemas, one, sample) for one in directions):
            return []
        errors = schemas.compiled(directions[0], sample).iter_errors(sample.value)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
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
# A keyword that leads elsewhere, or that counts in one direction; or a text that looks like one.
_NOT_PLAIN = re.compile(r'"(?:\$|readOnly"|writeOnly")')


def _fits(schemas: _Schemas, direction: Direction, sample: _Sample) -> bool:
    return schemas.compiled(direction, sample).is_valid(sample.value)


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
