"""Which formats there are, and how a file's format is recognised."""

import json

import pytest

from formats.registry import FORMATS, detect
from tests.formats.expectations import SAMPLES, sample


def test_every_format_is_found_under_its_own_name() -> None:
    assert set(FORMATS) == {"sarif", "junit"}
    assert all(name == known.name and known.media_types for name, known in FORMATS.items())


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.*")), ids=lambda path: path.name)
def test_sample_is_recognised_as_the_format_its_name_begins_with(path: object) -> None:
    name = str(path).rpartition("/")[2]
    found = detect(sample(name))
    assert found == (name.split("_")[0] if name.split("_")[0] in FORMATS else None)


@pytest.mark.parametrize("name", ["sarif_suppressions.sarif", "junit_pytest.xml"])
def test_translated_report_is_recognised_as_our_own(name: str) -> None:
    report = FORMATS[name.split("_")[0]].translate(sample(name))
    assert detect(json.dumps(report).encode()) == "qc"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"status": {"api": "pass"}, "policy": {}}', "qc"),
        (b'{"status": {}, "diff": {}}', "qc"),
        (b'{"status": {"api": "green"}, "policy": {}}', None),
        (b'{"status": {"api": 1}, "policy": {}}', None),
        (b'{"status": {"api": []}, "policy": {}}', None),
        (b'{"status": "pass", "policy": {}}', None),
        (b'{"status": {"api": "pass"}}', "qc"),
        (b'{"status": {"api": "pass"}, "results": []}', None),
        # Ours, though wrong: the collector says what is wrong with it.
        (b'{"status": {"api": "pass"}, "policy": []}', "qc"),
        (b"", None),
        (b"\xff\xfe\x00", None),
        (b"[" * 100_000, None),
        (b"<html/>", None),
        (b"TAP version 13", None),
    ],
)
def test_content_of_any_kind_is_named_or_declined(content: bytes, expected: str | None) -> None:
    assert detect(content) == expected
