"""Columns for `raw` in encrypted form, the register of key ids in use, and who may touch them.

Reports from before keep `raw` in clear within their document, for no key is here to encrypt it
with: `collector keys rewrap` does that. Adding the constraints reads each partition once.
"""

from alembic import op

from db import functions

revision = "0002"
down_revision = "0001"

# Ciphertext can't be compressed, so PostgreSQL need not try.
_COLUMNS = """
ALTER TABLE public.reports
  ADD COLUMN raw_kid text COLLATE "C",
  ADD COLUMN raw_sealed bytea,
  ADD CONSTRAINT reports_raw_kid_length CHECK (char_length(raw_kid) BETWEEN 1 AND 32),
  ADD CONSTRAINT reports_raw_sealed_length CHECK (octet_length(raw_sealed) >= 28),
  ADD CONSTRAINT reports_raw_sealed_with_a_key CHECK ((raw_kid IS NULL) = (raw_sealed IS NULL));
ALTER TABLE public.reports ALTER COLUMN raw_sealed SET STORAGE EXTERNAL;
"""

_REGISTER = """
CREATE TABLE public.encryption_key_uses (
  kid text COLLATE "C" NOT NULL,
  emptied_by uuid NOT NULL,
  check_value bytea NOT NULL,
  since timestamptz NOT NULL,
  CONSTRAINT encryption_key_uses_pkey PRIMARY KEY (kid, emptied_by),
  CONSTRAINT encryption_key_uses_kid_length CHECK (char_length(kid) BETWEEN 1 AND 32),
  CONSTRAINT encryption_key_uses_check_value_length CHECK (octet_length(check_value) = 32)
);
"""

_ACCESS = """
REVOKE ALL ON public.encryption_key_uses FROM PUBLIC;
GRANT SELECT, INSERT ON public.encryption_key_uses TO collector_app;
GRANT SELECT, INSERT, DELETE ON public.encryption_key_uses TO collector_maint;
GRANT SELECT ON public.encryption_key_uses TO collector_backup;
GRANT SELECT (tenant_id, id, document, raw_kid, raw_sealed), UPDATE (raw_kid, raw_sealed)
  ON public.reports TO collector_maint;
REVOKE ALL ON FUNCTION public.collector_seal_raw(text, uuid, text, text, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.collector_seal_raw(text, uuid, text, text, bytea)
  TO collector_maint;
GRANT EXECUTE ON FUNCTION public.collector_uuid7_time(uuid) TO collector_maint;
"""


def upgrade() -> None:
    for script in (
        _COLUMNS,
        _REGISTER,
        functions.COLLECTOR_SEAL_RAW_1.replace("{schema}", "public"),
        _ACCESS,
    ):
        # Not op.execute: it would read the colons of a cast or a pattern as bound parameters.
        op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
