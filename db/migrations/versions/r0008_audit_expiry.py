"""Functions that drop the oldest audit entries, and that give the database a new epoch on record.

From here on the epoch is replaced by that function alone.
"""

from alembic import op

from db import audit_functions

revision = "0008"
down_revision = "0007"

_ACCESS = """
REVOKE UPDATE ON public.epoch FROM collector_maint;
REVOKE ALL ON FUNCTION public.collector_expire_audit(text, timestamptz, integer),
  public.collector_replace_epoch() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.collector_expire_audit(text, timestamptz, integer),
  public.collector_replace_epoch() TO collector_maint;
"""


def upgrade() -> None:
    for script in (
        audit_functions.COLLECTOR_EXPIRE_AUDIT_1.replace("{schema}", "public"),
        audit_functions.COLLECTOR_REPLACE_EPOCH_1.replace("{schema}", "public"),
        _ACCESS,
    ):
        # Not op.execute: it would read the colons of a cast or a pattern as bound parameters.
        op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
