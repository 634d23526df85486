"""Which formats there are, and how a file's format is recognised."""

import json
from pathlib import Path
from typing import Final, get_args

import pytest

from formats.json_input import parse_object
from formats.registry import FORMATS, JsonFormat, detect
from generated.models import ToolFormat
from tests.formats.expectations import SAMPLES

SAMPLE_FILES: Final = [path for path in sorted(SAMPLES.glob("*.*")) if path.suffix != ".md"]


FORMAT_OF: Final = {"gx": "great_expectations"}


def _format_of(name: str) -> str:
    """Samples are named for their format, or for what people call it."""
    first = name.split("_")[0]
    return FORMAT_OF.get(first, first)


def test_every_format_is_found_under_its_own_name() -> None:
    assert set(FORMATS) == set(get_args(ToolFormat.__value__))
    assert all(name == known.name and known.media_types for name, known in FORMATS.items())
    assert set(FORMATS) == {_format_of(path.name) for path in SAMPLE_FILES}


@pytest.mark.parametrize("path", SAMPLE_FILES, ids=lambda path: path.name)
def test_sample_is_recognised_as_its_format(path: Path) -> None:
    assert detect(path.read_bytes()) == _format_of(path.name)


@pytest.mark.parametrize("path", SAMPLE_FILES, ids=lambda path: path.name)
def test_translated_report_is_recognised_as_our_own(path: Path) -> None:
    report = FORMATS[_format_of(path.name)].translate(path.read_bytes())
    assert detect(json.dumps(report).encode()) == "qc"


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"junit"}))
def test_no_json_sample_is_taken_for_another_format(name: str) -> None:
    for path in SAMPLE_FILES:
        if path.suffix == ".xml":
            continue
        root = parse_object(path.read_bytes())
        known = FORMATS[name]
        assert isinstance(known, JsonFormat)
        assert known.looks_like(root) == (_format_of(path.name) == name)


_NEAR_MISSES: Final = {
    "package.json": {"name": "shop", "version": "1.0.0", "dependencies": {}, "scripts": {}},
    "OpenAPI": {"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": {}},
    "Kubernetes": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "status": {}},
    "npm audit": {
        "auditReportVersion": 2,
        "vulnerabilities": {"lodash": {"severity": "high", "via": []}},
        "metadata": {"vulnerabilities": {"high": 1}, "dependencies": {"total": 9}},
    },
    "npm audit 6": {"actions": [], "advisories": {}, "metadata": {}, "runId": "a"},
    "eslint": [{"filePath": "a.js", "messages": [], "errorCount": 0}],
    "jest": {"success": True, "testResults": [], "numTotalTests": 1},
    "Trivy": {"SchemaVersion": 2, "Results": [{"Target": "a", "Vulnerabilities": []}]},
    "SPDX": {"spdxVersion": "SPDX-2.3", "packages": [], "name": "a"},
    "OpenVEX": {"@context": "https://openvex.dev/ns/v0.2.0", "statements": []},
    "Bandit": {"errors": [], "generated_at": "x", "metrics": {}, "results": []},
    "Semgrep": {"version": "1.0", "errors": [], "paths": {}, "results": [{"check_id": "a"}]},
    "dbt manifest": {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
        "nodes": {},
    },
    "dbt sources": {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/sources/v3.json"},
        "results": [],
    },
    "dbt catalog": {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json"},
        "nodes": {},
    },
    "GX suite": {
        "expectation_suite_name": "a",
        "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "a"}}],
        "meta": {"great_expectations_version": "1.0.0"},
    },
    "GX checkpoint of nothing": {"run_results": {}, "success": True},
    "Lighthouse settings": {"ci": {"assert": {}}, "categories": {}, "audits": {}},
    "Lighthouse 2": {"lighthouseVersion": "2.9.4", "audits": {}, "reportCategories": []},
    "PageSpeed": {"kind": "pagespeedonline#result", "lighthouseResult": {}},
    "results of another kind": {"results": {"tests": [], "summary": {}}},
    "another report": {"reportFormat": "XTRF", "results": {"tests": [], "summary": {}}},
    "SARIF without tools": {"version": "2.1.0", "runs": [{"results": []}]},
    "workflow runs": {"total_count": 1, "version": "1", "runs": [{"id": 1, "name": "build"}]},
    "status page": {"status": {"indicator": "none"}, "components": []},
    "one result": {"success": True, "results": [{"success": True, "type": "unit"}]},
    "nothing": {},
}


@pytest.mark.parametrize("name", _NEAR_MISSES)
def test_json_of_another_kind_is_declined(name: str) -> None:
    assert detect(json.dumps(_NEAR_MISSES[name]).encode()) is None


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
