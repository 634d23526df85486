"""The functions that delete reports and drop their partitions, and the only way to.

As in `db.functions`, a text never changes once released.
"""

from typing import Final

# One chunk of a committed run: the next `most` reports, save those that are held. No statement
# before the lock has seen holds and leases, and none can come until this is committed; who takes
# the lock beside others is told by db.advisory_locks. What a lease covers is passed over, for the
# run to come back to. Digests are locked in the order in which ingest locks them.
COLLECTOR_DELETE_REPORTS_1: Final = """
CREATE FUNCTION {schema}.collector_delete_reports(
  of_tenant text, of_run uuid, most integer,
  OUT ended boolean, OUT deleted_now integer, OUT waits_for text, OUT waits_until timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $body$
DECLARE
  run public.retention_runs%ROWTYPE;
  lease public.report_leases%ROWTYPE;
  ends uuid;
  ids uuid[];
  digests bytea[];
  first_seen uuid;
  last_seen uuid;
BEGIN
  ended := false;
  deleted_now := 0;
  SELECT * INTO run FROM public.retention_runs AS runs
   WHERE runs.tenant_id = of_tenant AND runs.run_id = of_run
     AND runs.status = 'running' AND runs.committed_at IS NOT NULL
     FOR UPDATE;
  IF NOT FOUND OR run.cutoff > clock_timestamp() - interval '1 day' THEN
    RAISE EXCEPTION 'no committed run of retention is at work under this id'
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM pg_advisory_xact_lock(1668246630, hashtext(of_tenant));
  ends := public.collector_first_uuid(run.cutoff);
  SELECT array_agg(upcoming.id ORDER BY upcoming.id) INTO ids
    FROM (SELECT reports.id FROM public.reports
           WHERE reports.tenant_id = of_tenant
             AND reports.id > run.looked_through AND reports.id < ends
           ORDER BY reports.id LIMIT most) AS upcoming;
  IF ids IS NULL THEN
    ended := true;
    RETURN;
  END IF;
  first_seen := ids[1];
  last_seen := ids[cardinality(ids)];
  SELECT * INTO lease FROM public.report_leases AS leases
   WHERE leases.tenant_id = of_tenant AND leases.expires_at > clock_timestamp()
     AND leases.first_id <= last_seen AND leases.last_id >= first_seen
   ORDER BY leases.first_id LIMIT 1;
  IF FOUND THEN
    waits_for := lease.what;
    waits_until := lease.expires_at;
    IF lease.first_id <= first_seen THEN
      UPDATE public.retention_runs AS runs
         SET looked_through = lease.last_id,
             deferred_from = coalesce(runs.deferred_from, run.looked_through),
             progressed_at = clock_timestamp()
       WHERE runs.tenant_id = of_tenant AND runs.run_id = of_run;
      RETURN;
    END IF;
    SELECT (array_agg(id ORDER BY id DESC))[1] INTO last_seen
      FROM unnest(ids) AS id WHERE id < lease.first_id;
  END IF;
  WITH gone AS (
    DELETE FROM public.reports AS report
     WHERE report.tenant_id = of_tenant AND report.id >= first_seen AND report.id <= last_seen
       AND NOT EXISTS (
         SELECT FROM public.report_holds AS hold
          WHERE hold.tenant_id = of_tenant AND hold.report_id = report.id)
    RETURNING report.id, report.sha256
  )
  SELECT array_agg(gone.id), array_agg(gone.sha256) INTO ids, digests FROM gone;
  IF ids IS NOT NULL THEN
    deleted_now := cardinality(ids);
    DELETE FROM public.report_bundles AS bundle
     USING unnest(ids) AS gone (id)
     WHERE bundle.tenant_id = of_tenant AND bundle.report_id = gone.id;
    PERFORM FROM public.report_digests AS digest
      WHERE digest.tenant_id = of_tenant AND digest.sha256 = ANY (digests)
      ORDER BY digest.sha256 FOR UPDATE;
    DELETE FROM public.report_digests AS digest
     USING unnest(ids, digests) AS gone (id, sha256)
     WHERE digest.tenant_id = of_tenant AND digest.sha256 = gone.sha256
       AND digest.report_id = gone.id;
    -- A report that is held and has the same content is now the newest with it.
    INSERT INTO public.report_digests (tenant_id, sha256, report_id)
    SELECT of_tenant, kept.sha256, (array_agg(kept.id ORDER BY kept.id DESC))[1]
      FROM public.report_holds AS hold
      JOIN public.reports AS kept ON kept.tenant_id = of_tenant AND kept.id = hold.report_id
     WHERE hold.tenant_id = of_tenant AND kept.sha256 = ANY (digests)
     GROUP BY kept.sha256 ORDER BY kept.sha256
    ON CONFLICT DO NOTHING;
    INSERT INTO public.revisions AS revision (tenant_id, class, slot, value)
    VALUES (of_tenant, 'reports', floor(random() * 16), 1)
    ON CONFLICT (tenant_id, class, slot) DO UPDATE SET value = revision.value + 1;
  END IF;
  UPDATE public.retention_runs AS runs
     SET looked_through = last_seen,
         deleted = runs.deleted + deleted_now,
         progressed_at = clock_timestamp()
   WHERE runs.tenant_id = of_tenant AND runs.run_id = of_run;
  INSERT INTO public.revisions AS revision (tenant_id, class, slot, value)
  VALUES (of_tenant, 'retention', floor(random() * 16), 1)
  ON CONFLICT (tenant_id, class, slot) DO UPDATE SET value = revision.value + 1;
END
$body$
"""

# The leaf is locked against writers first, which keeps nobody else waiting, so that looking
# whether it is empty may take a while; the table as a whole only for the drop. Whoever is in the
# way is not waited for: behind a waiting drop every reader and writer of reports would queue.
COLLECTOR_DROP_PARTITION_1: Final = """
CREATE FUNCTION {schema}.collector_drop_partition(leaf text, older_than timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '50ms'
AS $body$
DECLARE
  bounds text[];
  in_use boolean;
BEGIN
  IF older_than > clock_timestamp() - interval '1 day' THEN
    RAISE EXCEPTION 'a partition may be dropped a day after its end at the earliest'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT regexp_match(pg_get_expr(relpartbound, pg_class.oid),
                      $re$FROM \\('([0-9a-f-]+)'\\) TO \\('([0-9a-f-]+)'\\)$re$)
    INTO bounds
    FROM pg_inherits JOIN pg_class ON pg_class.oid = pg_inherits.inhrelid
   WHERE inhparent = 'public.reports'::regclass AND relname = leaf;
  IF bounds IS NULL OR public.collector_uuid7_time(bounds[2]::uuid) > older_than THEN
    RETURN false;
  END IF;
  EXECUTE format('LOCK TABLE public.%I IN SHARE MODE', leaf);
  EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', leaf) INTO in_use;
  in_use := in_use
    OR EXISTS (SELECT FROM public.report_holds
                WHERE report_id >= bounds[1]::uuid AND report_id < bounds[2]::uuid)
    OR EXISTS (SELECT FROM public.report_leases
                WHERE first_id < bounds[2]::uuid AND last_id >= bounds[1]::uuid
                  AND expires_at > clock_timestamp());
  IF in_use THEN
    RETURN false;
  END IF;
  LOCK TABLE ONLY public.reports IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('DROP TABLE public.%I', leaf);
  RETURN true;
END
$body$
"""
