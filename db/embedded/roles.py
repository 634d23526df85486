"""The login roles and the database that the embedded default makes, and nothing inside it.

Tables, grants on them and row level security policies belong to the migrations.
"""

from collections.abc import Sequence

import psycopg2
from psycopg2 import sql

ADMINISTRATOR = "collector_admin"
OWNER = "collector_owner"
ROLES = (OWNER, "collector_app", "collector_maint", "collector_backup")
DATABASE = "collector"


def ensure_roles_and_database(administrator_dsn: str) -> None:
    """Make what is missing; an earlier attempt that was cut off anywhere is completed."""
    connection = psycopg2.connect(administrator_dsn)
    try:
        # CREATE DATABASE refuses to run in a transaction.
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles")
            present = {name for (name,) in cursor.fetchall()}
            for statement in _role_statements([role for role in ROLES if role not in present]):
                cursor.execute(statement)
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )
            cursor.execute(_connect_rights())
    finally:
        connection.close()


def _role_statements(missing: Sequence[str]) -> list[sql.Composed]:
    attributes = "LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS"
    create = sql.SQL("CREATE ROLE {} " + attributes)
    return [create.format(sql.Identifier(role)) for role in missing]


def _connect_rights() -> sql.Composed:
    """PUBLIC may connect nowhere; the four roles connect to the collector's database only."""
    return sql.SQL(
        "REVOKE ALL ON DATABASE {database}, postgres, template1 FROM PUBLIC;"
        "GRANT CONNECT ON DATABASE {database} TO {roles}"
    ).format(
        database=sql.Identifier(DATABASE),
        roles=sql.SQL(", ").join(sql.Identifier(role) for role in ROLES),
    )
