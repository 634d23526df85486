"""A run that takes up what earlier ones left writes what a run from nothing writes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.cache import FOLDER
from codegen.diagnostics import ContractError
from codegen.run import generate

from .contract import EDITS, Contract, Edit, contract, describe, swap_kind


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and FOLDER not in path.parts
    }


def run(folder: Path, document: Contract, out: str) -> str | None:
    """What it says of the contract, such as that it can't be generated from; None if unchanged."""
    (folder / "openapi.json").write_text(json.dumps(document))
    try:
        outcome = generate(folder / "openapi.json", folder / out, full=False)
    except ContractError as error:
        return str(error)
    return "\n".join(map(str, outcome.warnings)) if outcome.read else None


def same_as_from_nothing(folder: Path, edits: Iterable[Edit]) -> None:
    document = contract()
    said = run(folder, document, "edited")
    for edit in edits:
        edit(document)
        said = run(folder, document, "edited")
    fresh = run(folder, document, "fresh")
    assert said in (fresh, None)
    if (folder / "fresh").exists():
        assert files_in(folder / "edited") == files_in(folder / "fresh")


@settings(max_examples=8, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=4))
def test_edits_come_out_as_a_run_from_nothing_has_them(edits: list[Edit]) -> None:
    with TemporaryDirectory() as folder:
        same_as_from_nothing(Path(folder), edits)


def entries(out: Path) -> list[Path]:
    return sorted((out / FOLDER).glob("*.json"))


def test_one_edited_schema_makes_one_piece_of_the_models_anew(tmp_path: Path) -> None:
    document = contract()
    run(tmp_path, document, "out")
    before = set(entries(tmp_path / "out"))
    assert len(before) > 3
    describe(10, "Something else.")(document)
    run(tmp_path, document, "out")
    # The entry that holds what was found in examples keeps its name.
    assert len(set(entries(tmp_path / "out")) - before) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"0\n{}", b'\xff\xfe\n{"value": 1}'],
    ids=["empty", "another form", "wrong digest", "no text"],
)
def test_cache_that_is_not_whole_changes_nothing(tmp_path: Path, content: bytes) -> None:
    document = contract()
    run(tmp_path, document, "out")
    for path in entries(tmp_path / "out"):
        path.write_bytes(content)
    swap_kind(10, 11)(document)
    run(tmp_path, document, "out")
    run(tmp_path, document, "fresh")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "fresh")
    assert content not in [path.read_bytes() for path in entries(tmp_path / "out")]


def test_entries_of_another_name_are_not_taken(tmp_path: Path) -> None:
    document = contract()
    run(tmp_path, document, "out")
    found = entries(tmp_path / "out")
    contents = [path.read_bytes() for path in found]
    for path, content in zip(found, [*contents[1:], contents[0]], strict=True):
        path.write_bytes(content)
    describe(3, "New.")(document)
    run(tmp_path, document, "out")
    run(tmp_path, document, "fresh")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "fresh")


def test_cache_is_ignored_by_git_and_left_alone_by_check(tmp_path: Path) -> None:
    run(tmp_path, contract(), "out")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    told = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "out/models/__init__.py" in told.stdout
    assert FOLDER not in told.stdout
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / FOLDER).iterdir()}
    document = contract()
    describe(4, "Else.")(document)
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    assert command(tmp_path, "check").wait(timeout=120) == 4
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / FOLDER).iterdir()}


def command(folder: Path, what: str) -> "subprocess.Popen[bytes]":
    arguments = [what, "--spec", "openapi.json", "--out", "out"]
    return subprocess.Popen(
        [sys.executable, "-m", "codegen", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_run_that_is_killed_anywhere_leaves_what_the_next_one_gets_right(tmp_path: Path) -> None:
    document = contract()
    run(tmp_path, document, "out")
    document["info"]["title"] = "Other things"
    swap_kind(10, 11)(document)
    run(tmp_path, document, "fresh")
    begun = time.monotonic()
    assert command(tmp_path, "generate").wait(timeout=120) == 0
    whole = time.monotonic() - begun
    for part in (0.5, 0.8, 0.9, 0.95, 1.0):
        run(tmp_path, contract(), "out")
        (tmp_path / "openapi.json").write_text(json.dumps(document))
        process = command(tmp_path, "generate")
        time.sleep(whole * part)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    run(tmp_path, document, "out")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "fresh")


def test_two_runs_at_once_leave_what_one_would(tmp_path: Path) -> None:
    document = contract()
    run(tmp_path, document, "out")
    swap_kind(10, 11)(document)
    run(tmp_path, document, "fresh")
    processes = [command(tmp_path, "generate") for _ in range(3)]
    for process in processes:
        process.wait(timeout=120)
    run(tmp_path, document, "out")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "fresh")
