"""The functions by which transactions enqueue jobs and claim their effects, and the only way to.

As in `db.functions`, a text never changes once released.
"""

from typing import Final

# By a function, so that who enqueues can neither read nor change jobs, and only for its own tenant.
# A waiting job that is joined stays locked until the caller commits: fetched before, it would miss
# what the caller changed, and nobody else would come for it.
COLLECTOR_ENQUEUE_1: Final = """
CREATE FUNCTION {schema}.collector_enqueue(
  task text, arguments jsonb, run_lock text, wait_lock text, not_before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = procrastinate, pg_temp
AS $body$
DECLARE
  tenant CONSTANT text := coalesce(current_setting('app.tenant_id', true), '');
  own_run_lock CONSTANT text := json_build_array(tenant, run_lock);
  own_wait_lock CONSTANT text := json_build_array(tenant, wait_lock);
BEGIN
  IF tenant = '' THEN
    RAISE EXCEPTION 'no tenant is set' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF octet_length(arguments::text) > 4096 THEN
    RAISE EXCEPTION 'arguments have % bytes, but at most 4096 are allowed',
      octet_length(arguments::text) USING ERRCODE = 'program_limit_exceeded';
  END IF;
  LOOP
    BEGIN
      RETURN (procrastinate_defer_jobs_v1(ARRAY[ROW(
        'tenants', task, 0,
        CASE WHEN run_lock IS NOT NULL THEN own_run_lock END,
        CASE WHEN wait_lock IS NOT NULL THEN own_wait_lock END,
        arguments || jsonb_build_object('tenant_id', tenant),
        not_before)::procrastinate_job_to_defer_v1]))[1];
    EXCEPTION WHEN unique_violation THEN
      IF wait_lock IS NULL THEN
        RAISE;
      END IF;
      PERFORM FROM procrastinate_jobs
        WHERE queueing_lock = own_wait_lock AND status = 'todo' FOR KEY SHARE;
      IF FOUND THEN
        RETURN NULL;
      END IF;
    END;
  END LOOP;
END
$body$
"""

COLLECTOR_CLAIM_JOB_1: Final = """
CREATE FUNCTION {schema}.collector_claim_job(of_job bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
  tenant CONSTANT text := coalesce(current_setting('app.tenant_id', true), '');
  owner text;
BEGIN
  SELECT coalesce(args ->> 'tenant_id', '') INTO owner
    FROM procrastinate.procrastinate_jobs WHERE id = of_job AND status = 'doing' FOR KEY SHARE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF owner <> tenant THEN
    RAISE EXCEPTION 'the job belongs to another tenant' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO public.job_outcomes AS outcome (job_id, had_effect) VALUES (of_job, true)
    ON CONFLICT (job_id) DO UPDATE SET had_effect = true WHERE NOT outcome.had_effect;
  RETURN FOUND;
END
$body$
"""

# By a function, so that the API learns this of the queue and nothing else.
COLLECTOR_WORKER_RUNS_1: Final = """
CREATE FUNCTION {schema}.collector_worker_runs() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
  RETURN EXISTS (
    SELECT FROM procrastinate.procrastinate_workers
     WHERE last_heartbeat > now() - interval '1 minute');
END
$body$
"""
