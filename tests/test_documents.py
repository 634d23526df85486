"""The documents are right where a machine can tell: links, commands, tables copied from code."""

import re
from pathlib import Path

import click
import pytest
from pydantic_core import PydanticUndefined

from codegen.breaking.change import class_of
from codegen.breaking.rules import RULES as BREAKING_RULES
from codegen.cli import main as codegen
from codegen.diagnostics import CODES
from codegen.lint.rules import RULES
from formats.registry import FORMATS
from service.cli import main as collector
from service.settings import Settings
from tests.support.contract import ROOT, document

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# Written for a reader instead of copied: it depends on who starts the service.
DESCRIBED_DEFAULTS = {
    "COLLECTOR_HOME": "`/var/lib/collector` for root, else `~/.local/share/collector`"
}


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _rows(text: str, first_column: str) -> list[list[str]]:
    """The cells of the one table whose head begins with `first_column`."""
    [table] = re.findall(rf"^\| {first_column} \|.*\n\|[-|]+\n((?:\|.*\n?)+)", text, re.MULTILINE)
    return [
        [cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()
    ]


def _anchors(text: str) -> set[str]:
    """GitHub's anchors of the headings."""
    titles = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=_named)
def test_links_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.resolve().is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=_named)
def test_commands_that_documents_name_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", _text("Makefile"), re.MULTILINE))
    # In prose `make` is a word of English too: a command stands in backticks or begins a line.
    named = set(re.findall(r"(?:`|^)make (?:-s )?([a-z]+)", text, re.MULTILINE))
    assert named <= targets, named - targets
    for program, commands in (("collector", collector), ("codegen", codegen)):
        assert isinstance(commands, click.Group)
        called = re.findall(rf"(?:`|^|bin/){program} ([a-z]+)", text, re.MULTILINE)
        known = commands.list_commands(click.Context(commands))
        assert set(called) <= set(known), called
    for script in re.findall(r"(?:`|^)((?:ci|scripts)/[\w.]+)", text, re.MULTILINE):
        assert (ROOT / script).exists(), script


def test_readme_names_every_target_and_command() -> None:
    listed = set(re.findall(r"`make ([a-z]+)`", _text("README.md")))
    assert listed == set(re.findall(r"^([a-z]+):.*## ", _text("Makefile"), re.MULTILINE)) - {"help"}
    assert isinstance(collector, click.Group)
    named = set(re.findall(r"`collector ([a-z]+)`", _text("README.md")))
    assert named == set(collector.list_commands(click.Context(collector)))


def test_settings_table_is_what_the_service_reads() -> None:
    expected = []
    for name, field in Settings.model_fields.items():
        plain = field.default is not None and field.default is not PydanticUndefined
        default = f"`{field.default}`" if plain else "-"
        default = DESCRIBED_DEFAULTS.get(name.upper(), default)
        expected.append([f"`{name.upper()}`", default, field.description])
    assert _rows(_text("docs/operating.md"), "variable") == expected


def test_problem_types_are_the_contracts() -> None:
    schema = document()["components"]["schemas"]["ProblemType"]
    status = dict(re.findall(r"`(/problems/[a-z-]+)`: (\d+)", schema["description"]))
    rows = _rows(_text("docs/problems.md"), "type")
    assert [row[0].strip("`") for row in rows] == schema["enum"]
    assert {row[0].strip("`"): row[1] for row in rows} == status


def test_formats_are_those_the_collector_takes() -> None:
    taken = [
        [f"`{name}`", ", ".join(f"`{each}`" for each in known.media_types)]
        for name, known in sorted(FORMATS.items())
    ]
    operation = document()["paths"]["/ingest/tool/{format}"]["post"]
    for text in (_text("docs/formats.md"), operation["description"]):
        rows = _rows(text, "format")
        assert sorted([row[0], row[2].rstrip(" |")] for row in rows) == taken
    declared = set(operation["requestBody"]["content"])
    assert declared == {each for known in FORMATS.values() for each in known.media_types}


def test_rules_of_breaking_changes_are_the_generators() -> None:
    expected = [
        [f"`{name}`", class_of(rule.request) or "-", class_of(rule.response) or "-", rule.text]
        for name, rule in BREAKING_RULES.items()
    ]
    assert _rows(_text("docs/codegen/breaking.md"), "rule") == expected


def test_diagnostics_are_the_generators() -> None:
    expected = [[f"`{code}`", level, meaning] for code, (level, meaning) in CODES.items()]
    assert _rows(_text("docs/codegen/reference.md"), "code") == expected


def test_rules_of_the_linter_are_those_it_has() -> None:
    expected = [[f"`{rule.name}`", rule.level, rule.reason] for rule in RULES.values()]
    assert _rows(_text("docs/codegen/lint.md"), "rule") == expected


def test_every_decision_is_in_the_index() -> None:
    index = LINK.findall(_text("docs/adr/README.md"))
    assert index == sorted(path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
    for path in (ROOT / "docs/adr").glob("[0-9]*.md"):
        headings = HEADING.findall(path.read_text(encoding="utf-8"))
        assert headings[1:] == ["Context", "Decision", "Consequences"], path.name
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path.name


@pytest.mark.parametrize("path", DOCUMENTS, ids=_named)
def test_files_that_documents_name_exist(path: Path) -> None:
    made = ("handlers/sources.py", "db/sources.py", "tests/handlers/test_sources.py")
    example = ("generated/routes/sources.py", *made)
    for name in re.findall(r"`((?:[\w.]+/)+(?:[\w.]+\.\w+)?)`", path.read_text(encoding="utf-8")):
        # docs/codegen/ speaks of any generated package, ours is one; and of services made by init.
        roots = (ROOT, ROOT / "generated", ROOT / "examples" / "noticeboard")
        there = any((root / name).exists() for root in roots) or name.startswith("api/")
        assert there or name in example, name
