"""Reads the changes that are accepted for a time: `[tool.codegen.breaking]`, or a file it names.

Each has a reason and a day from which it no longer hides anything.
"""

import re
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..config import codegen_table, read_toml
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
    text, content = read_toml(file)
    table = (codegen_table(content) or {}).get("breaking", {})
    entries = _checked(file, text, table)
    if "ignore-file" in table:
        other = file.parent / table["ignore-file"]
        hint = "ignore-file of [tool.codegen.breaking] names it, from that file's folder"
        entries += _checked(other, *read_toml(other, hint))
    return tuple(entries)


def _checked(file: Path, text: str, table: Any) -> list[Accepted]:
    from jsonschema import Draft202012Validator

    findings = Findings()
    plain = _with_dates_as_text(table)
    numbered = enumerate(text.splitlines(), start=1)
    lines = [number for number, line in numbered if _HEAD.match(line)]
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


def _place(file: Path, lines: list[int], index: int) -> Place:
    """Of an entry; entries in one inline array stand where the file begins."""
    return Place(str(file), lines[index] if 0 <= index < len(lines) else 1)
