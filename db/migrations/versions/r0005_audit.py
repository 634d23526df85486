"""The audit chain of each tenant, the journal of ingest, and the functions that alone write them.

Reports from before are in no journal, so no entry speaks of them.
"""

from alembic import op

from db import audit_functions

revision = "0005"
down_revision = "0004"

_TABLES = """
CREATE TABLE public.audit_heads (
  tenant_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT audit_heads_pkey PRIMARY KEY (tenant_id),
  CONSTRAINT audit_heads_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT audit_heads_seq_not_negative CHECK (seq >= 0),
  CONSTRAINT audit_heads_hash_length CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 50);
CREATE TABLE public.audit_entries (
  tenant_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  body text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  action text COLLATE "C" NOT NULL,
  actor text COLLATE "C",
  object_type text COLLATE "C",
  object_id text COLLATE "C",
  outcome text COLLATE "C" NOT NULL,
  CONSTRAINT audit_entries_pkey PRIMARY KEY (tenant_id, seq),
  CONSTRAINT audit_entries_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT audit_entries_seq_positive CHECK (seq >= 1),
  CONSTRAINT audit_entries_hash_length CHECK (octet_length(hash) = 32),
  CONSTRAINT audit_entries_body_length CHECK (char_length(body) BETWEEN 1 AND 16384),
  CONSTRAINT audit_entries_action_length CHECK (char_length(action) BETWEEN 1 AND 64),
  CONSTRAINT audit_entries_actor_length CHECK (char_length(actor) BETWEEN 1 AND 128),
  CONSTRAINT audit_entries_object_type_length CHECK (char_length(object_type) BETWEEN 1 AND 64),
  CONSTRAINT audit_entries_object_id_length CHECK (char_length(object_id) BETWEEN 1 AND 256),
  CONSTRAINT audit_entries_outcome_known CHECK (outcome IN ('done', 'denied', 'failed'))
);
CREATE INDEX audit_entries_by_at ON public.audit_entries (tenant_id, at);
CREATE INDEX audit_entries_by_action ON public.audit_entries (tenant_id, action, seq);
CREATE INDEX audit_entries_by_actor ON public.audit_entries (tenant_id, actor, seq)
  WHERE actor IS NOT NULL;
CREATE INDEX audit_entries_by_object ON public.audit_entries (tenant_id, object_id, seq)
  WHERE object_id IS NOT NULL;
CREATE TABLE public.ingest_journal (
  tenant_id text COLLATE "C" NOT NULL,
  report_id uuid NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  leaves bytea NOT NULL,
  CONSTRAINT ingest_journal_pkey PRIMARY KEY (tenant_id, report_id),
  CONSTRAINT ingest_journal_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT ingest_journal_key_id_length CHECK (char_length(key_id) BETWEEN 1 AND 128),
  CONSTRAINT ingest_journal_request_id_length CHECK (char_length(request_id) BETWEEN 1 AND 128),
  CONSTRAINT ingest_journal_leaves_whole CHECK (
    octet_length(leaves) >= 48 AND octet_length(leaves) % 48 = 0)
);
CREATE TABLE public.audit_segments (
  tenant_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  leaves bytea NOT NULL,
  origins json NOT NULL,
  CONSTRAINT audit_segments_pkey PRIMARY KEY (tenant_id, seq),
  CONSTRAINT audit_segments_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT audit_segments_leaves_whole CHECK (
    octet_length(leaves) >= 48 AND octet_length(leaves) % 48 = 0)
);
"""

# Ids and digests can't be compressed, so PostgreSQL need not try.
_STORAGE = """
ALTER TABLE public.ingest_journal ALTER COLUMN leaves SET STORAGE EXTERNAL;
ALTER TABLE public.audit_segments ALTER COLUMN leaves SET STORAGE EXTERNAL;
"""

_ACCESS = """
REVOKE ALL ON public.audit_heads, public.audit_entries, public.audit_segments,
  public.ingest_journal FROM PUBLIC;
GRANT SELECT ON public.audit_heads, public.audit_entries, public.audit_segments,
  public.ingest_journal TO collector_app, collector_maint, collector_backup;
GRANT INSERT ON public.ingest_journal TO collector_app;
REVOKE ALL ON FUNCTION public.collector_chain(text, json), public.collector_append_audit(json),
  public.collector_merkle_root(bytea), public.collector_seal_journal(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.collector_append_audit(json) TO collector_app;
GRANT EXECUTE ON FUNCTION public.collector_seal_journal(text, integer) TO collector_maint;
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
    _execute(_STORAGE)
    for function in (
        audit_functions.COLLECTOR_CHAIN_1,
        audit_functions.COLLECTOR_APPEND_AUDIT_1,
        audit_functions.COLLECTOR_MERKLE_ROOT_1,
        audit_functions.COLLECTOR_SEAL_JOURNAL_1,
    ):
        _execute(function.replace("{schema}", "public"))
    _execute(_ACCESS)
    for table in ("audit_heads", "audit_entries", "audit_segments", "ingest_journal"):
        _execute(_ROW_SECURITY.replace("{table}", table))


def _execute(script: str) -> None:
    # Not op.execute: it would read the colons of a cast or a pattern as bound parameters.
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
