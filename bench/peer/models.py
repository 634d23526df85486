"""The contract's schemas as pydantic models, written by hand with the contract's own bounds."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Severity = Literal["info", "warn", "block"]
CheckStatus = Literal["pass", "warn", "fail", "na"]
Verdict = Literal["pass", "warn", "block"]
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Stream = Annotated[
    str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@#+-]*$")
]
ToolName = Annotated[str, Field(min_length=1, max_length=128, pattern=_PRINTABLE)]
PolicyVersion = Annotated[str, Field(min_length=1, max_length=128, pattern=_PRINTABLE)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Source(Strict):
    tool: ToolName
    version: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class Run(Strict):
    id: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    url: Annotated[str, Field(max_length=2048, pattern=r"^https?://[^\s\x00-\x1f]+$")] | None = None
    commit: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    branch: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    started_at: AwareDatetime | None = None


class DiffEntry(Strict):
    id: Annotated[str, Field(min_length=1, max_length=256)]
    trend: Literal["up", "down", "flat"]
    delta_pct: Annotated[float, Field(alias="deltaPct", ge=-1e12, le=1e12)]


class Diff(Strict):
    summary: Annotated[list[DiffEntry], Field(max_length=1000)] | None = None


class Evaluation(Strict):
    rule_id: Annotated[str, Field(min_length=1, max_length=512)]
    target: Annotated[str, Field(min_length=1, max_length=1024)]
    verdict: Verdict
    severity: Severity
    message: Annotated[str, Field(max_length=8192)] | None = None


class Policy(Strict):
    policy_version: PolicyVersion | None = None
    created_at: AwareDatetime | None = None
    top_n: Annotated[int | None, Field(alias="topN", ge=0, le=20_000)] = None
    evaluations: Annotated[list[Evaluation], Field(max_length=20_000)] | None = None


class QcReport(Strict):
    schema_version: Literal["1"] | None = None
    source: Source | None = None
    stream: Stream | None = None
    run: Run | None = None
    status: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=256)], CheckStatus],
        Field(max_length=2000),
    ]
    diff: Diff | None = None
    policy: Policy | None = None
    notes: (
        Annotated[list[Annotated[str, Field(max_length=8192)]], Field(max_length=1000)] | None
    ) = None
    markdown: Annotated[str, Field(max_length=1_048_576)] | None = None
    raw: (
        Annotated[dict[Annotated[str, Field(max_length=1024)], Any], Field(max_length=10_000)]
        | None
    ) = None


class IngestReceipt(Strict):
    id: UUID
    status: Literal["ingested"]
    severity: Severity
    duplicate_of: UUID | None = None
    inconsistencies: Annotated[int, Field(ge=0, le=2000)] | None = None


class StoredLine(Strict):
    line: Annotated[int, Field(ge=1, le=10_000)]
    outcome: Literal["created", "duplicate"]
    id: UUID
    severity: Severity
    duplicate_of: UUID | None = None
    inconsistencies: Annotated[int, Field(ge=0, le=2000)] | None = None


class LineProblem(Strict):
    type: str
    title: Annotated[str, Field(max_length=128)]
    status: Annotated[int, Field(ge=400, le=499)]
    detail: Annotated[str, Field(max_length=2048)]


class RefusedLine(Strict):
    line: Annotated[int, Field(ge=1, le=10_000)]
    outcome: Literal["refused"]
    problem: LineProblem


class BatchReceipt(Strict):
    created: Annotated[int, Field(ge=0, le=10_000)]
    duplicates: Annotated[int, Field(ge=0, le=10_000)]
    refused: Annotated[int, Field(ge=0, le=10_000)]
    outcomes: Annotated[
        list[Annotated[StoredLine | RefusedLine, Field(discriminator="outcome")]],
        Field(min_length=1, max_length=10_000),
    ]


class Counts(Strict):
    passed: Annotated[int, Field(alias="pass", ge=0, le=20_000)]
    warn: Annotated[int, Field(ge=0, le=20_000)]
    block: Annotated[int, Field(ge=0, le=20_000)]


class ReportSummary(Strict):
    id: UUID
    created_at: AwareDatetime
    severity: Severity
    policy_version: Annotated[str, Field(max_length=128)] | None
    source: Annotated[str, Field(max_length=128)] | None
    stream: Annotated[str, Field(max_length=256)] | None
    counts: Counts


class Report(Strict):
    id: UUID
    created_at: AwareDatetime
    severity: Severity
    counts: Counts
    inconsistencies: Annotated[int, Field(ge=0, le=2000)]
    duplicate_of: UUID | None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    report: QcReport


class Total(Strict):
    count: Annotated[int, Field(ge=0, le=1000)]
    exact: bool


class ReportPage(Strict):
    items: Annotated[list[ReportSummary], Field(max_length=100)]
    next_page_token: Annotated[str, Field(max_length=512)] | None
    total: Total | None = None


class ReportQuery(BaseModel):
    """Query parameters of the list; one that isn't named here is refused."""

    model_config = ConfigDict(extra="forbid")

    severity: Annotated[list[Severity], Field(min_length=1, max_length=3)] | None = None
    policy_version: PolicyVersion | None = None
    source: ToolName | None = None
    stream: Stream | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    include_total: bool = False
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    page_token: (
        Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9_-]+$")] | None
    ) = None
