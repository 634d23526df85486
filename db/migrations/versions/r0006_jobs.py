"""The job queue, in a schema of its own, what we keep of each job, and who may touch them."""

from alembic import op

from db import job_functions, job_queue

revision = "0006"
down_revision = "0005"

_OUTCOMES = """
CREATE TABLE public.job_outcomes (
  job_id bigint NOT NULL,
  had_effect boolean NOT NULL,
  failure text COLLATE "C",
  failed_at timestamptz,
  CONSTRAINT job_outcomes_pkey PRIMARY KEY (job_id),
  CONSTRAINT job_outcomes_failure_length CHECK (char_length(failure) BETWEEN 1 AND 1000)
);
"""

_QUEUE_ACCESS = """
GRANT USAGE ON SCHEMA procrastinate TO collector_maint, collector_backup;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA procrastinate FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA procrastinate TO collector_maint;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA procrastinate TO collector_backup;
GRANT USAGE ON SEQUENCE procrastinate.procrastinate_jobs_id_seq,
  procrastinate.procrastinate_periodic_defers_id_seq, procrastinate.procrastinate_events_id_seq
  TO collector_maint;
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate.procrastinate_jobs,
  procrastinate.procrastinate_workers, procrastinate.procrastinate_periodic_defers
  TO collector_maint;
GRANT SELECT, INSERT ON procrastinate.procrastinate_events TO collector_maint;
GRANT SELECT ON procrastinate.procrastinate_jobs, procrastinate.procrastinate_workers,
  procrastinate.procrastinate_periodic_defers, procrastinate.procrastinate_events
  TO collector_backup;
"""

_OWN_ACCESS = """
REVOKE ALL ON public.job_outcomes FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.job_outcomes TO collector_maint;
GRANT SELECT ON public.job_outcomes TO collector_backup;
REVOKE ALL ON FUNCTION public.collector_enqueue(text, jsonb, text, text, timestamptz),
  public.collector_claim_job(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.collector_enqueue(text, jsonb, text, text, timestamptz)
  TO collector_app;
GRANT EXECUTE ON FUNCTION public.collector_claim_job(bigint) TO collector_app, collector_maint;
"""


def upgrade() -> None:
    for script in (
        "CREATE SCHEMA procrastinate",
        # The library's SQL names no schema: it makes everything in the first of the path.
        "SET LOCAL search_path = procrastinate",
        job_queue.frozen_schema("procrastinate_3_10_0.sql"),
        "SET LOCAL search_path = public",
        _QUEUE_ACCESS,
        _OUTCOMES,
        job_functions.COLLECTOR_ENQUEUE_1.replace("{schema}", "public"),
        job_functions.COLLECTOR_CLAIM_JOB_1.replace("{schema}", "public"),
        _OWN_ACCESS,
    ):
        # Not op.execute: it would read the colons of a cast or a pattern as bound parameters.
        op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
