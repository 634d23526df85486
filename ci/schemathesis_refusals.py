"""Requests that fit the contract's schemas and may be refused all the same: the whole list.

Looks at requests only; `schemathesis_hooks` asks it about each refusal of valid input.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import schemathesis

from formats.registry import FORMATS

Case: TypeAlias = schemathesis.Case[Any]

SAMPLES: Final = Path(__file__).resolve().parent.parent / "tests" / "samples"


@dataclass(slots=True)
class Stored:
    """What this run has stored so far: report ids, and (operation, idempotency key)."""

    report_ids: set[str] = field(default_factory=set)
    keys: set[tuple[str, str]] = field(default_factory=set)


STORED: Final = Stored()


def operation_id(case: Case) -> str:
    return str(case.operation.definition.raw.get("operationId", ""))


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """A real tool's output and how it is sent."""

    format: str
    media_type: str
    content: Any


def _content(name: str) -> Any:
    text = (SAMPLES / name).read_text(encoding="utf-8")
    return text if name.endswith(".xml") else json.loads(text)


TOOL_OUTPUTS: Final = tuple(
    ToolOutput(format_name, media_type, _content(name))
    for format_name, media_type, name in (
        ("sarif", "application/sarif+json", "sarif_suppressions.sarif"),
        ("sarif", "application/json", "sarif_shellcheck_real.sarif"),
        ("junit", "application/xml", "junit_pytest.xml"),
        ("junit", "text/xml", "junit_pytest.xml"),
        ("lighthouse", "application/json", "lighthouse_sample_v2.json"),
        ("great_expectations", "application/json", "gx_validation_result_with_exception.json"),
        ("dbt", "application/json", "dbt_run_results_v4.json"),
        ("cyclonedx", "application/vnd.cyclonedx+json", "cyclonedx_vex_case7.json"),
        ("cyclonedx", "application/json", "cyclonedx_vex_case7.json"),
        ("ctrf", "application/json", "ctrf_comprehensive.json"),
    )
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One meaning a schema can't say. `applies` looks at the request, never at the answer."""

    operation: str
    status: int
    problem: str
    reason: str
    applies: Callable[[Case], bool]


def fitting_buckets(case: Case) -> list[int]:
    """The lengths, in minutes, that divide the case's window into 1,000 buckets at most."""
    window = int(case.query.get("window_h", 24)) * 60
    return [each for each in range(1, window + 1) if window % each == 0 and window // each <= 1000]


def _bucket_does_not_fit(case: Case) -> bool:
    return "bucket_m" in case.query and int(case.query["bucket_m"]) not in fitting_buckets(case)


def _report_is_unknown(case: Case) -> bool:
    return str(case.path_parameters["report_id"]).lower() not in STORED.report_ids


def _key_was_used(case: Case) -> bool:
    return (operation_id(case), str(case.headers.get("Idempotency-Key"))) in STORED.keys


def _sends_token(case: Case) -> bool:
    return "page_token" in case.query


def _media_type_is_not_of_format(case: Case) -> bool:
    known = FORMATS.get(case.path_parameters["format"])
    return known is None or case.media_type not in known.media_types


def _sends_empty_text(case: Case) -> bool:
    return case.body == ""


def _is_no_sample(case: Case) -> bool:
    return case.body not in [sample.content for sample in TOOL_OUTPUTS]


REFUSED_FOR_MEANING: Final = (
    Refusal(
        "list_reports",
        400,
        "foreign-page-token",
        "a token must come from the page before; a made-up one belongs to no list",
        _sends_token,
    ),
    Refusal("get_report", 404, "not-found", "no report has a made-up id", _report_is_unknown),
    Refusal(
        "get_timeline",
        422,
        "invalid-input",
        "bucket_m must divide window_h, into 1,000 buckets at most",
        _bucket_does_not_fit,
    ),
    Refusal(
        "ingest_qc",
        422,
        "idempotency-key-reused",
        "an Idempotency-Key stands for one request",
        _key_was_used,
    ),
    Refusal(
        "ingest_tool_output",
        422,
        "idempotency-key-reused",
        "an Idempotency-Key stands for one request",
        _key_was_used,
    ),
    Refusal(
        "ingest_tool_output",
        422,
        "invalid-input",
        "each format comes in media types of its own",
        _media_type_is_not_of_format,
    ),
    Refusal(
        "ingest_tool_output",
        422,
        "invalid-input",
        "an empty text is no body, and one is required",
        _sends_empty_text,
    ),
    Refusal(
        "ingest_tool_output",
        422,
        "untranslatable",
        "the formats' own schemas aren't in the contract; made-up bodies aren't in any format",
        _is_no_sample,
    ),
)
