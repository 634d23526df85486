"""Brings the database fixtures into this folder's tests."""

from tests.support.database import (
    app,
    empty_database,
    migrated_template,
    other_tenant,
    own_database,
    postgres_server,
    shared_database,
    tenant,
)

__all__ = [
    "app",
    "empty_database",
    "migrated_template",
    "other_tenant",
    "own_database",
    "postgres_server",
    "shared_database",
    "tenant",
]
