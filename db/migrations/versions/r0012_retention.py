"""Runs of retention, what they could not delete, and the functions that delete."""

from alembic import op

from db import retention_functions

revision = "0012"
down_revision = "0011"

_TABLES = """
CREATE TABLE public.retention_runs (
  tenant_id text COLLATE "C" NOT NULL,
  run_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text COLLATE "C",
  retain_days integer NOT NULL,
  cutoff timestamptz NOT NULL,
  plan_hash bytea NOT NULL,
  candidates bigint NOT NULL,
  held bigint NOT NULL,
  by_month json NOT NULL,
  first_id uuid,
  last_id uuid,
  warnings json NOT NULL,
  status text COLLATE "C" NOT NULL,
  committed_at timestamptz,
  committed_by text COLLATE "C",
  started_at timestamptz,
  progressed_at timestamptz,
  ended_at timestamptz,
  looked_through uuid NOT NULL,
  deferred_from uuid,
  deleted bigint NOT NULL,
  waits_for text COLLATE "C",
  failure text COLLATE "C",
  CONSTRAINT retention_runs_pkey PRIMARY KEY (tenant_id, run_id),
  CONSTRAINT retention_runs_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT retention_runs_created_by_length CHECK (char_length(created_by) BETWEEN 1 AND 128),
  CONSTRAINT retention_runs_retain_days_range CHECK (retain_days BETWEEN 1 AND 36500),
  CONSTRAINT retention_runs_plan_hash_length CHECK (octet_length(plan_hash) = 32),
  CONSTRAINT retention_runs_counts_not_negative CHECK (
    candidates >= 0 AND held >= 0 AND deleted >= 0),
  CONSTRAINT retention_runs_status_known CHECK (status IN (
    'planned', 'queued', 'running', 'waiting', 'done', 'done_with_failures', 'failed')),
  CONSTRAINT retention_runs_committed_by_somebody CHECK (
    (committed_at IS NULL) = (committed_by IS NULL)
    AND (committed_at IS NULL) = (status = 'planned')),
  CONSTRAINT retention_runs_committed_by_length CHECK (
    char_length(committed_by) BETWEEN 1 AND 128),
  CONSTRAINT retention_runs_waits_for_length CHECK (char_length(waits_for) BETWEEN 1 AND 256),
  CONSTRAINT retention_runs_failure_length CHECK (char_length(failure) BETWEEN 1 AND 1000)
);
CREATE UNIQUE INDEX retention_runs_one_at_work ON public.retention_runs (tenant_id)
  WHERE status IN ('queued', 'running', 'waiting');
CREATE TABLE public.retention_failures (
  tenant_id text COLLATE "C" NOT NULL,
  run_id uuid NOT NULL,
  first_id uuid NOT NULL,
  last_id uuid NOT NULL,
  reports integer NOT NULL,
  reason text COLLATE "C" NOT NULL,
  failed_at timestamptz NOT NULL,
  CONSTRAINT retention_failures_pkey PRIMARY KEY (tenant_id, run_id, first_id),
  CONSTRAINT retention_failures_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT retention_failures_last_is_not_before_first CHECK (last_id >= first_id),
  CONSTRAINT retention_failures_reports_positive CHECK (reports > 0),
  CONSTRAINT retention_failures_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000)
);
"""

# What was planned stays as it is, and how many were deleted the function alone says.
_ACCESS = """
REVOKE ALL ON public.retention_runs, public.retention_failures FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE (status, committed_at, committed_by, started_at, progressed_at,
  ended_at, looked_through, deferred_from, waits_for, failure)
  ON public.retention_runs TO collector_app;
GRANT SELECT, INSERT, DELETE ON public.retention_failures TO collector_app;
GRANT SELECT, DELETE ON public.retention_runs, public.retention_failures TO collector_maint;
GRANT SELECT ON public.retention_runs, public.retention_failures TO collector_backup;
REVOKE ALL ON FUNCTION public.collector_delete_reports(text, uuid, integer),
  public.collector_drop_partition(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.collector_delete_reports(text, uuid, integer),
  public.collector_drop_partition(text, timestamptz) TO collector_maint;
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
    for function in (
        retention_functions.COLLECTOR_DELETE_REPORTS_1,
        retention_functions.COLLECTOR_DROP_PARTITION_1,
    ):
        _execute(function.replace("{schema}", "public"))
    _execute(_ACCESS)
    for table in ("retention_runs", "retention_failures"):
        _execute(_ROW_SECURITY.replace("{table}", table))


def _execute(script: str) -> None:
    # Not op.execute: it would read the colons of a cast or a pattern as bound parameters.
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
