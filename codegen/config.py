"""Reads `[tool.codegen]` of a pyproject.toml: which contract, and where its package goes."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .diagnostics import Findings, Place, one_error

_TABLE = re.compile(r"\s*\[\s*tool\s*\.\s*codegen\s*\]")
_AT = re.compile(r" \(at line ([0-9]+), column ([0-9]+)\)$")
_KEYS = {
    "spec": {"type": "string", "minLength": 1},
    "out": {"type": "string", "minLength": 1},
    # Read by the linter, with a schema of its own.
    "lint": {"type": "object"},
    # Read by `codegen breaking`, with a schema of its own.
    "breaking": {"type": "object"},
}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["spec", "out"],
    "properties": _KEYS,
}


@dataclass(frozen=True, slots=True)
class Settings:
    spec: Path
    out: Path


def read_settings(file: Path) -> Settings:
    """Raises ContractError with every mistake, each at its line."""
    # Loaded here, as a run with --spec and --out needs no validator for its settings.
    from jsonschema import Draft202012Validator

    text, table = _read_table(file)
    findings = Findings()
    for error in Draft202012Validator(_SCHEMA).iter_errors(table):
        key = str(error.path[0]) if error.path else _unknown_key(table)
        hint = 'the table has spec = "openapi.yaml" and out = "generated"'
        findings.add(Place(str(file), _line(text, key)), "CG090", error.message, hint)
    findings.stop_on_errors()
    return Settings(Path(table["spec"]), Path(table["out"]))


def read_toml(file: Path, hint: str = "") -> tuple[str, dict[str, Any]]:
    """The text of a file and what it says. Raises ContractError; `hint` is for one unreadable."""
    try:
        text = file.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise one_error(Place(str(file)), "CG090", f"{file} can't be read", hint) from error
    except tomllib.TOMLDecodeError as error:
        message, line, column = _mistake(str(error))
        raise one_error(Place(str(file), line, column), "CG090", message) from error


def codegen_table(content: dict[str, Any]) -> dict[str, Any] | None:
    """`[tool.codegen]` of a pyproject.toml; None if it has no such table."""
    tool = content.get("tool")
    table = tool.get("codegen") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _read_table(file: Path) -> tuple[str, dict[str, Any]]:
    text, content = read_toml(file, "run from the project's folder, or give --spec and --out")
    table = codegen_table(content)
    if table is None:
        hint = "add it with `spec` and `out`, or give --spec and --out"
        raise one_error(Place(str(file)), "CG090", "there is no table [tool.codegen]", hint)
    return text, table


def _mistake(said: str) -> tuple[str, int, int]:
    """What the parser of TOML says, and where, which stands at the end of it."""
    found = _AT.search(said)
    if found is None:
        return said, 1, 1
    return said[: found.start()], int(found[1]), int(found[2])


def _unknown_key(table: dict[str, Any]) -> str:
    return next((key for key in table if key not in _KEYS), "")


def _line(text: str, key: str) -> int:
    """The line of a key in the table, or of the table's head."""
    head = 1
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if key and re.match(rf"\s*\[\s*tool\s*\.\s*codegen\s*\.\s*\"?{re.escape(key)}\b", line):
            return number
        if line.lstrip().startswith("["):
            inside = bool(_TABLE.match(line))
            head = number if inside else head
        elif inside and key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
            return number
    return head
