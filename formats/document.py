"""The shape and the bounds of a QC report document, as translators hand it over.

Mirrors the QcReport schema of the contract without importing it; holds no behaviour.
"""

from typing import Final, Literal, NotRequired, TypedDict

CheckStatus = Literal["pass", "warn", "fail", "na"]
Verdict = Literal["pass", "warn", "block"]
Severity = Literal["info", "warn", "block"]
Trend = Literal["up", "down", "flat"]

MAX_EVALUATIONS: Final = 20_000
MAX_CHECKS: Final = 2_000
MAX_NOTES: Final = 1_000
MAX_SUMMARY_ITEMS: Final = 1_000
MAX_MESSAGE: Final = 8_192
MAX_NOTE: Final = 8_192
MAX_RULE_ID: Final = 512
MAX_CHECK_NAME: Final = 256
MAX_TARGET: Final = 1_024
MAX_SUMMARY_ID: Final = 256
MAX_SUMMARY_VALUE: Final = 1e12
MAX_TOOL: Final = 128
MAX_TOOL_VERSION: Final = 128
MAX_POLICY_VERSION: Final = 128
MAX_STREAM: Final = 256
STREAM_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._/:@#+-]*$"


class SummaryItem(TypedDict):
    """One line of `diff.summary`; see `formats.assembly` for what translators put in `deltaPct`."""

    id: str
    trend: Trend
    deltaPct: float


class Diff(TypedDict):
    """How this report differs from what came before."""

    summary: list[SummaryItem]


class Evaluation(TypedDict):
    """The outcome of one rule on one target."""

    rule_id: str
    target: str
    verdict: Verdict
    severity: Severity
    message: str


class Policy(TypedDict):
    """The evaluations, and the policy they were made under where the tool names one."""

    evaluations: list[Evaluation]
    policy_version: NotRequired[str | None]
    created_at: NotRequired[str | None]
    topN: NotRequired[int]


class Source(TypedDict):
    """The tool that produced the report."""

    tool: str
    version: NotRequired[str]


class Run(TypedDict):
    """The pipeline run that produced the report."""

    id: NotRequired[str]
    url: NotRequired[str]
    commit: NotRequired[str]
    branch: NotRequired[str]
    started_at: NotRequired[str]


class QcDocument(TypedDict):
    """A whole QC report, before validation and redaction."""

    status: dict[str, CheckStatus]
    diff: Diff
    policy: Policy
    notes: list[str]
    raw: dict[str, object]
    schema_version: NotRequired[str]
    source: NotRequired[Source]
    stream: NotRequired[str]
    run: NotRequired[Run]
    markdown: NotRequired[str]
