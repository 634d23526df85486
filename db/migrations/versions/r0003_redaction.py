"""What was taken out of each report: counts by rule and share, for replays and readers."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE public.reports ADD COLUMN redaction json")
