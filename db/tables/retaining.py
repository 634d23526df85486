"""Runs of retention and what they could not delete."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from db.tables.columns import digest, length, metadata, moment, words

retention_runs: Final = Table(
    "retention_runs",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("run_id", Uuid(), nullable=False),
    Column("created_at", moment(), nullable=False),
    Column("created_by", words()),
    Column("retain_days", Integer, nullable=False),
    Column("cutoff", moment(), nullable=False),
    Column("plan_hash", LargeBinary, nullable=False),
    Column("candidates", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("by_month", JSON(), nullable=False),
    Column("first_id", Uuid()),
    Column("last_id", Uuid()),
    Column("warnings", JSON(), nullable=False),
    Column("status", words(), nullable=False),
    Column("committed_at", moment()),
    Column("committed_by", words()),
    Column("started_at", moment()),
    Column("progressed_at", moment()),
    Column("ended_at", moment()),
    Column("looked_through", Uuid(), nullable=False),
    Column("deferred_from", Uuid()),
    Column("deleted", BigInteger, nullable=False),
    Column("waits_for", words()),
    Column("failure", words()),
    PrimaryKeyConstraint("tenant_id", "run_id", name="retention_runs_pkey"),
    length("retention_runs", "tenant_id", 128),
    length("retention_runs", "created_by", 128),
    CheckConstraint("retain_days BETWEEN 1 AND 36500", name="retention_runs_retain_days_range"),
    digest("retention_runs", "plan_hash"),
    CheckConstraint(
        "candidates >= 0 AND held >= 0 AND deleted >= 0",
        name="retention_runs_counts_not_negative",
    ),
    CheckConstraint(
        "status IN ('planned', 'queued', 'running', 'waiting', 'done', 'done_with_failures',"
        " 'failed')",
        name="retention_runs_status_known",
    ),
    CheckConstraint(
        "(committed_at IS NULL) = (committed_by IS NULL)"
        " AND (committed_at IS NULL) = (status = 'planned')",
        name="retention_runs_committed_by_somebody",
    ),
    length("retention_runs", "committed_by", 128),
    length("retention_runs", "waits_for", 256),
    length("retention_runs", "failure", 1000),
    Index(
        "retention_runs_one_at_work",
        "tenant_id",
        unique=True,
        postgresql_where=text("status IN ('queued', 'running', 'waiting')"),
    ),
)

retention_failures: Final = Table(
    "retention_failures",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("run_id", Uuid(), nullable=False),
    Column("first_id", Uuid(), nullable=False),
    Column("last_id", Uuid(), nullable=False),
    Column("reports", Integer, nullable=False),
    Column("reason", words(), nullable=False),
    Column("failed_at", moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "run_id", "first_id", name="retention_failures_pkey"),
    length("retention_failures", "tenant_id", 128),
    CheckConstraint("last_id >= first_id", name="retention_failures_last_is_not_before_first"),
    CheckConstraint("reports > 0", name="retention_failures_reports_positive"),
    length("retention_failures", "reason", 1000),
)
