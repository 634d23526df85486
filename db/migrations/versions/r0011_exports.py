"""Exports, the ledger of their parts, and grants of links to their files.

Neither refers to the other by a foreign key, nor to reports: what goes first differs.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

_TABLES = """
CREATE TABLE public.exports (
  tenant_id text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text COLLATE "C" NOT NULL,
  since timestamptz NOT NULL,
  until timestamptz NOT NULL,
  first_id uuid NOT NULL,
  end_id uuid NOT NULL,
  horizon bigint NOT NULL,
  severities text COLLATE "C" NOT NULL,
  format text COLLATE "C" NOT NULL,
  compression text COLLATE "C" NOT NULL,
  include_raw boolean NOT NULL,
  status text COLLATE "C" NOT NULL,
  total bigint NOT NULL,
  done bigint NOT NULL,
  job_id bigint,
  finished_at timestamptz,
  expires_at timestamptz,
  size bigint,
  sha256 bytea,
  manifest bytea,
  failure text COLLATE "C",
  files_deleted_at timestamptz,
  CONSTRAINT exports_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT exports_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT exports_created_by_length CHECK (char_length(created_by) BETWEEN 1 AND 128),
  CONSTRAINT exports_until_not_before_since CHECK (until >= since),
  CONSTRAINT exports_end_not_before_first CHECK (end_id >= first_id),
  CONSTRAINT exports_severities_known CHECK (
    severities IN ('info', 'warn', 'block', 'info,warn', 'info,block', 'warn,block',
                   'info,warn,block')),
  CONSTRAINT exports_format_known CHECK (format IN ('ndjson', 'csv', 'parquet')),
  CONSTRAINT exports_compression_known CHECK (compression IN ('gzip', 'none')),
  CONSTRAINT exports_status_known CHECK (
    status IN ('queued', 'running', 'done', 'failed', 'cancelled', 'expired')),
  CONSTRAINT exports_counts_not_negative CHECK (total >= 0 AND done >= 0),
  CONSTRAINT exports_done_with_a_file CHECK (
    status NOT IN ('done', 'expired')
    OR (expires_at IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL
        AND manifest IS NOT NULL)),
  CONSTRAINT exports_failed_for_a_reason CHECK ((status = 'failed') = (failure IS NOT NULL)),
  CONSTRAINT exports_finished_at_a_time CHECK (
    (status IN ('queued', 'running')) = (finished_at IS NULL)),
  CONSTRAINT exports_size_not_negative CHECK (size >= 0),
  CONSTRAINT exports_sha256_length CHECK (octet_length(sha256) = 32),
  CONSTRAINT exports_manifest_length CHECK (octet_length(manifest) <= 4194304),
  CONSTRAINT exports_failure_length CHECK (char_length(failure) BETWEEN 1 AND 1000)
);
CREATE INDEX exports_with_files ON public.exports (status) WHERE files_deleted_at IS NULL;
CREATE TABLE public.export_parts (
  tenant_id text COLLATE "C" NOT NULL,
  export_id uuid NOT NULL,
  number integer NOT NULL,
  last_id uuid,
  records bigint NOT NULL,
  size bigint NOT NULL,
  sha256 bytea NOT NULL,
  CONSTRAINT export_parts_pkey PRIMARY KEY (tenant_id, export_id, number),
  CONSTRAINT export_parts_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT export_parts_number_positive CHECK (number >= 1),
  CONSTRAINT export_parts_counts_not_negative CHECK (records >= 0 AND size >= 0),
  CONSTRAINT export_parts_last_of_some CHECK ((last_id IS NULL) = (records = 0)),
  CONSTRAINT export_parts_sha256_length CHECK (octet_length(sha256) = 32)
);
ALTER TABLE public.link_grants
  DROP CONSTRAINT link_grants_purpose_known,
  ADD CONSTRAINT link_grants_purpose_known CHECK (purpose IN ('bundle', 'export'));
"""

_ACCESS = """
REVOKE ALL ON public.exports, public.export_parts FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON public.exports TO collector_app;
GRANT SELECT, INSERT, DELETE ON public.export_parts TO collector_app;
GRANT SELECT (tenant_id, id, status, job_id, expires_at, files_deleted_at) ON public.exports
  TO collector_maint;
GRANT SELECT ON public.exports, public.export_parts TO collector_backup;
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
    for table in ("exports", "export_parts"):
        _execute(_ROW_SECURITY.replace("{table}", table))


def _execute(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
