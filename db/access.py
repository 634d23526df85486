"""Who may touch which table: row level security and grants, as this program expects them.

The migrations spell the same out in SQL; `check_schema` compares. Row level security is
never FORCEd: a forced owner's backfill changes no rows and says nothing.
"""

from typing import Final

from db import tables

OWNER: Final = "collector_owner"
APP: Final = "collector_app"
MAINTENANCE: Final = "collector_maint"
BACKUP: Final = "collector_backup"
ROLES: Final = (OWNER, APP, MAINTENANCE, BACKUP)
LOGIN_ROLES: Final = (APP, MAINTENANCE, BACKUP)

TABLE_GRANTS: Final[dict[str, dict[str, str]]] = {
    tables.reports.name: {
        APP: "SELECT, INSERT",
        MAINTENANCE: "SELECT (tenant_id, id, document, raw_kid, raw_sealed),"
        " UPDATE (raw_kid, raw_sealed)",
        BACKUP: "SELECT",
    },
    tables.report_digests.name: {APP: "SELECT, INSERT, UPDATE", BACKUP: "SELECT"},
    tables.idempotency_keys.name: {
        APP: "SELECT, INSERT, UPDATE",
        MAINTENANCE: "SELECT, DELETE",
        BACKUP: "SELECT",
    },
    tables.revisions.name: {APP: "SELECT, INSERT, UPDATE", BACKUP: "SELECT"},
    tables.epoch.name: {APP: "SELECT", MAINTENANCE: "SELECT", BACKUP: "SELECT"},
    tables.encryption_key_uses.name: {
        APP: "SELECT, INSERT",
        MAINTENANCE: "SELECT, INSERT, DELETE",
        BACKUP: "SELECT",
    },
    # What is in the chain and its head, functions alone write; the journal is only added to.
    tables.audit_heads.name: {APP: "SELECT", MAINTENANCE: "SELECT", BACKUP: "SELECT"},
    tables.audit_entries.name: {APP: "SELECT", MAINTENANCE: "SELECT", BACKUP: "SELECT"},
    tables.audit_segments.name: {APP: "SELECT", MAINTENANCE: "SELECT", BACKUP: "SELECT"},
    tables.ingest_journal.name: {
        APP: "SELECT, INSERT",
        MAINTENANCE: "SELECT",
        BACKUP: "SELECT",
    },
    tables.job_outcomes.name: {MAINTENANCE: "SELECT, INSERT, UPDATE, DELETE", BACKUP: "SELECT"},
    # What is frozen stays so, and of a grant nothing changes but that it is revoked.
    tables.report_bundles.name: {APP: "SELECT, INSERT", BACKUP: "SELECT"},
    tables.link_grants.name: {
        APP: "SELECT, INSERT, UPDATE (revoked_at, revoked_by)",
        BACKUP: "SELECT",
    },
    tables.report_holds.name: {
        APP: "SELECT, INSERT, UPDATE, DELETE",
        MAINTENANCE: "SELECT",
        BACKUP: "SELECT",
    },
    tables.report_leases.name: {
        APP: "SELECT, INSERT, UPDATE (expires_at), DELETE",
        MAINTENANCE: "SELECT, DELETE",
        BACKUP: "SELECT",
    },
    tables.exports.name: {
        APP: "SELECT, INSERT, UPDATE",
        # To find what is over or left behind; what becomes of it, its own tenant's role writes.
        MAINTENANCE: "SELECT (tenant_id, id, status, job_id, expires_at, files_deleted_at)",
        BACKUP: "SELECT",
    },
    tables.export_parts.name: {APP: "SELECT, INSERT, DELETE", BACKUP: "SELECT"},
    # What was planned stays as it is, and how many were deleted the function alone says.
    tables.retention_runs.name: {
        APP: "SELECT, INSERT, UPDATE (status, committed_at, committed_by, started_at,"
        " progressed_at, ended_at, looked_through, deferred_from, waits_for, failure)",
        MAINTENANCE: "SELECT, DELETE",
        BACKUP: "SELECT",
    },
    tables.retention_failures.name: {
        APP: "SELECT, INSERT, DELETE",
        MAINTENANCE: "SELECT, DELETE",
        BACKUP: "SELECT",
    },
}
FUNCTION_GRANTS: Final[dict[str, str]] = {
    "collector_uuid7(timestamptz)": APP,
    # A constraint of reports calls it, as whoever changes a row.
    "collector_uuid7_time(uuid)": f"{APP}, {MAINTENANCE}",
    "collector_first_uuid(timestamptz)": "",
    "collector_create_partitions(timestamptz, timestamptz, interval)": "",
    "collector_ensure_partitions(integer, interval)": MAINTENANCE,
    "collector_seal_raw(text, uuid, text, text, bytea)": MAINTENANCE,
    "collector_chain(text, json)": "",
    "collector_append_audit(json)": APP,
    "collector_merkle_root(bytea)": "",
    "collector_seal_journal(text, integer)": MAINTENANCE,
    "collector_enqueue(text, jsonb, text, text, timestamptz)": APP,
    # System jobs have effects too.
    "collector_claim_job(bigint)": f"{APP}, {MAINTENANCE}",
    "collector_expire_audit(text, timestamptz, integer)": MAINTENANCE,
    "collector_replace_epoch()": MAINTENANCE,
    "collector_worker_runs()": APP,
    # Reports are deleted by this alone, and by no login of the API.
    "collector_delete_reports(text, uuid, integer)": MAINTENANCE,
    "collector_drop_partition(text, timestamptz)": MAINTENANCE,
}
"""The roles besides the owner that may execute each function, or nobody."""

_OWN_ROWS: Final = "tenant_id = current_setting('app.tenant_id', true)"


def table_statements(table: str, schema: str) -> list[str]:
    """Return the DDL that secures one table: its grants, and policies if it holds tenants' rows."""
    name = f"{schema}.{table}"
    statements = [f"REVOKE ALL ON {name} FROM PUBLIC"]
    statements += [
        f"GRANT {privileges} ON {name} TO {role}"
        for role, privileges in TABLE_GRANTS[table].items()
    ]
    if table not in {tenant_table.name for tenant_table in tables.TENANT_TABLES}:
        return statements
    return [
        *statements,
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY app_own_rows ON {name} TO {APP}"
        f" USING ({_OWN_ROWS}) WITH CHECK ({_OWN_ROWS})",
        f"CREATE POLICY maint_all_rows ON {name} TO {MAINTENANCE} USING (true) WITH CHECK (true)",
        f"CREATE POLICY backup_reads ON {name} FOR SELECT TO {BACKUP} USING (true)",
    ]


def function_statements(signature: str, schema: str) -> list[str]:
    """Return the DDL that lets only the expected roles execute a function."""
    roles = FUNCTION_GRANTS[signature]
    statements = [f"REVOKE ALL ON FUNCTION {schema}.{signature} FROM PUBLIC"]
    if roles:
        statements.append(f"GRANT EXECUTE ON FUNCTION {schema}.{signature} TO {roles}")
    return statements
