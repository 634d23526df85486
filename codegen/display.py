"""Shows diagnostics: as text for people; as JSON, GitHub annotations or SARIF 2.1.0 for machines.

Any command that finds things in a contract takes the option and shows what it found by these two:

    @main.command("lint")
    @format_option
    def lint_command(form: Format) -> None:
        show(findings, form)

Text goes to standard error, a line a finding, in colour on a terminal alone; the other forms go
to standard output and are whole even where nothing was found, so show them once a run. SARIF tells
what a code means: from its page in `codes/`, or from `meanings` (code to sentence) of a command
whose codes have no pages. Nothing here ends the program.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import click

from .diagnostics import Diagnostic
from .explanations import titles

Format = Literal["text", "json", "github", "sarif"]
FORMATS: tuple[Format, ...] = ("text", "json", "github", "sarif")

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_MOST_OF_A_CODE = 20
_COLOURS = {"error": "red", "warning": "yellow"}


def format_option(command: CommandT) -> CommandT:
    """Adds `--format`, which the command gets as `form`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How findings are shown; all but text go to standard output.",
    )(command)


def show(
    findings: Iterable[Diagnostic],
    form: Format,
    meanings: Mapping[str, str] | None = None,
    *,
    folds: bool = False,
) -> None:
    """With `folds`, people get one line for warnings that say the same of several places.

    They get some of each code, so that hundreds of one don't hide the others.
    """
    ordered = sorted(findings)
    if form == "text":
        counted = _counted(ordered, folds)
        shown = _some(counted) if folds else counted
        for finding, count in shown:
            more = f" [and {count - 1:,} more: --format json lists all]" if count > 1 else ""
            click.echo(as_text(finding, in_colour()) + more, err=True, color=True)
        left = Counter(one.code for one, _ in counted) - Counter(one.code for one, _ in shown)
        for code, number in left.items():
            click.echo(f"{number:,} more {code} warnings: --format json lists all", err=True)
    elif form == "json":
        click.echo(as_json(ordered), nl=False)
    elif form == "github":
        click.echo(as_github(ordered), nl=False)
    else:
        click.echo(as_sarif(ordered, meanings), nl=False)


def _counted(findings: Sequence[Diagnostic], folds: bool) -> list[tuple[Diagnostic, int]]:
    """Each with how many it stands for; of equal warnings the first stands for all."""
    groups: dict[object, list[Diagnostic]] = {}
    for finding in findings:
        is_warning = folds and finding.severity == "warning"
        key = (finding.code, finding.message, finding.hint) if is_warning else finding
        groups.setdefault(key, []).append(finding)
    return [(group[0], len(group)) for group in groups.values()]


def _some(counted: Iterable[tuple[Diagnostic, int]]) -> list[tuple[Diagnostic, int]]:
    """The errors, and the first warnings of each code."""
    numbers: Counter[str] = Counter()
    shown = []
    for finding, count in counted:
        numbers[finding.code] += finding.severity == "warning"
        if finding.severity == "error" or numbers[finding.code] <= _MOST_OF_A_CODE:
            shown.append((finding, count))
    return shown


def in_colour() -> bool:
    """Whether standard error is a terminal whose user wants colour (https://no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and sys.stderr.isatty()


def as_text(finding: Diagnostic, colour: bool = False) -> str:
    if not colour:
        return str(finding)
    code = click.style(finding.code, fg=_COLOURS[finding.severity], bold=True)
    word = click.style("warning: ", fg="yellow") if finding.severity == "warning" else ""
    hint = click.style(f" ({finding.hint})", dim=True) if finding.hint else ""
    return f"{click.style(str(finding.place), bold=True)} {code} {word}{finding.message}{hint}"


def as_json(findings: Sequence[Diagnostic]) -> str:
    listed = [
        {
            "file": finding.place.file,
            "line": finding.place.line,
            "column": finding.place.column,
            "code": finding.code,
            "severity": finding.severity,
            "message": finding.message,
            "hint": finding.hint or None,
        }
        for finding in findings
    ]
    return _json({"diagnostics": listed})


def as_github(findings: Sequence[Diagnostic]) -> str:
    """Workflow commands, which GitHub shows beside the lines; escaped as its toolkit does it."""
    return "".join(f"{_workflow_command(finding)}\n" for finding in findings)


def _workflow_command(finding: Diagnostic) -> str:
    place = finding.place
    properties = {
        "file": place.file,
        "line": str(place.line),
        "col": str(place.column),
        "title": finding.code,
    }
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{finding.severity} {written}::{_data(_sentence(finding))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(findings: Sequence[Diagnostic], meanings: Mapping[str, str] | None = None) -> str:
    """One run; its rules are the codes that were found."""
    codes = sorted({finding.code for finding in findings})
    known = titles() | dict(meanings or {})
    driver = {"name": "codegen", "rules": [_rule(code, known.get(code)) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.code)) for finding in findings],
    }
    return _json({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str, title: str | None) -> dict[str, Any]:
    return {"id": code} | ({"shortDescription": {"text": title}} if title else {})


def _result(finding: Diagnostic, rule: int) -> dict[str, Any]:
    place = finding.place
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": _sentence(finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(place.file)},
                    "region": {"startLine": place.line, "startColumn": place.column},
                }
            }
        ],
    }


def _uri(file: str) -> str:
    """Relative to the folder that the command ran in, as the file's name is."""
    return Path(file).as_uri() if Path(file).is_absolute() else quote(Path(file).as_posix())


def _sentence(finding: Diagnostic) -> str:
    return finding.message + (f" ({finding.hint})" if finding.hint else "")


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
