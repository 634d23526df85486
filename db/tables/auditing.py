"""The audit chain of each tenant, and the journal of what it is still to seal."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from db.tables.columns import digest, length, metadata, moment, words

audit_heads: Final = Table(
    "audit_heads",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", name="audit_heads_pkey"),
    length("audit_heads", "tenant_id", 128),
    CheckConstraint("seq >= 0", name="audit_heads_seq_not_negative"),
    digest("audit_heads", "hash"),
    postgresql_with={"fillfactor": 50},
)

audit_entries: Final = Table(
    "audit_entries",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", words(), nullable=False),
    Column("at", moment(), nullable=False),
    Column("action", words(), nullable=False),
    Column("actor", words()),
    Column("object_type", words()),
    Column("object_id", words()),
    Column("outcome", words(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "seq", name="audit_entries_pkey"),
    length("audit_entries", "tenant_id", 128),
    CheckConstraint("seq >= 1", name="audit_entries_seq_positive"),
    digest("audit_entries", "hash"),
    length("audit_entries", "body", 16_384),
    length("audit_entries", "action", 64),
    length("audit_entries", "actor", 128),
    length("audit_entries", "object_type", 64),
    length("audit_entries", "object_id", 256),
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

ingest_journal: Final = Table(
    "ingest_journal",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("report_id", Uuid(), nullable=False),
    Column("key_id", words(), nullable=False),
    Column("request_id", words(), nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "report_id", name="ingest_journal_pkey"),
    length("ingest_journal", "tenant_id", 128),
    length("ingest_journal", "key_id", 128),
    length("ingest_journal", "request_id", 128),
    CheckConstraint(
        "octet_length(leaves) >= 48 AND octet_length(leaves) % 48 = 0",
        name="ingest_journal_leaves_whole",
    ),
)

audit_segments: Final = Table(
    "audit_segments",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("origins", JSON(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "seq", name="audit_segments_pkey"),
    length("audit_segments", "tenant_id", 128),
    CheckConstraint(
        "octet_length(leaves) >= 48 AND octet_length(leaves) % 48 = 0",
        name="audit_segments_leaves_whole",
    ),
)
