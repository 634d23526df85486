"""What keeps reports from being deleted: holds by people, leases by work."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    PrimaryKeyConstraint,
    Table,
    Uuid,
)

from db.tables.columns import length, metadata, moment, words

report_holds: Final = Table(
    "report_holds",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("report_id", Uuid(), nullable=False),
    Column("reason", words(), nullable=False),
    Column("held_by", words(), nullable=False),
    Column("held_at", moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "report_id", name="report_holds_pkey"),
    length("report_holds", "tenant_id", 128),
    length("report_holds", "reason", 1000),
    length("report_holds", "held_by", 128),
)

report_leases: Final = Table(
    "report_leases",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("lease_id", Uuid(), nullable=False),
    Column("what", words(), nullable=False),
    Column("first_id", Uuid(), nullable=False),
    Column("last_id", Uuid(), nullable=False),
    Column("expires_at", moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "lease_id", name="report_leases_pkey"),
    length("report_leases", "tenant_id", 128),
    length("report_leases", "what", 64),
    CheckConstraint("last_id >= first_id", name="report_leases_last_is_not_before_first"),
)
