"""Reads a YAML or JSON file into plain data and remembers where each value stands."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .diagnostics import Findings, Place, one_error
from .json_places import IrregularError, JsonPlaces, read_plain, read_regular
from .json_source import JsonError, read_json

Pointer = tuple[str | int, ...]
Positions = dict[Pointer, tuple[int, int]]


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
        place = place_behind(name, before)
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
        add_repeated(findings, str(pointer[-1]), Place(name, *first), Place(name, *second))
    return Source(path, name, value, positions)


def _read_yaml(path: Path, name: str, text: str, findings: Findings) -> Source:
    # Loaded here, as a contract in JSON needs no parser of YAML.
    from .yaml_source import read_yaml

    value, positions = read_yaml(name, text, findings)
    return Source(path, name, value, positions)


def place_behind(name: str, text: str) -> Place:
    return Place(name, text.count("\n") + 1, len(text) - text.rfind("\n"))


def add_repeated(findings: Findings, key: str, first: Place, second: Place) -> None:
    hint = f"the first is at {first}: rename one, or make them one"
    findings.add(second, "CG003", f"the key {key!r} stands here twice", hint)
