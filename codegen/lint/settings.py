"""Reads `[tool.codegen.lint]` of a pyproject.toml: levels of rules, conventions, bounds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import codegen_table, read_toml
from ..diagnostics import Findings, Place
from ..suggestions import did_you_mean
from .names import CONVENTIONS, KINDS
from .rule import LEVELS, Level, Rule
from .rules import RULES
from .subject import Options

_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "bounds": {"enum": ["requests", "everything"]},
        "names": {
            "type": "object",
            "additionalProperties": False,
            "properties": {kind: {"enum": list(CONVENTIONS)} for kind in KINDS},
        },
        "rules": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"enum": list(LEVELS)} for name in RULES},
        },
    },
}
_TABLE = re.compile(r"\s*\[\s*tool\s*\.\s*codegen\s*\.\s*lint\s*(?:\.\s*(\w+)\s*)?\]")


@dataclass(frozen=True, slots=True)
class LintSettings:
    levels: Mapping[str, Level] = field(default_factory=dict)
    options: Options = field(default_factory=Options)

    def level(self, rule: Rule) -> Level:
        return self.levels.get(rule.name, rule.level)


def read_lint_settings(file: Path) -> LintSettings:
    """What holds without such a table, or without the file, is the defaults.

    Raises ContractError with every mistake, each at its line.
    """
    if not file.exists():
        return LintSettings()
    text, table = _read_table(file)
    _check(file, text, table)
    return LintSettings(
        levels=table.get("rules", {}),
        options=Options(
            names=table.get("names", {}), bounds_everywhere=table.get("bounds") == "everything"
        ),
    )


def _read_table(file: Path) -> tuple[str, Any]:
    text, content = read_toml(file)
    return text, (codegen_table(content) or {}).get("lint", {})


def _check(file: Path, text: str, table: Any) -> None:
    # Loaded here, as a contract may be linted without settings.
    from jsonschema import Draft202012Validator

    findings = Findings()
    for error in Draft202012Validator(_SCHEMA).iter_errors(table):
        path = [str(token) for token in error.path]
        for key in _unknown_keys(error) or [""]:
            message = f"{key!r} is not known here" if key else error.message
            place = Place(str(file), _line(text, [*path, key] if key else path))
            findings.add(place, "CG090", message, _hint(path, key))
    findings.stop_on_errors()


def _unknown_keys(error: Any) -> list[str]:
    if error.validator != "additionalProperties":
        return []
    return [key for key in error.instance if key not in error.schema["properties"]]


def _hint(path: list[str], key: str) -> str:
    match path[:1]:
        case ["rules"]:
            listed = 'name = "error", "warning" or "off"; codegen explain lists the names'
            return did_you_mean(key, RULES, listed) if key else listed
        case ["names"]:
            return f"{', '.join(KINDS)} = {' or '.join(CONVENTIONS)}"
        case _:
            return 'the table has rules, names, and bounds = "requests" or "everything"'


def _line(text: str, path: list[str]) -> int:
    """Of a key by its path in the table; else of the head of the table that it would stand in."""
    head, inside = 1, False
    wanted = path[-1] if path else ""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("["):
            match = _TABLE.match(line)
            inside = match is not None and match[1] in (None, *path[:1])
            head = number if inside else head
        elif inside and wanted and re.search(rf"(?<![\w-])\"?{re.escape(wanted)}\"?\s*=", line):
            return number
    return head
