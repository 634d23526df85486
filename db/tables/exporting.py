"""Exports and the ledger of their parts."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from db.tables.columns import digest, length, metadata, moment, words

exports: Final = Table(
    "exports",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("id", Uuid(), nullable=False),
    Column("created_at", moment(), nullable=False),
    Column("created_by", words(), nullable=False),
    Column("since", moment(), nullable=False),
    Column("until", moment(), nullable=False),
    Column("first_id", Uuid(), nullable=False),
    Column("end_id", Uuid(), nullable=False),
    Column("horizon", BigInteger, nullable=False),
    # Comma-separated, mildest first.
    Column("severities", words(), nullable=False),
    Column("format", words(), nullable=False),
    Column("compression", words(), nullable=False),
    Column("include_raw", Boolean, nullable=False),
    Column("status", words(), nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("job_id", BigInteger),
    Column("finished_at", moment()),
    Column("expires_at", moment()),
    Column("size", BigInteger),
    Column("sha256", LargeBinary),
    Column("manifest", LargeBinary),
    Column("failure", words()),
    # Null while there may be files of it.
    Column("files_deleted_at", moment()),
    PrimaryKeyConstraint("tenant_id", "id", name="exports_pkey"),
    length("exports", "tenant_id", 128),
    length("exports", "created_by", 128),
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
    digest("exports", "sha256"),
    CheckConstraint("octet_length(manifest) <= 4194304", name="exports_manifest_length"),
    length("exports", "failure", 1000),
    Index(
        "exports_with_files",
        "status",
        postgresql_where=text("files_deleted_at IS NULL"),
    ),
)

export_parts: Final = Table(
    "export_parts",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("export_id", Uuid(), nullable=False),
    Column("number", Integer, nullable=False),
    # Null where no report is in it.
    Column("last_id", Uuid()),
    Column("records", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "export_id", "number", name="export_parts_pkey"),
    length("export_parts", "tenant_id", 128),
    CheckConstraint("number >= 1", name="export_parts_number_positive"),
    CheckConstraint("records >= 0 AND size >= 0", name="export_parts_counts_not_negative"),
    CheckConstraint("(last_id IS NULL) = (records = 0)", name="export_parts_last_of_some"),
    digest("export_parts", "sha256"),
)
