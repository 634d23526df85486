"""Reports, and what is kept so that they are stored once and lists know of changes."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from db.tables.columns import digest, length, metadata, moment, words

reports: Final = Table(
    "reports",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("id", Uuid(), nullable=False),
    Column("created_at", moment(), nullable=False),
    Column("severity", words(), nullable=False),
    Column("policy_version", words()),
    Column("source", words()),
    Column("stream", words()),
    Column("pass_count", Integer, nullable=False),
    Column("warn_count", Integer, nullable=False),
    Column("block_count", Integer, nullable=False),
    Column("inconsistencies", Integer, nullable=False),
    Column("duplicate_of", Uuid()),
    Column("sha256", LargeBinary, nullable=False),
    Column("original_digest", words()),
    Column("key_id", words(), nullable=False),
    Column("request_id", words(), nullable=False),
    # json keeps the text as it came; jsonb would rewrite the evidence's numbers and key order.
    # Where the report has raw, the document holds null in its place.
    Column("document", JSON(), nullable=False),
    Column("raw_kid", words()),
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
    length("reports", "tenant_id", 128),
    length("reports", "policy_version", 128),
    length("reports", "source", 128),
    length("reports", "stream", 256),
    length("reports", "original_digest", 200),
    length("reports", "key_id", 128),
    length("reports", "request_id", 128),
    digest("reports", "sha256"),
    length("reports", "raw_kid", 32),
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

report_digests: Final = Table(
    "report_digests",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("report_id", Uuid(), nullable=False),
    Column("previous_report_id", Uuid()),
    PrimaryKeyConstraint("tenant_id", "sha256", name="report_digests_pkey"),
    length("report_digests", "tenant_id", 128),
    digest("report_digests", "sha256"),
    postgresql_with={"fillfactor": 90},
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("key_id", words(), nullable=False),
    Column("operation", words(), nullable=False),
    Column("key", words(), nullable=False),
    Column("request_sha256", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("reference", words(), nullable=False),
    Column("created_at", moment(), nullable=False),
    Column("expires_at", moment(), nullable=False),
    # An answer that can't be built again from the reference; compressed.
    Column("answer", LargeBinary),
    PrimaryKeyConstraint("tenant_id", "key_id", "operation", "key", name="idempotency_keys_pkey"),
    length("idempotency_keys", "tenant_id", 128),
    length("idempotency_keys", "key_id", 128),
    length("idempotency_keys", "operation", 128),
    length("idempotency_keys", "key", 255),
    length("idempotency_keys", "reference", 512, least=0),
    digest("idempotency_keys", "request_sha256"),
    CheckConstraint("octet_length(answer) <= 4194304", name="idempotency_keys_answer_length"),
    CheckConstraint("status BETWEEN 200 AND 299", name="idempotency_keys_status_is_success"),
    CheckConstraint("expires_at > created_at", name="idempotency_keys_expiry_is_later"),
    Index("idempotency_keys_by_expiry", "expires_at"),
)

revisions: Final = Table(
    "revisions",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("class", words(), nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "class", "slot", name="revisions_pkey"),
    length("revisions", "tenant_id", 128),
    CheckConstraint(
        "class IN ('reports', 'exports', 'alerts', 'audit', 'retention')",
        name="revisions_class_known",
    ),
    CheckConstraint("slot BETWEEN 0 AND 15", name="revisions_slot_range"),
    postgresql_with={"fillfactor": 50},
)

epoch: Final = Table(
    "epoch",
    metadata,
    Column("singleton", SmallInteger, nullable=False, autoincrement=False),
    Column("value", Uuid(), nullable=False),
    PrimaryKeyConstraint("singleton", name="epoch_pkey"),
    CheckConstraint("singleton = 1", name="epoch_is_one_row"),
)

encryption_key_uses: Final = Table(
    "encryption_key_uses",
    metadata,
    Column("kid", words(), nullable=False),
    Column("emptied_by", Uuid(), nullable=False),
    Column("check_value", LargeBinary, nullable=False),
    Column("since", moment(), nullable=False),
    PrimaryKeyConstraint("kid", "emptied_by", name="encryption_key_uses_pkey"),
    length("encryption_key_uses", "kid", 32),
    digest("encryption_key_uses", "check_value"),
)
