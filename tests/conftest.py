"""Fixtures for every folder of tests: a real PostgreSQL, and the service on top of it."""

from tests.support.api import anyone, callers, other_callers, service
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
    "anyone",
    "app",
    "callers",
    "empty_database",
    "migrated_template",
    "other_callers",
    "other_tenant",
    "own_database",
    "postgres_server",
    "service",
    "shared_database",
    "tenant",
]
