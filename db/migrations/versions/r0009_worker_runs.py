"""A function that tells the API whether a worker runs."""

from alembic import op

from db import job_functions

revision = "0009"
down_revision = "0008"

_ACCESS = """
REVOKE ALL ON FUNCTION public.collector_worker_runs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.collector_worker_runs() TO collector_app;
"""


def upgrade() -> None:
    for script in (job_functions.COLLECTOR_WORKER_RUNS_1.replace("{schema}", "public"), _ACCESS):
        op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
