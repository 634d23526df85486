"""Requests that fit the contract's schemas and may be refused all the same: the whole list.

Looks at requests only; `hooks` asks it about each refusal of valid input.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from ci.fuzzing.requests_and_answers import Case, operation_id
from ci.fuzzing.sent_secrets import SENT_SECRETS
from ci.fuzzing.tool_outputs import real_outputs
from formats.registry import FORMATS
from policies.exports import LONGEST_WINDOW
from service.redaction import report_redactor
from tests.support.contract import document


@dataclass(slots=True)
class Stored:
    """What this run has stored so far: report ids, (operation, idempotency key), exports with the
    status last told, of the links that work the token of each report or export, which reports are
    held, and the hash of each plan of retention."""

    report_ids: set[str] = field(default_factory=set)
    holds: set[str] = field(default_factory=set)
    plans: dict[str, str] = field(default_factory=dict)
    keys: set[tuple[str, str]] = field(default_factory=set)
    exports: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


STORED: Final = Stored()
_INGESTS: Final = ("ingest_qc", "ingest_batch", "ingest_tool_output")
_OF_A_REPORT: Final = (
    "get_report",
    "sign_report",
    "revoke_bundle_links",
    "list_sign_history",
    "get_bundle_meta",
    "hold_report",
    "release_hold",
)
_REDACTOR: Final = report_redactor(document())
_SECRET_REFUSED: Final = "a secret is refused where it can't be taken out"


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


def _has_no_link_that_works(case: Case) -> bool:
    [thing] = case.path_parameters.values()
    return str(thing).lower() not in STORED.links


def _export_id(case: Case) -> str:
    return str(case.path_parameters["export_id"]).lower()


def _export_is_unknown(case: Case) -> bool:
    return _export_id(case) not in STORED.exports


def _export_was_not_done(case: Case) -> bool:
    return STORED.exports.get(_export_id(case)) in ("queued", "running")


def _export_was_cancelled(case: Case) -> bool:
    return STORED.exports.get(_export_id(case)) == "cancelled"


def _asks_for_no_export(case: Case) -> bool:
    """Past a limit that the schema can't say."""
    body: Any = case.body
    since, until = (datetime.fromisoformat(body[name]) for name in ("since", "until"))
    packs_parquet = body["format"] == "parquet" and body.get("compression") == "gzip"
    return packs_parquet or not timedelta(0) < until - since <= LONGEST_WINDOW


def _always(case: Case) -> bool:
    return True


def _asks_for_a_range(case: Case) -> bool:
    return "Range" in case.headers


def _report_is_not_held(case: Case) -> bool:
    return str(case.path_parameters["report_id"]).lower() not in STORED.holds


def _run_is_unknown(case: Case) -> bool:
    return str(case.path_parameters["run_id"]).lower() not in STORED.plans


def _committed(case: Case) -> Any:
    """The commit that the case sends, None if it sends none."""
    sent: Any = case.body
    return sent if isinstance(sent, dict) and sent.get("mode") == "commit" else None


def _is_commit(case: Case) -> bool:
    return _committed(case) is not None


def _run_is_of_a_report(case: Case) -> bool:
    try:
        UUID(str(case.path_parameters["run_id"]))
    except ValueError:
        return True
    return False


def _commits_unknown_run(case: Case) -> bool:
    sent = _committed(case)
    return sent is not None and str(sent["run_id"]).lower() not in STORED.plans


def _commits_another_plan(case: Case) -> bool:
    sent = _committed(case)
    known = None if sent is None else STORED.plans.get(str(sent["run_id"]).lower())
    return known is not None and known != sent["plan_hash"]


def _reason_is_secret(case: Case) -> bool:
    sent: Any = case.body
    reason = sent.get("reason") if isinstance(sent, dict) else None
    return isinstance(reason, str) and _REDACTOR.rule_that_hits(reason) is not None


def _key_was_used(case: Case) -> bool:
    return (operation_id(case), str(case.headers.get("Idempotency-Key"))) in STORED.keys


def _sends_token(case: Case) -> bool:
    return "page_token" in case.query


def _media_type_is_not_of_format(case: Case) -> bool:
    known = FORMATS.get(case.path_parameters["format"])
    return known is None or case.media_type not in known.media_types


def _sends_secret_where_none_is_taken_out(case: Case) -> bool:
    """A secret in a field that reports are found by, or in the key: those are never rewritten."""
    sent: Any = case.body
    texts = [case.headers.get("Idempotency-Key"), case.query.get("stream")]
    for report in sent if isinstance(sent, list) else [sent]:
        if isinstance(report, dict):
            texts += [report.get("stream"), report.get("source", {}).get("tool")]
            texts += [report.get("policy", {}).get("policy_version")]
    is_tools = operation_id(case) == "ingest_tool_output"
    if is_tools and any(secret in str(sent) for secret in SENT_SECRETS):
        return True  # which of its texts names the tool, only its translator knows
    return any(isinstance(text, str) and _REDACTOR.rule_that_hits(text) for text in texts)


def _sends_empty_text(case: Case) -> bool:
    return case.body == ""


def _is_no_sample(case: Case) -> bool:
    return case.body not in [output.as_body() for output in real_outputs()]


REFUSED_FOR_MEANING: Final = (
    *(
        Refusal(
            operation,
            400,
            "foreign-page-token",
            "a token must come from the page before; a made-up one belongs to no list",
            _sends_token,
        )
        for operation in (
            "list_reports",
            "list_sign_history",
            "list_audit_logs",
            "list_exports",
            "list_holds",
            "list_retention_runs",
            "get_retention_run",
        )
    ),
    *(
        Refusal(operation, 404, "not-found", "no report has a made-up id", _report_is_unknown)
        for operation in _OF_A_REPORT
    ),
    Refusal("get_hold", 404, "not-found", "a hold comes of holding", _report_is_not_held),
    Refusal("hold_report", 422, "invalid-input", _SECRET_REFUSED, _reason_is_secret),
    Refusal("get_retention_run", 404, "not-found", "no run has a made-up id", _run_is_unknown),
    Refusal(
        "get_retention_run",
        422,
        "invalid-input",
        "Schemathesis takes the id of a report's CI run, which may be any text, for one of these",
        _run_is_of_a_report,
    ),
    Refusal("run_retention", 404, "not-found", "no run has a made-up id", _commits_unknown_run),
    Refusal(
        "run_retention",
        409,
        "retention-plan-outdated",
        "a commit must name the hash of its plan",
        _commits_another_plan,
    ),
    Refusal(
        "run_retention",
        409,
        "retention-at-work",
        "one run is at work at a time, and a worker takes a moment to end it",
        _is_commit,
    ),
    Refusal(
        "download_bundle",
        401,
        "unauthenticated",
        "a link comes of signing a report; no token that is made up is one",
        _has_no_link_that_works,
    ),
    *(
        Refusal(operation, 404, "not-found", "no export has a made-up id", _export_is_unknown)
        for operation in ("get_export", "cancel_export", "get_export_manifest")
    ),
    Refusal(
        "create_export",
        422,
        "invalid-input",
        "a window ends after it begins, within 90 days; Parquet is never gzip",
        _asks_for_no_export,
    ),
    Refusal("create_export", 429, "too-many-exports", "three at a time", _always),
    Refusal(
        "get_export_manifest",
        409,
        "export-not-finished",
        "only an export that is done has one",
        _export_was_not_done,
    ),
    Refusal(
        "get_export_manifest", 410, "gone", "a cancelled export has none", _export_was_cancelled
    ),
    Refusal(
        "download_export",
        401,
        "unauthenticated",
        "a link comes of looking at an export that is done; no token that is made up is one",
        _has_no_link_that_works,
    ),
    Refusal(
        "download_export",
        416,
        "range-not-satisfiable",
        "a range is of the bytes that there are",
        _asks_for_a_range,
    ),
    Refusal(
        "get_timeline",
        422,
        "invalid-input",
        "bucket_m must divide window_h, into 1,000 buckets at most",
        _bucket_does_not_fit,
    ),
    *(
        Refusal(
            operation,
            422,
            "idempotency-key-reused",
            "an Idempotency-Key stands for one request",
            _key_was_used,
        )
        for operation in (*_INGESTS, "sign_report", "create_export")
    ),
    *(
        Refusal(
            operation,
            422,
            "invalid-input",
            _SECRET_REFUSED,
            _sends_secret_where_none_is_taken_out,
        )
        for operation in (*_INGESTS, "sign_report", "create_export")
    ),
    Refusal(
        "ingest_batch",
        422,
        "batch-refused",
        _SECRET_REFUSED,
        _sends_secret_where_none_is_taken_out,
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
