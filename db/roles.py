"""Makes the collector's roles from an administrator's connection, where nothing else has.

Roles get no password here: the operator sets them (`ALTER ROLE collector_app PASSWORD …`), so
that none passes through this program or a log.
"""

from sqlalchemy import Connection

from db import access

_LOGIN = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_MAKE_ROLE = """
DO $make$
BEGIN
  CREATE ROLE {role} {options};
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;  -- Roles belong to the whole server: another database's migration made it first.
END
$make$
"""


def make_roles(connection: Connection) -> None:
    """Create missing roles and give them this database; needs CREATEROLE and the database's owner.

    Afterwards the connection may `SET ROLE collector_owner`.
    """
    for role in access.ROLES:
        _run(connection, _MAKE_ROLE.format(role=role, options=_LOGIN))
    _let_administrator_act_as_owner(connection)
    everyone = ", ".join(access.ROLES)
    database = connection.dialect.identifier_preparer.quote_identifier(_database(connection))
    _run(connection, f"GRANT CONNECT ON DATABASE {database} TO {everyone}")
    _run(connection, f"GRANT CREATE, TEMPORARY ON DATABASE {database} TO {access.OWNER}")
    _run(connection, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    _run(connection, f"GRANT USAGE, CREATE ON SCHEMA public TO {access.OWNER}")
    _run(connection, f"GRANT USAGE ON SCHEMA public TO {', '.join(access.LOGIN_ROLES)}")


def _let_administrator_act_as_owner(connection: Connection) -> None:
    # From PostgreSQL 16 on, creating a role gives its creator the right to grant it, no more.
    allowed = connection.exec_driver_sql(
        "SELECT rolsuper OR pg_has_role(current_user, 'collector_owner', 'USAGE')"
        " FROM pg_roles WHERE rolname = current_user"
    ).scalar_one()
    if not allowed:
        _run(connection, f"GRANT {access.OWNER} TO CURRENT_USER")


def _database(connection: Connection) -> str:
    name: str = connection.exec_driver_sql("SELECT current_database()").scalar_one()
    return name


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
