"""Reads the changes that are accepted for a time: `[tool.codegen.breaking]`, or a file it names.

Each has a reason and a day from which it no longer hides anything.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..diagnostics import Findings, Place, one_error
from .change import Change

_HEAD = re.compile(r"\s*\[\[\s*(?:tool\s*\.\s*codegen\s*\.\s*breaking\s*\.\s*)?ignore\s*\]\]")
_TEXT = {"type": "string", "minLength": 1}
_ENTRY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rule", "reason", "until"],
    "properties": {
        "rule": _TEXT,
        "operation": _TEXT,
        "message": _TEXT,
        "reason": _TEXT,
        "until": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    },
}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "ignore-file": _TEXT,
        "ignore": {"type": "array", "items": _ENTRY},
    },
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """Patterns as of a shell, in which `*` stands for any text. `until` is the first day after."""

    place: Place
    rule: str
    operation: str
    message: str
    reason: str
    until: date

    def covers(self, change: Change) -> bool:
        """A change is covered with all the operations that meet it, or not at all."""
        return (
            fnmatchcase(change.rule, self.rule)
            and fnmatchcase(change.message, self.message)
            and all(fnmatchcase(name, self.operation) for name in change.operations)
        )


def read_accepted(file: Path) -> tuple[Accepted, ...]:
    """Of a pyproject.toml; none if there is no such file. Raises ContractError."""
    if not file.is_file():
        return ()
    content = _read(file)
    table = content.get("tool", {}).get("codegen", {}).get("breaking", {})
    entries = _checked(file, table)
    if "ignore-file" in table:
        other = file.parent / table["ignore-file"]
        entries += _checked(other, _read(other))
    return tuple(entries)


def _read(file: Path) -> dict[str, Any]:
    place = Place(str(file))
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise one_error(place, "CG090", f"{file} can't be read") from error
    except tomllib.TOMLDecodeError as error:
        raise one_error(place, "CG090", str(error)) from error


def _checked(file: Path, table: dict[str, Any]) -> list[Accepted]:
    from jsonschema import Draft202012Validator

    findings = Findings()
    plain = _with_dates_as_text(table)
    lines = [number for number, line in _numbered(file) if _HEAD.match(line)]
    for error in Draft202012Validator(_SCHEMA).iter_errors(plain):
        index = error.path[1] if len(error.path) > 1 else -1
        place = _place(file, lines, int(index))
        hint = (
            "an entry has rule, reason and until = 2027-01-31, and may have operation and message"
        )
        findings.add(place, "CG090", error.message, hint)
    findings.stop_on_errors()
    return [
        _entry(_place(file, lines, index), one) for index, one in enumerate(plain.get("ignore", []))
    ]


def _entry(place: Place, one: dict[str, str]) -> Accepted:
    try:
        until = date.fromisoformat(one["until"])
    except ValueError as error:
        raise one_error(place, "CG090", f"{one['until']} is no day of the calendar") from error
    operation, message = one.get("operation", "*"), one.get("message", "*")
    return Accepted(place, one["rule"], operation, message, one["reason"], until)


def _with_dates_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_dates_as_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_dates_as_text(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def _numbered(file: Path) -> Iterable[tuple[int, str]]:
    return enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)


def _place(file: Path, lines: list[int], index: int) -> Place:
    """Of an entry; entries in one inline array stand where the file begins."""
    return Place(str(file), lines[index] if 0 <= index < len(lines) else 1)
