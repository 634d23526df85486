"""The schema of the job queue: procrastinate's own, as it is, frozen here for migrations.

It lies in a schema of its own, `procrastinate`, so that nothing of it mixes with our tables. Each
release of the library that changes its schema gets a file and a migration of its own; a test
compares the newest file with what the installed library would make. Queries are in `db.jobs` and
`db.job_upkeep`.
"""

from importlib.resources import files
from typing import Final

from db import access

SCHEMA: Final = "procrastinate"
CURRENT: Final = "procrastinate_3_10_0.sql"

_TABLE_GRANTS: Final[dict[str, dict[str, str]]] = {
    "procrastinate_jobs": {
        access.MAINTENANCE: "SELECT, INSERT, UPDATE, DELETE",
        access.BACKUP: "SELECT",
    },
    "procrastinate_workers": {
        access.MAINTENANCE: "SELECT, INSERT, UPDATE, DELETE",
        access.BACKUP: "SELECT",
    },
    "procrastinate_periodic_defers": {
        access.MAINTENANCE: "SELECT, INSERT, UPDATE, DELETE",
        access.BACKUP: "SELECT",
    },
    "procrastinate_events": {access.MAINTENANCE: "SELECT, INSERT", access.BACKUP: "SELECT"},
}
_SEQUENCES: Final = (
    "procrastinate_jobs_id_seq",
    "procrastinate_periodic_defers_id_seq",
    "procrastinate_events_id_seq",
)


def frozen_schema(name: str = CURRENT) -> str:
    """Return the library's SQL; it makes its objects in the first schema of the search path."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def grant_statements(schema: str = SCHEMA) -> list[str]:
    """Return the DDL that lets collector_maint run jobs, and backups read them.

    collector_app gets nothing, not even USAGE: it enqueues by `collector_enqueue` alone.
    """
    maintenance, backup = access.MAINTENANCE, access.BACKUP
    statements = [
        f"GRANT USAGE ON SCHEMA {schema} TO {maintenance}, {backup}",
        # The functions run as whoever calls them, so the tables' grants bound what they do.
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {maintenance}",
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {backup}",
    ]
    statements += [
        f"GRANT USAGE ON SEQUENCE {schema}.{name} TO {maintenance}" for name in _SEQUENCES
    ]
    return statements + [
        f"GRANT {privileges} ON {schema}.{table} TO {role}"
        for table, grants in _TABLE_GRANTS.items()
        for role, privileges in grants.items()
    ]
