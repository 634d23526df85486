"""Random values of every schema of every contract at hand, through the models that are made of it.

A valid value comes back equal, but for the differences that `bench/round_trips/sameness.py` lists;
an invalid one is refused by the models as by the server, but for those of `looseness.py`. Both
lists stand in `docs/codegen/reference.md` too.
"""

import gzip
import json
from pathlib import Path

import pytest

from bench.round_trips.looseness import CLASSES
from bench.round_trips.models import round_trip, takes, targets
from bench.round_trips.package import package_of
from bench.round_trips.sameness import DIFFERENCES
from bench.round_trips.trials import try_invalid, try_valid
from tests.codegen.conftest import HERE, ROOT

CASES = HERE / "cases"
# With how many of its schemas are tried: each n-th.
CONTRACTS = {
    "collector": (ROOT / "openapi.yaml", 4),
    "noticeboard": (ROOT / "examples" / "noticeboard" / "openapi.yaml", 1),
    "petstore": (HERE / "contracts" / "petstore-expanded.json", 1),
    "discord": (HERE / "contracts" / "discord.json.gz", 120),
    **{name: (CASES / name / "openapi.yaml", 1) for name in ("library", "gallery", "post_office")},
    "joined_objects": (CASES / "joined_objects" / "openapi.yaml", 1),
    "formats": (CASES / "formats" / "openapi.yaml", 1),
    "several_files": (CASES / "several_files" / "openapi.yaml", 1),
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_values_of_each_schema_come_back_or_are_refused(name: str, tmp_path: Path) -> None:
    spec, every = CONTRACTS[name]
    if spec.suffix == ".gz":
        unpacked = tmp_path / spec.stem
        unpacked.write_bytes(gzip.decompress(spec.read_bytes()))
        spec = unpacked
    package = package_of(spec, tmp_path, f"trip_{name}")
    tried = list(targets(package))[::every]
    valid = try_valid(package, tried, examples=5)
    assert valid.findings == {}
    assert valid.without_values == []
    assert valid.seen["values"] >= len(tried)
    invalid = try_invalid(package, tried, examples=6)
    assert invalid.findings == {}
    # Models take few of the values that the contract refuses.
    assert invalid.seen["refused by both"] > 0.7 * invalid.seen["values"] > 0


def test_a_large_number_may_be_a_multiple_of_a_fraction(tmp_path: Path) -> None:
    package = package_of(CASES / "formats" / "openapi.yaml", tmp_path, "trip_multiples")
    [numbers] = [target for target in targets(package) if target.name == "Numbers"]
    assert round_trip(numbers, {"price": 721506245.06}) == set()


def test_a_member_is_required_if_any_part_that_declares_it_requires_it(tmp_path: Path) -> None:
    package = package_of(CASES / "joined_objects" / "openapi.yaml", tmp_path, "trip_required")
    found = {target.name: target for target in targets(package)}
    for name in ("RequiredByTheSecond", "RequiredByTheBase"):
        assert not takes(found[name], {"name": "x"})
        assert round_trip(found[name], {"name": "x", "count": 1}) == set()


@pytest.mark.parametrize("name", ["ToldByKind", "ToldAndHoused"])
def test_a_discriminator_chooses_in_joined_choices_too(name: str, tmp_path: Path) -> None:
    package = package_of(CASES / "joined_objects" / "openapi.yaml", tmp_path, f"trip_{name}")
    [target] = [target for target in targets(package) if target.name == name]
    for kind in ("bus", "van"):
        sent = {"kind": kind, "seats": 9, "load": 8, "hall": "a"}
        made = target.adapter.validate_python(sent)
        assert isinstance(made, getattr(package.module("models"), kind.capitalize()))
    assert round_trip(target, {"kind": "cab", "hall": "a"}) == {"unrepresentable"}


def test_the_reference_lists_every_difference() -> None:
    text = (ROOT / "docs" / "codegen" / "reference.md").read_text()
    listed = [*DIFFERENCES, *CLASSES]
    assert [name for name in listed if f"| {name} |" not in text] == []


def test_what_no_operation_has_is_tried_on_no_side_where_it_hides_something(tmp_path: Path) -> None:
    hiding = {"type": "object", "required": ["a"], "properties": {"a": {"writeOnly": True}}}
    schemas = {"Hiding": hiding, "Open": {"type": "object", "properties": {"a": {}}}}
    schemas["Inside"] = {"type": "object", "properties": {"b": hiding}}
    about = {"openapi": "3.1.0", "info": {"title": "Sides", "version": "1"}, "paths": {}}
    spec = tmp_path / "sides.json"
    spec.write_text(json.dumps(about | {"components": {"schemas": schemas}}))
    tried = targets(package_of(spec, tmp_path, "trip_sides"))
    assert [(one.name, one.direction) for one in tried] == [("Open", "request")]
