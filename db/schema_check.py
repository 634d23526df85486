"""Compares a migrated database with the tables, rules and functions that this program declares.

Builds what is declared as temporary objects in a transaction that is rolled back, and lets
PostgreSQL describe both sides: its own words are the same for the same thing, whatever the
spelling. Changes nothing.

The job queue's schema is another's, so it is built from the frozen text in a schema of its own.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from db import access, errors, functions, job_queue
from db.tables import metadata

_TEMPORARY_SCHEMA: Final = re.compile(r"\bpg_temp(_\d+)?\b")
_SCRATCH_QUEUE: Final = "collector_check"

# Each answers (what, definition) of the objects of one schema; leaves of reports left out.
_TABLES: Final = """
SELECT 'table ' || relname, concat_ws(' ', relkind, pg_get_partkeydef(oid), reloptions::text,
         CASE WHEN relrowsecurity THEN 'row security' END,
         CASE WHEN relforcerowsecurity THEN 'forced' END)
  FROM pg_class WHERE relnamespace = %(schema)s AND relkind IN ('r', 'p') AND NOT relispartition
"""
_COLUMNS: Final = """
SELECT 'column ' || relname || '.' || attname,
       concat_ws(' ', format_type(atttypid, atttypmod), collname,
         CASE WHEN attnotnull THEN 'not null' END, pg_get_expr(adbin, adrelid))
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  LEFT JOIN pg_collation ON pg_collation.oid = attcollation
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE relnamespace = %(schema)s AND relkind IN ('r', 'p') AND NOT relispartition
   AND attnum > 0 AND NOT attisdropped
"""
_CONSTRAINTS: Final = """
SELECT 'constraint ' || relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid)
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
 WHERE relnamespace = %(schema)s AND NOT relispartition AND contype <> 'n'
"""
_INDEXES: Final = """
SELECT 'index ' || index.relname, concat_ws(' ', pg_get_indexdef(index.oid),
         CASE WHEN NOT indisvalid THEN 'invalid' END)
  FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid
  JOIN pg_class AS of_table ON of_table.oid = indrelid
 WHERE index.relnamespace = %(schema)s AND NOT of_table.relispartition
"""
_POLICIES: Final = """
SELECT 'policy ' || relname || '.' || polname,
       concat_ws(' ', polcmd, polpermissive,
         (SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles
           WHERE pg_roles.oid = ANY (polroles)),
         'using', pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid))
  FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
 WHERE relnamespace = %(schema)s AND NOT relispartition
"""
_TABLE_GRANTS: Final = """
SELECT 'grants on ' || relname || ' to ' || coalesce(rolname, 'PUBLIC'),
       string_agg(privilege_type, ',' ORDER BY privilege_type)
  FROM pg_class CROSS JOIN aclexplode(relacl) AS given
  LEFT JOIN pg_roles ON pg_roles.oid = grantee
 WHERE relnamespace = %(schema)s AND relkind IN ('r', 'p') AND NOT relispartition
   AND grantee <> relowner
 GROUP BY relname, rolname
"""
_COLUMN_GRANTS: Final = """
SELECT 'grants on ' || relname || '.' || attname || ' to ' || coalesce(rolname, 'PUBLIC'),
       string_agg(privilege_type, ',' ORDER BY privilege_type)
  FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid CROSS JOIN aclexplode(attacl) AS given
  LEFT JOIN pg_roles ON pg_roles.oid = grantee
 WHERE relnamespace = %(schema)s AND relkind IN ('r', 'p') AND NOT relispartition
   AND grantee <> relowner
 GROUP BY relname, attname, rolname
"""
_FUNCTIONS: Final = """
SELECT 'function ' || proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')',
       concat_ws(' ', pg_get_functiondef(pg_proc.oid), 'may execute:',
         (SELECT coalesce(string_agg(coalesce(rolname, 'PUBLIC'), ',' ORDER BY rolname), 'nobody')
            FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) AS given
            LEFT JOIN pg_roles ON pg_roles.oid = grantee WHERE grantee <> proowner))
  FROM pg_proc WHERE pronamespace = %(schema)s AND proname LIKE %(functions)s
"""
_TRIGGERS: Final = """
SELECT 'trigger ' || relname || '.' || tgname,
       concat_ws(' ', tgenabled, pg_get_triggerdef(pg_trigger.oid))
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE relnamespace = %(schema)s AND NOT tgisinternal
"""
_ENUMS: Final = """
SELECT 'type ' || typname, string_agg(enumlabel, ', ' ORDER BY enumsortorder)
  FROM pg_type JOIN pg_enum ON enumtypid = pg_type.oid WHERE typnamespace = %(schema)s
 GROUP BY typname
"""
_SEQUENCES: Final = """
SELECT 'sequence ' || relname,
       concat_ws(' ', format_type(seqtypid, NULL), seqstart, seqincrement, seqmax, seqcycle,
         (SELECT string_agg(rolname || ' ' || privilege_type, ',' ORDER BY rolname, privilege_type)
            FROM aclexplode(relacl) AS given JOIN pg_roles ON pg_roles.oid = grantee
           WHERE grantee <> relowner))
  FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid WHERE relnamespace = %(schema)s
"""
_SCHEMA_GRANTS: Final = """
SELECT 'grants on the schema to ' || coalesce(rolname, 'PUBLIC'),
       string_agg(privilege_type, ',' ORDER BY privilege_type)
  FROM pg_namespace CROSS JOIN aclexplode(nspacl) AS given
  LEFT JOIN pg_roles ON pg_roles.oid = grantee
 WHERE pg_namespace.oid = %(schema)s AND grantee <> nspowner
 GROUP BY rolname
"""
_QUERIES: Final = (
    _TABLES,
    _COLUMNS,
    _CONSTRAINTS,
    _INDEXES,
    _POLICIES,
    _TABLE_GRANTS,
    _COLUMN_GRANTS,
    _FUNCTIONS,
)
_QUEUE_QUERIES: Final = (*_QUERIES, _TRIGGERS, _ENUMS, _SEQUENCES, _SCHEMA_GRANTS)
# A leaf that is readable by anyone but the backup role, or unprotected, leaks all tenants.
_LEAVES: Final = """
SELECT relname,
       relrowsecurity,
       coalesce((SELECT string_agg(DISTINCT coalesce(rolname, 'PUBLIC') || ' ' || privilege_type,
                                   ', ')
                   FROM aclexplode(relacl) AS given LEFT JOIN pg_roles ON pg_roles.oid = grantee
                  WHERE grantee <> relowner), ''),
       coalesce((SELECT string_agg(polname || ' ' || polcmd::text, ', ' ORDER BY polname)
                   FROM pg_policy WHERE polrelid = pg_class.oid), '')
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE inhparent = 'public.reports'::regclass
 ORDER BY relname
"""
_ROLES: Final = """
SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication,
       coalesce((SELECT string_agg(granted.rolname, ', ' ORDER BY granted.rolname)
                   FROM pg_auth_members JOIN pg_roles AS granted ON granted.oid = roleid
                  WHERE member = pg_roles.oid), '')
  FROM pg_roles WHERE rolname = ANY (%(roles)s)
"""
Described = dict[str, str]


def check_schema(url: str) -> tuple[str, ...]:
    """Return each difference as a sentence, in order; empty means the database is as declared.

    `url` logs in as collector_owner or an administrator: building needs TEMPORARY.
    """
    try:
        with _scratch(url) as connection:
            live = _describe(connection, "public")
            _build(connection)
            declared = _describe(connection, "pg_temp")
            return (
                *_differences(live, declared),
                *_queue_differences(connection),
                *_exposed_leaves(connection),
                *_powerful_roles(connection),
            )
    except DBAPIError as error:
        raise errors.from_driver(error) from error


@contextmanager
def _scratch(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        # Without public on the path both sides are described with their schema's name.
        connection.exec_driver_sql("SET LOCAL search_path = pg_catalog")
        yield connection
        connection.rollback()


def _build(connection: Connection) -> None:
    compiled = connection.execution_options(schema_translate_map={None: "pg_temp"})
    for function in functions.CURRENT:
        _run(connection, function.replace("{schema}", "pg_temp"))
    for signature in access.FUNCTION_GRANTS:
        _run_all(connection, access.function_statements(signature, "pg_temp"))
    for table in metadata.sorted_tables:
        compiled.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            compiled.execute(CreateIndex(index))
        _run_all(connection, access.table_statements(table.name, "pg_temp"))


def _describe(connection: Connection, schema: str) -> Described:
    if schema == "pg_temp":
        number = connection.exec_driver_sql("SELECT pg_my_temp_schema()").scalar_one()
    else:
        number = connection.exec_driver_sql("SELECT 'public'::regnamespace::oid").scalar_one()
    described: Described = {}
    for query in _QUERIES:
        wanted = {"schema": number, "functions": "collector%"}
        for what, definition in connection.exec_driver_sql(query, wanted):
            described[what] = _TEMPORARY_SCHEMA.sub("public", definition)
    return described


def _queue_differences(connection: Connection) -> Iterator[str]:
    live = _describe_queue(connection, job_queue.SCHEMA)
    _run(connection, f"CREATE SCHEMA {_SCRATCH_QUEUE}")
    _run(connection, f"SET LOCAL search_path = {_SCRATCH_QUEUE}")
    _run(connection, job_queue.frozen_schema())
    _run_all(connection, job_queue.grant_statements(_SCRATCH_QUEUE))
    _run(connection, "SET LOCAL search_path = pg_catalog")
    for difference in _differences(live, _describe_queue(connection, _SCRATCH_QUEUE)):
        yield f"{job_queue.SCHEMA}: {difference}"


def _describe_queue(connection: Connection, schema: str) -> Described:
    number = connection.exec_driver_sql("SELECT to_regnamespace(%s)::oid", (schema,)).scalar_one()
    wanted = {"schema": number, "functions": "%"}
    return {
        str(what).replace(_SCRATCH_QUEUE, job_queue.SCHEMA): str(definition).replace(
            _SCRATCH_QUEUE, job_queue.SCHEMA
        )
        for query in _QUEUE_QUERIES
        for what, definition in connection.exec_driver_sql(query, wanted)
    }


def _differences(live: Described, declared: Described) -> Iterator[str]:
    ours = {what for what in live if _is_ours(what, declared)}
    for what in sorted(ours | declared.keys()):
        if what not in live:
            yield f"{what} is missing from the database."
        elif what not in declared:
            yield f"{what} is in the database, but not declared."
        elif live[what] != declared[what]:
            yield f"{what} is «{live[what]}», but declared as «{declared[what]}»."


def _is_ours(what: str, declared: Described) -> bool:
    """Alembic keeps its own table here; what hangs on a declared table is ours, known or not."""
    return "alembic_version" not in what or what in declared


def _exposed_leaves(connection: Connection) -> Iterator[str]:
    for leaf, secured, grants, policies in connection.exec_driver_sql(_LEAVES):
        if not secured:
            yield f"partition {leaf} has no row level security."
        if grants != f"{access.BACKUP} SELECT":
            yield f"partition {leaf} is granted to «{grants}», not to {access.BACKUP} alone."
        if policies != "backup_reads r":
            yield f"partition {leaf} has the policies «{policies}», not backup_reads alone."


def _powerful_roles(connection: Connection) -> Iterator[str]:
    found = connection.exec_driver_sql(_ROLES, {"roles": list(access.ROLES)}).all()
    for role, powerful, member_of in sorted(found):
        if powerful:
            yield f"role {role} is a superuser, or may pass row security or make roles."
        if member_of:
            yield f"role {role} is a member of «{member_of}», but must stand alone."
    for role in sorted(set(access.ROLES) - {row[0] for row in found}):
        yield f"role {role} is missing."


def _run_all(connection: Connection, statements: list[str]) -> None:
    for statement in statements:
        _run(connection, statement)


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
