"""Holds, which keep a report past its retention, and leases, which keep a range for a while.

Neither refers to reports by a foreign key: a partition of reports could then not be dropped.
"""

from alembic import op

revision = "0010"
down_revision = "0009"

_TABLES = """
CREATE TABLE public.report_holds (
  tenant_id text COLLATE "C" NOT NULL,
  report_id uuid NOT NULL,
  reason text COLLATE "C" NOT NULL,
  held_by text COLLATE "C" NOT NULL,
  held_at timestamptz NOT NULL,
  CONSTRAINT report_holds_pkey PRIMARY KEY (tenant_id, report_id),
  CONSTRAINT report_holds_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT report_holds_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
  CONSTRAINT report_holds_held_by_length CHECK (char_length(held_by) BETWEEN 1 AND 128)
);
CREATE TABLE public.report_leases (
  tenant_id text COLLATE "C" NOT NULL,
  lease_id uuid NOT NULL,
  what text COLLATE "C" NOT NULL,
  first_id uuid NOT NULL,
  last_id uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT report_leases_pkey PRIMARY KEY (tenant_id, lease_id),
  CONSTRAINT report_leases_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT report_leases_what_length CHECK (char_length(what) BETWEEN 1 AND 64),
  CONSTRAINT report_leases_last_is_not_before_first CHECK (last_id >= first_id)
);
"""

_ACCESS = """
REVOKE ALL ON public.report_holds, public.report_leases FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.report_holds TO collector_app;
GRANT SELECT, INSERT, UPDATE (expires_at), DELETE ON public.report_leases TO collector_app;
GRANT SELECT ON public.report_holds TO collector_maint;
GRANT SELECT, DELETE ON public.report_leases TO collector_maint;
GRANT SELECT ON public.report_holds, public.report_leases TO collector_backup;
"""

_ROW_SECURITY = """
ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY app_own_rows ON public.{table} TO collector_app
  USING (tenant_id = current_setting('app.tenant_id', true))
  WITH CHECK (tenant_id = current_setting('app.tenant_id', true));
CREATE POLICY maint_all_rows ON public.{table} TO collector_maint USING (true) WITH CHECK (true);
CREATE POLICY backup_reads ON public.{table} FOR SELECT TO collector_backup USING (true);
"""


def upgrade() -> None:
    _execute(_TABLES)
    _execute(_ACCESS)
    for table in ("report_holds", "report_leases"):
        _execute(_ROW_SECURITY.replace("{table}", table))


def _execute(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
