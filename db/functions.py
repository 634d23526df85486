"""The functions that live in the database, as `CREATE FUNCTION` text.

A migration uses a constant by name, so a text never changes once released: a new version is a
new constant, and CURRENT names the one in force. `{schema}` is where the function is made.
"""

from typing import Final

from db.audit_functions import (
    COLLECTOR_APPEND_AUDIT_1,
    COLLECTOR_CHAIN_1,
    COLLECTOR_EXPIRE_AUDIT_1,
    COLLECTOR_MERKLE_ROOT_1,
    COLLECTOR_REPLACE_EPOCH_1,
    COLLECTOR_SEAL_JOURNAL_1,
)
from db.job_functions import (
    COLLECTOR_CLAIM_JOB_1,
    COLLECTOR_ENQUEUE_1,
    COLLECTOR_WORKER_RUNS_1,
)
from db.retention_functions import COLLECTOR_DELETE_REPORTS_1, COLLECTOR_DROP_PARTITION_1

COLLECTOR_UUID7_1: Final = """
CREATE FUNCTION {schema}.collector_uuid7(moment timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
BEGIN ATOMIC
  -- RFC 9562: 48 bits of milliseconds, version 7, 12 bits of the millisecond's fraction (so that
  -- ids of one transaction sort by time), and the variant and random bits of a version 4 uuid.
  SELECT encode(
    overlay(
      uuid_send(gen_random_uuid())
      PLACING
        substring(int8send(floor(extract(epoch FROM moment) * 1000)::bigint) FROM 3)
        || int2send((28672 + floor(mod(extract(epoch FROM moment) * 1000, 1) * 4096))::smallint)
      FROM 1 FOR 8),
    'hex')::uuid;
END
"""

# Whole days and the rest of the last one: as one floating point number of seconds, milliseconds
# would be lost in the far future.
COLLECTOR_UUID7_TIME_1: Final = """
CREATE FUNCTION {schema}.collector_uuid7_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT (
    date '1970-01-01'
    + (('x' || translate("left"(id::text, 13), '-', ''))::bit(48)::bigint / 86400000)::integer
    + (('x' || translate("left"(id::text, 13), '-', ''))::bit(48)::bigint % 86400000)
      * interval '1 millisecond') AT TIME ZONE 'UTC';
END
"""

COLLECTOR_FIRST_UUID_1: Final = """
CREATE FUNCTION {schema}.collector_first_uuid(moment timestamptz) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT encode(
    substring(int8send(ceil(extract(epoch FROM moment) * 1000)::bigint) FROM 3)
    || decode('00000000000000000000', 'hex'),
    'hex')::uuid;
END
"""

# A leaf is made beside the table and then attached: CREATE ... PARTITION OF would lock out every
# reader and writer of reports, and the leaf would for a moment lack its row level security.
COLLECTOR_CREATE_PARTITIONS_1: Final = """
CREATE FUNCTION {schema}.collector_create_partitions(
  starts timestamptz, ends timestamptz, width interval) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '3s'
AS $body$
DECLARE
  monday CONSTANT timestamptz := '2024-01-01 00:00:00+00';
  bound CONSTANT text := $re$FROM \\('([0-9a-f-]+)'\\) TO \\('([0-9a-f-]+)'\\)$re$;
  lower_end timestamptz;
  upper_end timestamptz;
  covered timestamptz;
  next_leaf timestamptz;
  leaf text;
BEGIN
  IF width < interval '1 hour' OR width > interval '366 days'
     OR mod(extract(epoch FROM width), 3600) <> 0 THEN
    RAISE EXCEPTION 'partition width is %, but must be whole hours, 1 hour to 366 days', width
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(1668246627, 2);
  lower_end := date_bin(width, starts, monday);
  WHILE lower_end < ends LOOP
    SELECT max(upper_bound) FILTER (WHERE lower_bound <= lower_end AND upper_bound > lower_end),
           min(lower_bound) FILTER (WHERE lower_bound > lower_end)
      INTO covered, next_leaf
      FROM (
        SELECT public.collector_uuid7_time(ends_of[1]::uuid) AS lower_bound,
               public.collector_uuid7_time(ends_of[2]::uuid) AS upper_bound
          FROM pg_inherits
          JOIN pg_class ON pg_class.oid = pg_inherits.inhrelid
          CROSS JOIN regexp_match(pg_get_expr(relpartbound, pg_class.oid), bound) AS ends_of
         WHERE inhparent = 'public.reports'::regclass
      ) AS leaves;
    IF covered IS NOT NULL THEN
      lower_end := covered;
      CONTINUE;
    END IF;
    upper_end := least(date_bin(width, lower_end, monday) + width, next_leaf);
    leaf := 'reports_p' || to_char(lower_end, 'YYYYMMDD"_"HH24');
    EXECUTE format('CREATE TABLE public.%I (LIKE public.reports INCLUDING ALL)', leaf);
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC', leaf);
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', leaf);
    -- pg_dump reads leaves one by one, so the backup role alone needs a way into each.
    EXECUTE format('GRANT SELECT ON public.%I TO collector_backup', leaf);
    EXECUTE format(
      'CREATE POLICY backup_reads ON public.%I FOR SELECT TO collector_backup USING (true)', leaf);
    EXECUTE format(
      'ALTER TABLE public.reports ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', leaf,
      public.collector_first_uuid(lower_end), public.collector_first_uuid(upper_end));
    RETURN NEXT leaf;
    lower_end := upper_end;
  END LOOP;
END
$body$
"""

COLLECTOR_ENSURE_PARTITIONS_1: Final = """
CREATE FUNCTION {schema}.collector_ensure_partitions(ahead integer, width interval)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $body$
BEGIN
  IF ahead NOT BETWEEN 4 AND 104 THEN
    RAISE EXCEPTION 'partitions ahead is %, but must be 4 to 104', ahead
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN QUERY SELECT public.collector_create_partitions(
    clock_timestamp(), clock_timestamp() + width * ahead, width);
END
$body$
"""

# By a function, so that who seals what was stored in clear need not be able to change documents.
# The text must be JSON by itself: with more than raw's value in it other fields could be removed.
COLLECTOR_SEAL_RAW_1: Final = """
CREATE FUNCTION {schema}.collector_seal_raw(
  of_tenant text, of_report uuid, raw_text text, kid text, sealed bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
  UPDATE public.reports
     SET document = replace(document::text, '"raw":' || raw_text, '"raw":null')::json,
         raw_kid = kid,
         raw_sealed = sealed
   WHERE tenant_id = of_tenant AND id = of_report AND raw_kid IS NULL
     AND json_typeof(raw_text::json) = 'object'
     AND strpos(document::text, '"raw":' || raw_text) > 0;
  RETURN FOUND;
END
$body$
"""

CURRENT: Final[tuple[str, ...]] = (
    COLLECTOR_UUID7_1,
    COLLECTOR_UUID7_TIME_1,
    COLLECTOR_FIRST_UUID_1,
    COLLECTOR_CREATE_PARTITIONS_1,
    COLLECTOR_ENSURE_PARTITIONS_1,
    COLLECTOR_SEAL_RAW_1,
    COLLECTOR_CHAIN_1,
    COLLECTOR_APPEND_AUDIT_1,
    COLLECTOR_MERKLE_ROOT_1,
    COLLECTOR_SEAL_JOURNAL_1,
    COLLECTOR_ENQUEUE_1,
    COLLECTOR_CLAIM_JOB_1,
    COLLECTOR_EXPIRE_AUDIT_1,
    COLLECTOR_REPLACE_EPOCH_1,
    COLLECTOR_WORKER_RUNS_1,
    COLLECTOR_DELETE_REPORTS_1,
    COLLECTOR_DROP_PARTITION_1,
)
"""The functions in force, in an order in which each needs only those before it."""
