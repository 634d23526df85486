"""The tables as this program expects them; migrations make them, and `check_schema` compares.

Policies and grants stand in `db.access`, functions in `db.functions`. Filter columns are text,
int, uuid or timestamptz only: other operators aren't leakproof, so row level security would keep
them from using an index.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

metadata: Final = MetaData()


def _words() -> Text:
    """Text compared byte by byte: an index survives an upgrade of the system's collations."""
    return Text(collation="C")


def _moment() -> DateTime:
    return DateTime(timezone=True)


def _length(table: str, column: str, limit: int, *, least: int = 1) -> CheckConstraint:
    return CheckConstraint(
        f"char_length({column}) BETWEEN {least} AND {limit}", name=f"{table}_{column}_length"
    )


def _digest(table: str, column: str) -> CheckConstraint:
    return CheckConstraint(f"octet_length({column}) = 32", name=f"{table}_{column}_length")


# The key's payload lets the timeline be counted from the index alone.
reports: Final = Table(
    "reports",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("id", Uuid(), nullable=False),
    Column("created_at", _moment(), nullable=False),
    Column("severity", _words(), nullable=False),
    Column("policy_version", _words()),
    Column("source", _words()),
    Column("stream", _words()),
    Column("pass_count", Integer, nullable=False),
    Column("warn_count", Integer, nullable=False),
    Column("block_count", Integer, nullable=False),
    Column("inconsistencies", Integer, nullable=False),
    Column("duplicate_of", Uuid()),
    Column("sha256", LargeBinary, nullable=False),
    Column("original_digest", _words()),
    Column("key_id", _words(), nullable=False),
    Column("request_id", _words(), nullable=False),
    # json keeps the text as it came; jsonb would rewrite the evidence's numbers and key order.
    # Where the report has raw, the document holds null in its place.
    Column("document", JSON(), nullable=False),
    Column("raw_kid", _words()),
    Column("raw_sealed", LargeBinary),
    # Counts by rule and share; null where nothing was taken out.
    Column("redaction", JSON()),
    PrimaryKeyConstraint(
        "tenant_id", "id", name="reports_pkey", postgresql_include=["created_at", "severity"]
    ),
    CheckConstraint(
        "created_at = public.collector_uuid7_time(id)", name="reports_created_at_is_id"
    ),
    CheckConstraint("severity IN ('info', 'warn', 'block')", name="reports_severity_known"),
    CheckConstraint(
        "pass_count >= 0 AND warn_count >= 0 AND block_count >= 0 AND inconsistencies >= 0",
        name="reports_counts_not_negative",
    ),
    _length("reports", "tenant_id", 128),
    _length("reports", "policy_version", 128),
    _length("reports", "source", 128),
    _length("reports", "stream", 256),
    _length("reports", "original_digest", 200),
    _length("reports", "key_id", 128),
    _length("reports", "request_id", 128),
    _digest("reports", "sha256"),
    _length("reports", "raw_kid", 32),
    CheckConstraint("octet_length(raw_sealed) >= 28", name="reports_raw_sealed_length"),
    CheckConstraint(
        "(raw_kid IS NULL) = (raw_sealed IS NULL)", name="reports_raw_sealed_with_a_key"
    ),
    Index("reports_by_severity", "tenant_id", "severity", "id"),
    Index(
        "reports_by_policy_version",
        "tenant_id",
        "policy_version",
        "id",
        postgresql_where=text("policy_version IS NOT NULL"),
    ),
    Index(
        "reports_by_source",
        "tenant_id",
        "source",
        "id",
        postgresql_where=text("source IS NOT NULL"),
    ),
    Index(
        "reports_by_stream",
        "tenant_id",
        "stream",
        "id",
        postgresql_where=text("stream IS NOT NULL"),
    ),
    postgresql_partition_by="RANGE (id)",
)

# A unique index of a partitioned table must hold the partition key, so "the newest report with
# this content" needs a plain table. previous_report_id lets an upsert answer what it replaced.
report_digests: Final = Table(
    "report_digests",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("report_id", Uuid(), nullable=False),
    Column("previous_report_id", Uuid()),
    PrimaryKeyConstraint("tenant_id", "sha256", name="report_digests_pkey"),
    _length("report_digests", "tenant_id", 128),
    _digest("report_digests", "sha256"),
    postgresql_with={"fillfactor": 90},
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("key_id", _words(), nullable=False),
    Column("operation", _words(), nullable=False),
    Column("key", _words(), nullable=False),
    Column("request_sha256", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("reference", _words(), nullable=False),
    Column("created_at", _moment(), nullable=False),
    Column("expires_at", _moment(), nullable=False),
    # An answer that can't be built again from the reference; compressed.
    Column("answer", LargeBinary),
    PrimaryKeyConstraint("tenant_id", "key_id", "operation", "key", name="idempotency_keys_pkey"),
    _length("idempotency_keys", "tenant_id", 128),
    _length("idempotency_keys", "key_id", 128),
    _length("idempotency_keys", "operation", 128),
    _length("idempotency_keys", "key", 255),
    _length("idempotency_keys", "reference", 512, least=0),
    _digest("idempotency_keys", "request_sha256"),
    CheckConstraint("octet_length(answer) <= 4194304", name="idempotency_keys_answer_length"),
    CheckConstraint("status BETWEEN 200 AND 299", name="idempotency_keys_status_is_success"),
    CheckConstraint("expires_at > created_at", name="idempotency_keys_expiry_is_later"),
    Index("idempotency_keys_by_expiry", "expires_at"),
)

# Low fillfactor: each slot is rewritten by every write, and must find room in its own page.
revisions: Final = Table(
    "revisions",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("class", _words(), nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "class", "slot", name="revisions_pkey"),
    _length("revisions", "tenant_id", 128),
    CheckConstraint(
        "class IN ('reports', 'exports', 'alerts', 'audit', 'retention')",
        name="revisions_class_known",
    ),
    CheckConstraint("slot BETWEEN 0 AND 15", name="revisions_slot_range"),
    postgresql_with={"fillfactor": 50},
)

# One row; not a tenant's, so it has no row level security.
epoch: Final = Table(
    "epoch",
    metadata,
    Column("singleton", SmallInteger, nullable=False, autoincrement=False),
    Column("value", Uuid(), nullable=False),
    PrimaryKeyConstraint("singleton", name="epoch_pkey"),
    CheckConstraint("singleton = 1", name="epoch_is_one_row"),
)

# Which keys reports are sealed under; db.key_uses says how it is kept right. Not a tenant's.
encryption_key_uses: Final = Table(
    "encryption_key_uses",
    metadata,
    Column("kid", _words(), nullable=False),
    Column("emptied_by", Uuid(), nullable=False),
    Column("check_value", LargeBinary, nullable=False),
    Column("since", _moment(), nullable=False),
    PrimaryKeyConstraint("kid", "emptied_by", name="encryption_key_uses_pkey"),
    _length("encryption_key_uses", "kid", 32),
    _digest("encryption_key_uses", "check_value"),
)

# The last entry of each tenant's chain. Whoever appends holds its row until the commit.
audit_heads: Final = Table(
    "audit_heads",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", name="audit_heads_pkey"),
    _length("audit_heads", "tenant_id", 128),
    CheckConstraint("seq >= 0", name="audit_heads_seq_not_negative"),
    _digest("audit_heads", "hash"),
    postgresql_with={"fillfactor": 50},
)

# What counts is `body`, of which `hash` is made; the other columns repeat parts of it to find by.
audit_entries: Final = Table(
    "audit_entries",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", _words(), nullable=False),
    Column("at", _moment(), nullable=False),
    Column("action", _words(), nullable=False),
    Column("actor", _words()),
    Column("object_type", _words()),
    Column("object_id", _words()),
    Column("outcome", _words(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "seq", name="audit_entries_pkey"),
    _length("audit_entries", "tenant_id", 128),
    CheckConstraint("seq >= 1", name="audit_entries_seq_positive"),
    _digest("audit_entries", "hash"),
    _length("audit_entries", "body", 16_384),
    _length("audit_entries", "action", 64),
    _length("audit_entries", "actor", 128),
    _length("audit_entries", "object_type", 64),
    _length("audit_entries", "object_id", 256),
    CheckConstraint("outcome IN ('done', 'denied', 'failed')", name="audit_entries_outcome_known"),
    Index("audit_entries_by_at", "tenant_id", "at"),
    Index("audit_entries_by_action", "tenant_id", "action", "seq"),
    Index(
        "audit_entries_by_actor",
        "tenant_id",
        "actor",
        "seq",
        postgresql_where=text("actor IS NOT NULL"),
    ),
    Index(
        "audit_entries_by_object",
        "tenant_id",
        "object_id",
        "seq",
        postgresql_where=text("object_id IS NOT NULL"),
    ),
)

# One row a request that stored reports, until it is sealed. `leaves` has 48 bytes a report: its id
# and the SHA-256 of its text; `report_id` is the first of them.
ingest_journal: Final = Table(
    "ingest_journal",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("report_id", Uuid(), nullable=False),
    Column("key_id", _words(), nullable=False),
    Column("request_id", _words(), nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "report_id", name="ingest_journal_pkey"),
    _length("ingest_journal", "tenant_id", 128),
    _length("ingest_journal", "key_id", 128),
    _length("ingest_journal", "request_id", 128),
    CheckConstraint(
        "octet_length(leaves) >= 48 AND octet_length(leaves) % 48 = 0",
        name="ingest_journal_leaves_whole",
    ),
)

# What the entry `seq` of the tenant's chain sealed. `origins` says of each request how many leaves
# are its, its key id and its request id.
audit_segments: Final = Table(
    "audit_segments",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("origins", JSON(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "seq", name="audit_segments_pkey"),
    _length("audit_segments", "tenant_id", 128),
    CheckConstraint(
        "octet_length(leaves) >= 48 AND octet_length(leaves) % 48 = 0",
        name="audit_segments_leaves_whole",
    ),
)

# What the queue itself doesn't keep of a job: whether its effect was had, in the effect's own
# transaction, and why its last attempt failed. Without a foreign key: the queue's tables are the
# library's. Not a tenant's.
job_outcomes: Final = Table(
    "job_outcomes",
    metadata,
    Column("job_id", BigInteger, nullable=False, autoincrement=False),
    Column("had_effect", Boolean, nullable=False),
    Column("failure", _words()),
    Column("failed_at", _moment()),
    PrimaryKeyConstraint("job_id", name="job_outcomes_pkey"),
    _length("job_outcomes", "failure", 1000),
)

# Frozen when a report is first signed: what another version or another key would make otherwise.
# `sha256` and `size` are of the whole archive.
report_bundles: Final = Table(
    "report_bundles",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("report_id", Uuid(), nullable=False),
    Column("signed_at", _moment(), nullable=False),
    Column("signing_key_id", _words(), nullable=False),
    Column("markdown", LargeBinary, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("attestation", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "report_id", name="report_bundles_pkey"),
    _length("report_bundles", "tenant_id", 128),
    _length("report_bundles", "signing_key_id", 128),
    CheckConstraint("octet_length(markdown) <= 67108864", name="report_bundles_markdown_length"),
    CheckConstraint("octet_length(manifest) <= 4096", name="report_bundles_manifest_length"),
    CheckConstraint(
        "octet_length(attestation) <= 67108864", name="report_bundles_attestation_length"
    ),
    CheckConstraint("size > 0", name="report_bundles_size_positive"),
    _digest("report_bundles", "sha256"),
)

# Who was given a link, to what and until when. The link's token is made of the row and a secret,
# and kept nowhere; its digest finds the row of one that turned up somewhere.
link_grants: Final = Table(
    "link_grants",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("id", Uuid(), nullable=False),
    Column("purpose", _words(), nullable=False),
    Column("object_id", Uuid(), nullable=False),
    Column("key_id", _words(), nullable=False),
    Column("role", _words(), nullable=False),
    Column("issued_at", _moment(), nullable=False),
    Column("expires_at", _moment(), nullable=False),
    Column("token_sha256", LargeBinary, nullable=False),
    Column("revoked_at", _moment()),
    Column("revoked_by", _words()),
    PrimaryKeyConstraint("tenant_id", "id", name="link_grants_pkey"),
    _length("link_grants", "tenant_id", 128),
    CheckConstraint("purpose IN ('bundle', 'export')", name="link_grants_purpose_known"),
    _length("link_grants", "key_id", 128),
    _length("link_grants", "role", 32),
    CheckConstraint("expires_at > issued_at", name="link_grants_expiry_is_later"),
    _digest("link_grants", "token_sha256"),
    _length("link_grants", "revoked_by", 128),
    CheckConstraint(
        "(revoked_at IS NULL) = (revoked_by IS NULL)", name="link_grants_revoked_by_somebody"
    ),
    Index("link_grants_by_object", "tenant_id", "object_id", "id"),
)

# Reports that no retention deletes, until the hold is released.
report_holds: Final = Table(
    "report_holds",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("report_id", Uuid(), nullable=False),
    Column("reason", _words(), nullable=False),
    Column("held_by", _words(), nullable=False),
    Column("held_at", _moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "report_id", name="report_holds_pkey"),
    _length("report_holds", "tenant_id", 128),
    _length("report_holds", "reason", 1000),
    _length("report_holds", "held_by", 128),
)

# Ranges of reports that retention leaves alone for now, because something reads them. `last_id` is
# the last one inside.
report_leases: Final = Table(
    "report_leases",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("lease_id", Uuid(), nullable=False),
    Column("what", _words(), nullable=False),
    Column("first_id", Uuid(), nullable=False),
    Column("last_id", Uuid(), nullable=False),
    Column("expires_at", _moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "lease_id", name="report_leases_pkey"),
    _length("report_leases", "tenant_id", 128),
    _length("report_leases", "what", 64),
    CheckConstraint("last_id >= first_id", name="report_leases_last_is_not_before_first"),
)

# A file of many reports that somebody asked for. `first_id` and `end_id` (which is not in it) are
# fixed when it is asked for; `horizon` is the transaction that fixed them.
exports: Final = Table(
    "exports",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("id", Uuid(), nullable=False),
    Column("created_at", _moment(), nullable=False),
    Column("created_by", _words(), nullable=False),
    Column("since", _moment(), nullable=False),
    Column("until", _moment(), nullable=False),
    Column("first_id", Uuid(), nullable=False),
    Column("end_id", Uuid(), nullable=False),
    Column("horizon", BigInteger, nullable=False),
    # Comma-separated, mildest first.
    Column("severities", _words(), nullable=False),
    Column("format", _words(), nullable=False),
    Column("compression", _words(), nullable=False),
    Column("include_raw", Boolean, nullable=False),
    Column("status", _words(), nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("job_id", BigInteger),
    Column("finished_at", _moment()),
    Column("expires_at", _moment()),
    Column("size", BigInteger),
    Column("sha256", LargeBinary),
    Column("manifest", LargeBinary),
    Column("failure", _words()),
    # Null while there may be files of it.
    Column("files_deleted_at", _moment()),
    PrimaryKeyConstraint("tenant_id", "id", name="exports_pkey"),
    _length("exports", "tenant_id", 128),
    _length("exports", "created_by", 128),
    CheckConstraint("until >= since", name="exports_until_not_before_since"),
    CheckConstraint("end_id >= first_id", name="exports_end_not_before_first"),
    CheckConstraint(
        "severities IN ('info', 'warn', 'block', 'info,warn', 'info,block', 'warn,block',"
        " 'info,warn,block')",
        name="exports_severities_known",
    ),
    CheckConstraint("format IN ('ndjson', 'csv', 'parquet')", name="exports_format_known"),
    CheckConstraint("compression IN ('gzip', 'none')", name="exports_compression_known"),
    CheckConstraint(
        "status IN ('queued', 'running', 'done', 'failed', 'cancelled', 'expired')",
        name="exports_status_known",
    ),
    CheckConstraint("total >= 0 AND done >= 0", name="exports_counts_not_negative"),
    CheckConstraint(
        "status NOT IN ('done', 'expired') OR (expires_at IS NOT NULL AND size IS NOT NULL"
        " AND sha256 IS NOT NULL AND manifest IS NOT NULL)",
        name="exports_done_with_a_file",
    ),
    CheckConstraint(
        "(status = 'failed') = (failure IS NOT NULL)", name="exports_failed_for_a_reason"
    ),
    CheckConstraint(
        "(status IN ('queued', 'running')) = (finished_at IS NULL)",
        name="exports_finished_at_a_time",
    ),
    CheckConstraint("size >= 0", name="exports_size_not_negative"),
    _digest("exports", "sha256"),
    CheckConstraint("octet_length(manifest) <= 4194304", name="exports_manifest_length"),
    _length("exports", "failure", 1000),
    Index(
        "exports_with_files",
        "status",
        postgresql_where=text("files_deleted_at IS NULL"),
    ),
)

# What is written of an export's file: part by part, each after its bytes are in the store.
export_parts: Final = Table(
    "export_parts",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("export_id", Uuid(), nullable=False),
    Column("number", Integer, nullable=False),
    # Null where no report is in it.
    Column("last_id", Uuid()),
    Column("records", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "export_id", "number", name="export_parts_pkey"),
    _length("export_parts", "tenant_id", 128),
    CheckConstraint("number >= 1", name="export_parts_number_positive"),
    CheckConstraint("records >= 0 AND size >= 0", name="export_parts_counts_not_negative"),
    CheckConstraint("(last_id IS NULL) = (records = 0)", name="export_parts_last_of_some"),
    _digest("export_parts", "sha256"),
)

# A plan, which is a dry run; and once somebody committed it, what became of it. `looked_through` is
# the last report that was dealt with, `deferred_from` the one before the first passed over.
retention_runs: Final = Table(
    "retention_runs",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("run_id", Uuid(), nullable=False),
    Column("created_at", _moment(), nullable=False),
    Column("created_by", _words()),
    Column("retain_days", Integer, nullable=False),
    Column("cutoff", _moment(), nullable=False),
    Column("plan_hash", LargeBinary, nullable=False),
    Column("candidates", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("by_month", JSON(), nullable=False),
    Column("first_id", Uuid()),
    Column("last_id", Uuid()),
    Column("warnings", JSON(), nullable=False),
    Column("status", _words(), nullable=False),
    Column("committed_at", _moment()),
    Column("committed_by", _words()),
    Column("started_at", _moment()),
    Column("progressed_at", _moment()),
    Column("ended_at", _moment()),
    Column("looked_through", Uuid(), nullable=False),
    Column("deferred_from", Uuid()),
    Column("deleted", BigInteger, nullable=False),
    Column("waits_for", _words()),
    Column("failure", _words()),
    PrimaryKeyConstraint("tenant_id", "run_id", name="retention_runs_pkey"),
    _length("retention_runs", "tenant_id", 128),
    _length("retention_runs", "created_by", 128),
    CheckConstraint("retain_days BETWEEN 1 AND 36500", name="retention_runs_retain_days_range"),
    _digest("retention_runs", "plan_hash"),
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
    _length("retention_runs", "committed_by", 128),
    _length("retention_runs", "waits_for", 256),
    _length("retention_runs", "failure", 1000),
    Index(
        "retention_runs_one_at_work",
        "tenant_id",
        unique=True,
        postgresql_where=text("status IN ('queued', 'running', 'waiting')"),
    ),
)

# Reports that a run could not delete: one, or all from `first_id` to `last_id`.
retention_failures: Final = Table(
    "retention_failures",
    metadata,
    Column("tenant_id", _words(), nullable=False),
    Column("run_id", Uuid(), nullable=False),
    Column("first_id", Uuid(), nullable=False),
    Column("last_id", Uuid(), nullable=False),
    Column("reports", Integer, nullable=False),
    Column("reason", _words(), nullable=False),
    Column("failed_at", _moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "run_id", "first_id", name="retention_failures_pkey"),
    _length("retention_failures", "tenant_id", 128),
    CheckConstraint("last_id >= first_id", name="retention_failures_last_is_not_before_first"),
    CheckConstraint("reports > 0", name="retention_failures_reports_positive"),
    _length("retention_failures", "reason", 1000),
)

TENANT_TABLES: Final = (
    reports,
    report_digests,
    idempotency_keys,
    revisions,
    audit_heads,
    audit_entries,
    ingest_journal,
    audit_segments,
    report_bundles,
    link_grants,
    report_holds,
    report_leases,
    exports,
    export_parts,
    retention_runs,
    retention_failures,
)
