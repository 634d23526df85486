"""What is frozen of a report's bundle at its first signing, and the grants of links to it.

Neither refers to reports by a foreign key: a partition of reports could then not be dropped.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

_TABLES = """
CREATE TABLE public.report_bundles (
  tenant_id text COLLATE "C" NOT NULL,
  report_id uuid NOT NULL,
  signed_at timestamptz NOT NULL,
  signing_key_id text COLLATE "C" NOT NULL,
  markdown bytea NOT NULL,
  manifest bytea NOT NULL,
  attestation bytea NOT NULL,
  size bigint NOT NULL,
  sha256 bytea NOT NULL,
  CONSTRAINT report_bundles_pkey PRIMARY KEY (tenant_id, report_id),
  CONSTRAINT report_bundles_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT report_bundles_signing_key_id_length CHECK (
    char_length(signing_key_id) BETWEEN 1 AND 128),
  CONSTRAINT report_bundles_markdown_length CHECK (octet_length(markdown) <= 67108864),
  CONSTRAINT report_bundles_manifest_length CHECK (octet_length(manifest) <= 4096),
  CONSTRAINT report_bundles_attestation_length CHECK (octet_length(attestation) <= 67108864),
  CONSTRAINT report_bundles_size_positive CHECK (size > 0),
  CONSTRAINT report_bundles_sha256_length CHECK (octet_length(sha256) = 32)
);
CREATE TABLE public.link_grants (
  tenant_id text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  purpose text COLLATE "C" NOT NULL,
  object_id uuid NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  issued_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  token_sha256 bytea NOT NULL,
  revoked_at timestamptz,
  revoked_by text COLLATE "C",
  CONSTRAINT link_grants_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT link_grants_tenant_id_length CHECK (char_length(tenant_id) BETWEEN 1 AND 128),
  CONSTRAINT link_grants_purpose_known CHECK (purpose IN ('bundle')),
  CONSTRAINT link_grants_key_id_length CHECK (char_length(key_id) BETWEEN 1 AND 128),
  CONSTRAINT link_grants_role_length CHECK (char_length(role) BETWEEN 1 AND 32),
  CONSTRAINT link_grants_expiry_is_later CHECK (expires_at > issued_at),
  CONSTRAINT link_grants_token_sha256_length CHECK (octet_length(token_sha256) = 32),
  CONSTRAINT link_grants_revoked_by_length CHECK (char_length(revoked_by) BETWEEN 1 AND 128),
  CONSTRAINT link_grants_revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX link_grants_by_object ON public.link_grants (tenant_id, object_id, id);
"""

# What is frozen stays so: nobody but the owner may change it.
_ACCESS = """
REVOKE ALL ON public.report_bundles, public.link_grants FROM PUBLIC;
GRANT SELECT, INSERT ON public.report_bundles TO collector_app;
GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_by) ON public.link_grants TO collector_app;
GRANT SELECT ON public.report_bundles, public.link_grants TO collector_backup;
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
    for table in ("report_bundles", "link_grants"):
        _execute(_ROW_SECURITY.replace("{table}", table))


def _execute(script: str) -> None:
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
