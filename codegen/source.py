"""Reads a YAML or JSON file into plain data and remembers where each value stands.

YAML is read by the 1.2 core schema: `on`, `yes` and dates stay strings, and keys are strings.
"""

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .diagnostics import Findings, Place, one_error
from .json_places import IrregularError, JsonPlaces, read_plain, read_regular
from .json_source import JsonError, read_json
from .yaml_mistakes import mistake

Pointer = tuple[str | int, ...]
Positions = dict[Pointer, tuple[int, int]]

# Without aliases, a value takes a character at least.
_MAX_VALUES_A_CHARACTER = 10
_MAX_VALUES_AT_LEAST = 10_000
_MAX_DIGITS = 400
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.nan"
)
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Source:
    """One file. `name` is how messages call it; `positions` are (line, column) from 1."""

    path: Path
    name: str
    value: Any
    positions: Positions | JsonPlaces

    def place(self, pointer: Pointer) -> Place:
        """Where a value stands, or the nearest value around it that does exist."""
        if isinstance(self.positions, JsonPlaces):
            return Place(self.name, *self.positions.nearest(pointer))
        while pointer and pointer not in self.positions:
            pointer = pointer[:-1]
        return Place(self.name, *self.positions.get(pointer, (1, 1)))


class _CoreLoader(yaml.CSafeLoader):
    """Composes nodes by the YAML 1.2 core schema; values are built by `_Builder`."""

    # An instance variable to the stubs, so no ClassVar here.
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _name, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": _INT.pattern,
    "float": _FLOAT.pattern,
}.items():
    _CoreLoader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"(?:{_pattern})\\Z"), None)


def read_source(path: Path, name: str, data: bytes, findings: Findings) -> Source:
    """Raises `ContractError` where the file can't be parsed; other findings are collected."""
    is_json = path.suffix.lower() == ".json"
    if is_json:
        with suppress(IrregularError):
            return Source(path, name, read_plain(data), JsonPlaces(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        place = _place_behind(name, before)
        message = f"the file is not UTF-8: {error.reason}"
        raise one_error(place, "CG002", message, "save it as UTF-8") from error
    if is_json:
        return _read_json(path, name, text, findings)
    return _read_yaml(path, name, text, findings)


def _read_json(path: Path, name: str, text: str, findings: Findings) -> Source:
    try:
        return Source(path, name, read_regular(text), JsonPlaces(text.encode()))
    except IrregularError:
        return _read_irregular(path, name, text, findings)


def _read_irregular(path: Path, name: str, text: str, findings: Findings) -> Source:
    """Says what is wrong, and where; raises if the text has no value."""
    try:
        value, positions, repeated = read_json(text)
    except JsonError as error:
        place = Place(name, *error.position)
        raise one_error(place, "CG002", error.message, error.hint) from error
    for pointer, first, second in repeated:
        _add_repeated(findings, str(pointer[-1]), Place(name, *first), Place(name, *second))
    return Source(path, name, value, positions)


def _read_yaml(path: Path, name: str, text: str, findings: Findings) -> Source:
    loader = _CoreLoader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        found = mistake(text, error)
        place = Place(name, found.line, found.column)
        raise one_error(place, "CG002", found.message, found.hint) from error
    except yaml.reader.ReaderError as error:
        odd = next(char for char in text if not char.isprintable() and char not in "\t\n\r\x85")
        place = _place_behind(name, text.partition(odd)[0])
        message = f"a character stands here that no text has: U+{ord(odd):04X}"
        raise one_error(place, "CG002", message, "leave it out") from error
    finally:
        loader.dispose()
    if node is None:
        return Source(path, name, None, {})
    limit = max(_MAX_VALUES_AT_LEAST, _MAX_VALUES_A_CHARACTER * len(text))
    builder = _Builder(name, limit, findings)
    return Source(path, name, builder.build(node, ()), builder.positions)


class _Builder:
    """Makes plain data of composed YAML nodes."""

    def __init__(self, name: str, limit: int, findings: Findings) -> None:
        self._name = name
        self._limit = limit
        self._findings = findings
        self._open: set[int] = set()
        self.positions: Positions = {}

    def build(self, node: yaml.Node, pointer: Pointer) -> Any:
        self.positions.setdefault(pointer, _position(node))
        if len(self.positions) > self._limit or id(node) in self._open:
            hint = "write the parts out, or use $ref"
            message = f"aliases expand to a loop or to more than {self._limit} values"
            raise one_error(self._place(node), "CG002", message, hint)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, pointer)
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*pointer, i)) for i, item in enumerate(node.value)]
            return self._scalar(node)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, pointer: Pointer) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise one_error(self._place(key_node), "CG002", "a key must be plain text")
            key = key_node.value
            if key == "<<" and not key_node.style:
                message = "merge keys are not of YAML 1.2: other tools would read another contract"
                hint = "write the fields out, or use $ref"
                raise one_error(self._place(key_node), "CG002", message, hint)
            inner = (*pointer, key)
            if key in mapping:
                first = Place(self._name, *self.positions[inner])
                _add_repeated(self._findings, key, first, self._place(key_node))
            self.positions[inner] = _position(key_node)
            mapping[key] = self.build(value_node, inner)
        return mapping

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        match node.tag.removeprefix(_TAG):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if _INT.fullmatch(text) and len(text) <= _MAX_DIGITS:
                return int(text, 0 if text[:2] in ("0o", "0x") else 10)
            case "float" if _FLOAT.fullmatch(text) and math.isfinite(_number(text)):
                return _number(text)
        message = f"the value {text!r} of type {node.tag} has no equal in JSON"
        is_include = "include" in node.tag
        hint = "use $ref" if is_include else "quote it, or write a JSON value"
        raise one_error(self._place(node), "CG002", message, hint)

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._name, *_position(node))


def _place_behind(name: str, text: str) -> Place:
    return Place(name, text.count("\n") + 1, len(text) - text.rfind("\n"))


def _add_repeated(findings: Findings, key: str, first: Place, second: Place) -> None:
    hint = f"the first is at {first}: rename one, or make them one"
    findings.add(second, "CG003", f"the key {key!r} stands here twice", hint)


def _number(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
