"""The generator is for any contract: it knows nothing of the service that lives beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.diagnostics import CODES

from .conftest import HERE, ROOT

# Not `severity`: findings of any linter have one.
OWN_NOUNS = re.compile(
    r"collector|tenants?\b|\bqc\b|ingest|verdict|\breports?\b|evaluations?\b|"
    r"retention|alerts?\b|\baudit|api.?key.?header",
    re.IGNORECASE,
)
FILES = sorted((ROOT / "codegen").rglob("*.py"))
TEXTS = sorted([*FILES, *(ROOT / "codegen").rglob("*.md")])


@pytest.mark.parametrize("file", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_noun_of_the_service_occurs_in_the_generator(file: Path) -> None:
    found = [
        f"{number}: {line.strip()}"
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if OWN_NOUNS.search(line)
    ]
    assert found == []


def test_no_contract_of_the_service_is_among_the_cases() -> None:
    for contract in [*HERE.glob("cases/*/openapi.*"), *HERE.glob("contracts/*.json")]:
        assert not OWN_NOUNS.search(contract.read_text()), contract


def test_starting_the_command_loads_only_what_every_run_needs() -> None:
    program = "import sys, codegen.cli; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    heavy = {"yaml", "pydantic", "jsonschema", "jsonschema_rs", "datamodel_code_generator"}
    assert not heavy & set(done.stdout.split())


def test_every_code_in_the_table_is_used_and_every_code_used_is_in_the_table() -> None:
    text = "".join(file.read_text() for file in FILES if file.name != "diagnostics.py")
    assert set(re.findall(r"CG\d{3}", text)) == set(CODES)
