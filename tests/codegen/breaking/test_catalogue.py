"""Each change of the catalogue is found, classed, and shown to break whom it is said to break.

`rules` are all that is found; `request` and `response` the worst class in each direction; `bump`
the version it needs. `sent` is a request that the old contract admits and the new one doesn't;
`got` an answer that the new contract admits and the old one doesn't, `missed` one that is no longer
given; `note` says in words who breaks, where nothing on the wire shows it. `oasdiff` names its rule
and its level, from checker/rules.go; `why` explains a class that isn't the level's.
"""

import json
from datetime import date
from pathlib import Path

import pytest

from codegen.breaking.change import CLASSES, class_of
from codegen.breaking.revision import find_base
from codegen.breaking.rules import RULES
from codegen.breaking.run import Outcome, compare

from .catalogue import Entry, entries
from .witness import Contract

ENTRIES = entries()
TODAY = date(2026, 6, 1)
LEVELS = {"ERR": "breaking", "WARN": "dangerous", "INFO": "safe"}
AT_LEAST = 100

each = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def outcome(entry: Entry, folder: Path, old: int = 0, new: int = 1) -> Outcome:
    for which in (0, 1):
        (folder / f"{which}.json").write_text(json.dumps(entry.contract(which)))
    spec = folder / f"{new}.json"
    return compare(find_base(str(folder / f"{old}.json"), spec), spec, (), TODAY)


def worst(found: Outcome, direction: str) -> str | None:
    classes = [class_of(getattr(change, direction)) for change in found.changes]
    return min((one for one in classes if one), key=CLASSES.index, default=None)


@each
def test_change_is_found_and_classed(entry: Entry, tmp_path: Path) -> None:
    found = outcome(entry, tmp_path)
    assert sorted(change.rule for change in found.changes) == sorted(entry.said["rules"])
    classed = {way: worst(found, way) for way in ("request", "response")}
    assert classed == {way: entry.said.get(way) for way in classed}
    assert found.versions.needed == entry.said["bump"]


@each
def test_who_is_said_to_break_does(entry: Entry) -> None:
    old, new = Contract(entry.contract(0)), Contract(entry.contract(1))
    sent, got, missed = entry.sent(), entry.answered("got"), entry.answered("missed")
    if sent is not None:
        assert old.admits(sent)
        assert not new.admits(sent)
    if got is not None:
        assert new.documents(entry.operation, got)
        assert not old.documents(entry.operation, got)
    if missed is not None:
        assert old.documents(entry.operation, missed)
        assert not new.documents(entry.operation, missed)


def test_every_break_is_shown() -> None:
    for entry in ENTRIES:
        shown = entry.said.keys() & {"sent", "got", "missed", "note"}
        if entry.said.get("request") == "breaking":
            assert shown & {"sent", "note"}, entry.name
        if entry.said.get("response") == "breaking":
            assert shown, entry.name


def test_difference_to_oasdiff_is_explained() -> None:
    for entry in ENTRIES:
        differs = []
        for way, told in entry.said["oasdiff"].items():
            level = told.rpartition(" ")[2]
            if told != "none" and LEVELS[level] != (entry.said.get(way) or "safe"):
                differs.append(told)
        assert bool(differs) == ("why" in entry.said), (entry.name, differs)


def test_catalogue_is_long_and_tries_every_rule() -> None:
    assert len(ENTRIES) >= AT_LEAST
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    tried = {rule for entry in ENTRIES for rule in entry.said["rules"]}
    assert RULES.keys() - tried == set()
