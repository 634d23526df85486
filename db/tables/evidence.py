"""Bundles as they were signed, and links to them and to exports."""

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
)

from db.tables.columns import digest, length, metadata, moment, words

report_bundles: Final = Table(
    "report_bundles",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("report_id", Uuid(), nullable=False),
    Column("signed_at", moment(), nullable=False),
    Column("signing_key_id", words(), nullable=False),
    Column("markdown", LargeBinary, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("attestation", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "report_id", name="report_bundles_pkey"),
    length("report_bundles", "tenant_id", 128),
    length("report_bundles", "signing_key_id", 128),
    CheckConstraint("octet_length(markdown) <= 67108864", name="report_bundles_markdown_length"),
    CheckConstraint("octet_length(manifest) <= 4096", name="report_bundles_manifest_length"),
    CheckConstraint(
        "octet_length(attestation) <= 67108864", name="report_bundles_attestation_length"
    ),
    CheckConstraint("size > 0", name="report_bundles_size_positive"),
    digest("report_bundles", "sha256"),
)

link_grants: Final = Table(
    "link_grants",
    metadata,
    Column("tenant_id", words(), nullable=False),
    Column("id", Uuid(), nullable=False),
    Column("purpose", words(), nullable=False),
    Column("object_id", Uuid(), nullable=False),
    Column("key_id", words(), nullable=False),
    Column("role", words(), nullable=False),
    Column("issued_at", moment(), nullable=False),
    Column("expires_at", moment(), nullable=False),
    Column("token_sha256", LargeBinary, nullable=False),
    Column("revoked_at", moment()),
    Column("revoked_by", words()),
    PrimaryKeyConstraint("tenant_id", "id", name="link_grants_pkey"),
    length("link_grants", "tenant_id", 128),
    CheckConstraint("purpose IN ('bundle', 'export')", name="link_grants_purpose_known"),
    length("link_grants", "key_id", 128),
    length("link_grants", "role", 32),
    CheckConstraint("expires_at > issued_at", name="link_grants_expiry_is_later"),
    digest("link_grants", "token_sha256"),
    length("link_grants", "revoked_by", 128),
    CheckConstraint(
        "(revoked_at IS NULL) = (revoked_by IS NULL)", name="link_grants_revoked_by_somebody"
    ),
    Index("link_grants_by_object", "tenant_id", "object_id", "id"),
)
