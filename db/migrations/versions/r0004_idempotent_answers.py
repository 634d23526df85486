"""A column for answers that no reference leads to, beside the idempotency key they were given for.

A nullable column without a default is added without rewriting the table.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

# It is compressed already, so PostgreSQL need not try.
_COLUMN = """
ALTER TABLE public.idempotency_keys
  ADD COLUMN answer bytea,
  ADD CONSTRAINT idempotency_keys_answer_length CHECK (octet_length(answer) <= 4194304);
ALTER TABLE public.idempotency_keys ALTER COLUMN answer SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_COLUMN, execution_options={"no_parameters": True})
