"""Reports with their digests, idempotency keys, revisions and epoch, and who may touch them."""

from alembic import op

from db import functions

revision = "0001"
down_revision = None

_REPORTS = """
CREATE TABLE public.reports (
  tenant_id text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  severity text COLLATE "C" NOT NULL,
  policy_version text COLLATE "C",
  source text COLLATE "C",
  stream text COLLATE "C",
  pass_count integer NOT NULL,
  warn_count integer NOT NULL,
  block_count integer NOT NULL,
  inconsistencies integer NOT NULL,
  duplicate_of uuid,
  sha256 bytea NOT NULL,
  original_digest text COLLATE "C",
  key_id text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  document json NOT NULL,
  CONSTRAINT reports_pkey PRIMARY KEY (tenant_id, id) INCLUDE (created_at, severity),
  CONSTRAINT reports_created_at_is_id CHECK (created_at = public.collector_uuid7_time(id)),
  CONSTRAINT reports_severity_known CHECK (severity IN ('info', 'warn', 'block')),
  CONSTRAINT reports_counts_not_negative CHECK (
    pass_count >= 0 AND warn_count >= 0 AND block_count >= 0 AND inconsistencies >= 0),
  CONSTRAINT reports_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT reports_policy_version_length CHECK (char_length(policy_version) BETWEEN 1 AND 128),
  CONSTRAINT reports_source_length CHECK (char_length(source) BETWEEN 1 AND 128),
  CONSTRAINT reports_stream_length CHECK (char_length(stream) BETWEEN 1 AND 256),
  CONSTRAINT reports_original_digest_length CHECK (char_length(original_digest) BETWEEN 1 AND 200),
  CONSTRAINT reports_key_id_length CHECK (char_length(key_id) BETWEEN 1 AND 128),
  CONSTRAINT reports_request_id_length CHECK (char_length(request_id) BETWEEN 1 AND 128),
  CONSTRAINT reports_sha256_length CHECK (octet_length(sha256) = 32)
) PARTITION BY RANGE (id);
CREATE INDEX reports_by_severity ON public.reports (tenant_id, severity, id);
CREATE INDEX reports_by_policy_version ON public.reports (tenant_id, policy_version, id)
  WHERE policy_version IS NOT NULL;
CREATE INDEX reports_by_source ON public.reports (tenant_id, source, id)
  WHERE source IS NOT NULL;
CREATE INDEX reports_by_stream ON public.reports (tenant_id, stream, id)
  WHERE stream IS NOT NULL;
"""

_PLAIN_TABLES = """
CREATE TABLE public.report_digests (
  tenant_id text COLLATE "C" NOT NULL,
  sha256 bytea NOT NULL,
  report_id uuid NOT NULL,
  previous_report_id uuid,
  CONSTRAINT report_digests_pkey PRIMARY KEY (tenant_id, sha256),
  CONSTRAINT report_digests_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT report_digests_sha256_length CHECK (octet_length(sha256) = 32)
) WITH (fillfactor = 90);
CREATE TABLE public.idempotency_keys (
  tenant_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  operation text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  request_sha256 bytea NOT NULL,
  status smallint NOT NULL,
  reference text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key_id, operation, key),
  CONSTRAINT idempotency_keys_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT idempotency_keys_key_id_length CHECK (char_length(key_id) BETWEEN 1 AND 128),
  CONSTRAINT idempotency_keys_operation_length CHECK (char_length(operation) BETWEEN 1 AND 128),
  CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 255),
  CONSTRAINT idempotency_keys_reference_length CHECK (char_length(reference) BETWEEN 0 AND 512),
  CONSTRAINT idempotency_keys_request_sha256_length CHECK (octet_length(request_sha256) = 32),
  CONSTRAINT idempotency_keys_status_is_success CHECK (status BETWEEN 200 AND 299),
  CONSTRAINT idempotency_keys_expiry_is_later CHECK (expires_at > created_at)
);
CREATE INDEX idempotency_keys_by_expiry ON public.idempotency_keys (expires_at);
CREATE TABLE public.revisions (
  tenant_id text COLLATE "C" NOT NULL,
  class text COLLATE "C" NOT NULL,
  slot smallint NOT NULL,
  value bigint NOT NULL,
  CONSTRAINT revisions_pkey PRIMARY KEY (tenant_id, class, slot),
  CONSTRAINT revisions_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT revisions_class_known CHECK (
    class IN ('reports', 'exports', 'alerts', 'audit', 'retention')),
  CONSTRAINT revisions_slot_range CHECK (slot BETWEEN 0 AND 15)
) WITH (fillfactor = 50);
CREATE TABLE public.epoch (
  singleton smallint NOT NULL,
  value uuid NOT NULL,
  CONSTRAINT epoch_pkey PRIMARY KEY (singleton),
  CONSTRAINT epoch_is_one_row CHECK (singleton = 1)
);
INSERT INTO public.epoch (singleton, value) VALUES (1, gen_random_uuid());
"""

_ACCESS = """
REVOKE ALL ON public.reports, public.report_digests, public.idempotency_keys, public.revisions,
  public.epoch, public.alembic_version FROM PUBLIC;
GRANT SELECT ON public.alembic_version TO collector_app, collector_maint, collector_backup;
GRANT SELECT ON public.reports, public.report_digests, public.idempotency_keys, public.revisions,
  public.epoch TO collector_backup;
GRANT SELECT, INSERT ON public.reports TO collector_app;
GRANT SELECT, INSERT, UPDATE ON public.report_digests, public.idempotency_keys, public.revisions
  TO collector_app;
GRANT SELECT, DELETE ON public.idempotency_keys TO collector_maint;
GRANT SELECT ON public.epoch TO collector_app;
GRANT SELECT, UPDATE ON public.epoch TO collector_maint;
REVOKE ALL ON FUNCTION public.collector_uuid7(timestamptz), public.collector_uuid7_time(uuid),
  public.collector_first_uuid(timestamptz),
  public.collector_create_partitions(timestamptz, timestamptz, interval),
  public.collector_ensure_partitions(integer, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.collector_uuid7(timestamptz), public.collector_uuid7_time(uuid)
  TO collector_app;
GRANT EXECUTE ON FUNCTION public.collector_ensure_partitions(integer, interval) TO collector_maint;
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
    for function in (
        functions.COLLECTOR_UUID7_1,
        functions.COLLECTOR_UUID7_TIME_1,
        functions.COLLECTOR_FIRST_UUID_1,
    ):
        _execute(function.replace("{schema}", "public"))
    _execute(_REPORTS)
    _execute(_PLAIN_TABLES)
    for function in (
        functions.COLLECTOR_CREATE_PARTITIONS_1,
        functions.COLLECTOR_ENSURE_PARTITIONS_1,
    ):
        _execute(function.replace("{schema}", "public"))
    _execute(_ACCESS)
    for table in ("reports", "report_digests", "idempotency_keys", "revisions"):
        _execute(_ROW_SECURITY.replace("{table}", table))


def _execute(script: str) -> None:
    # Not op.execute: it would read the colons of a cast or a pattern as bound parameters.
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
