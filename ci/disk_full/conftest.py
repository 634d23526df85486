"""A PostgreSQL on the usual disk, for what else lies on a small one."""

from tests.support.database import (
    empty_database,
    migrated_template,
    own_database,
    postgres_server,
)

__all__ = ["empty_database", "migrated_template", "own_database", "postgres_server"]
