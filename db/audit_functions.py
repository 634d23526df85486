"""The functions that write audit entries, and the only way to: nobody may write their tables.

As in `db.functions`, a text never changes once released.
"""

from typing import Final

# The hash is of the text as it is stored, whatever JSON says is the same. Other revisions are moved
# before this is called, and that of the audit under the head's lock: so none wait in a circle.
COLLECTOR_CHAIN_1: Final = """
CREATE FUNCTION {schema}.collector_chain(of_tenant text, events json) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $body$
DECLARE
  event json;
  last_seq bigint;
  last_hash bytea;
  moment timestamptz;
  body text;
BEGIN
  INSERT INTO public.audit_heads (tenant_id, seq, hash)
  VALUES (of_tenant, 0, decode(repeat('00', 32), 'hex'))
  ON CONFLICT DO NOTHING;
  SELECT heads.seq, heads.hash INTO last_seq, last_hash
    FROM public.audit_heads AS heads WHERE heads.tenant_id = of_tenant FOR UPDATE;
  FOR event IN SELECT value FROM json_array_elements(events) LOOP
    last_seq := last_seq + 1;
    moment := clock_timestamp();
    SELECT row_to_json(entry)::text INTO STRICT body
      FROM (SELECT 1 AS version,
                   of_tenant AS tenant,
                   last_seq AS seq,
                   to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
                   event ->> 'action' AS action,
                   event ->> 'actor' AS actor,
                   event ->> 'role' AS role,
                   event ->> 'object_type' AS object_type,
                   event ->> 'object_id' AS object_id,
                   event ->> 'outcome' AS outcome,
                   event ->> 'request_id' AS request_id,
                   coalesce(event -> 'details', '{}'::json) AS details) AS entry;
    last_hash := sha256(last_hash || convert_to(body, 'UTF8'));
    INSERT INTO public.audit_entries (
      tenant_id, seq, hash, body, at, action, actor, object_type, object_id, outcome)
    VALUES (of_tenant, last_seq, last_hash, body, moment, event ->> 'action', event ->> 'actor',
            event ->> 'object_type', event ->> 'object_id', event ->> 'outcome');
  END LOOP;
  UPDATE public.audit_heads AS heads SET seq = last_seq, hash = last_hash
   WHERE heads.tenant_id = of_tenant;
  INSERT INTO public.revisions (tenant_id, class, slot, value)
  VALUES (of_tenant, 'audit', 0, 1)
  ON CONFLICT (tenant_id, class, slot) DO UPDATE SET value = revisions.value + 1;
  RETURN last_seq;
END
$body$
"""

# Verification relies on what only the system's own functions say.
COLLECTOR_APPEND_AUDIT_1: Final = """
CREATE FUNCTION {schema}.collector_append_audit(events json) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
  of_tenant CONSTANT text := coalesce(current_setting('app.tenant_id', true), '');
BEGIN
  IF of_tenant = '' THEN
    RAISE EXCEPTION 'an audit entry needs the tenant of its transaction'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF EXISTS (SELECT FROM json_array_elements(events)
              WHERE value ->> 'action' IN ('seal_journal', 'expire_audit', 'replace_epoch')) THEN
    RAISE EXCEPTION 'this action is the system''s own'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN public.collector_chain(of_tenant, events);
END
$body$
"""

# RFC 9162 (2.1.1): pairs level by level, an odd last one going up as it is, make the same tree as
# its splits at the largest power of two.
COLLECTOR_MERKLE_ROOT_1: Final = """
CREATE FUNCTION {schema}.collector_merkle_root(leaf_hashes bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
  level bytea := leaf_hashes;
BEGIN
  IF octet_length(level) = 0 THEN
    RETURN sha256(''::bytea);
  END IF;
  WHILE octet_length(level) > 32 LOOP
    level := (
      SELECT string_agg(
               CASE WHEN place + 64 <= octet_length(level)
                    THEN sha256('\\x01'::bytea || substring(level FROM place + 1 FOR 64))
                    ELSE substring(level FROM place + 1 FOR 32) END,
               ''::bytea ORDER BY place)
        FROM generate_series(0, octet_length(level) - 1, 64) AS place);
  END LOOP;
  RETURN level;
END
$body$
"""

# What is sealed is deleted in the same statement, so it is sealed once whatever is killed, and what
# commits later is for the next time. Beside another that seals for this tenant there is nothing to
# do. The head, for which others wait, is taken last.
COLLECTOR_SEAL_JOURNAL_1: Final = """
CREATE FUNCTION {schema}.collector_seal_journal(of_tenant text, about integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
  sealed_leaves bytea;
  leaf_hashes bytea;
  of_requests json;
  requests integer;
  reports integer;
  sealed_at bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(1668246629, hashtext(of_tenant)) THEN
    RETURN 0;
  END IF;
  WITH oldest AS (
    SELECT report_id, octet_length(leaves) / 48 AS reports
      FROM public.ingest_journal WHERE tenant_id = of_tenant ORDER BY report_id LIMIT about
  ), measured AS (
    SELECT oldest.report_id,
           sum(oldest.reports) OVER (ORDER BY oldest.report_id) - oldest.reports AS before
      FROM oldest
  ), taken AS (
    DELETE FROM public.ingest_journal
     WHERE tenant_id = of_tenant
       AND report_id = ANY (ARRAY(SELECT report_id FROM measured WHERE before < about))
    RETURNING report_id, key_id, request_id, leaves
  ), whole AS MATERIALIZED (
    -- Detoasted once, not for each of its leaves.
    SELECT report_id, key_id, request_id, leaves || ''::bytea AS leaves FROM taken
  ), hashed AS MATERIALIZED (
    -- By itself, so that ordering them moves 32 bytes for each and not all that it was made of.
    SELECT report_id, place,
           sha256('\\x00'::bytea || substring(leaves FROM place + 1 FOR 48)
                  || convert_to(key_id, 'UTF8') || '\\x00'::bytea
                  || convert_to(request_id, 'UTF8')) AS hash
      FROM whole, generate_series(0, octet_length(leaves) - 48, 48) AS place
  )
  SELECT string_agg(leaves, ''::bytea ORDER BY report_id),
         json_agg(json_build_array(octet_length(leaves) / 48, key_id, request_id)
                  ORDER BY report_id),
         count(*),
         (SELECT string_agg(hash, ''::bytea ORDER BY report_id, place) FROM hashed)
    INTO sealed_leaves, of_requests, requests, leaf_hashes
    FROM whole;
  IF requests = 0 THEN
    RETURN 0;
  END IF;
  reports := octet_length(sealed_leaves) / 48;
  sealed_at := public.collector_chain(of_tenant, json_build_array(json_build_object(
    'action', 'seal_journal',
    'object_type', 'ingest_journal',
    'outcome', 'done',
    'details', json_build_object(
      'reports', reports,
      'requests', requests,
      'root', encode(public.collector_merkle_root(leaf_hashes), 'hex')))));
  INSERT INTO public.audit_segments (tenant_id, seq, leaves, origins)
  VALUES (of_tenant, sealed_at, sealed_leaves, of_requests);
  RETURN reports;
END
$body$
"""

# A chain may begin later, as long as an entry in it says with which hash. An entry by a clock that
# was ahead keeps what came after it.
COLLECTOR_EXPIRE_AUDIT_1: Final = """
CREATE FUNCTION {schema}.collector_expire_audit(
  of_tenant text, before timestamptz, retain_days integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $body$
DECLARE
  last_dropped bigint;
  last_hash bytea;
  first_dropped bigint;
  entries integer;
  segments integer;
BEGIN
  PERFORM FROM public.audit_heads WHERE tenant_id = of_tenant FOR UPDATE;
  SELECT max(seq) INTO last_dropped
    FROM public.audit_entries AS old WHERE old.tenant_id = of_tenant AND old.at < before;
  last_dropped := coalesce(
    (SELECT min(seq) - 1 FROM public.audit_entries AS young
      WHERE young.tenant_id = of_tenant AND young.seq <= last_dropped AND young.at >= before),
    last_dropped);
  -- A chain in which nothing else happens would else drop the entry of the last drop, and so on.
  IF NOT EXISTS (SELECT FROM public.audit_entries
                  WHERE tenant_id = of_tenant AND seq <= last_dropped
                    AND action <> 'expire_audit') THEN
    RETURN 0;
  END IF;
  SELECT hash INTO STRICT last_hash
    FROM public.audit_entries WHERE tenant_id = of_tenant AND seq = last_dropped;
  DELETE FROM public.audit_segments WHERE tenant_id = of_tenant AND seq <= last_dropped;
  GET DIAGNOSTICS segments = ROW_COUNT;
  SELECT min(seq) INTO first_dropped FROM public.audit_entries WHERE tenant_id = of_tenant;
  DELETE FROM public.audit_entries WHERE tenant_id = of_tenant AND seq <= last_dropped;
  GET DIAGNOSTICS entries = ROW_COUNT;
  PERFORM public.collector_chain(of_tenant, json_build_array(json_build_object(
    'action', 'expire_audit',
    'object_type', 'audit_log',
    'outcome', 'done',
    'details', json_build_object(
      'from', first_dropped,
      'through', last_dropped,
      'hash', encode(last_hash, 'hex'),
      'before', to_char(before, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      'retain_days', retain_days,
      'entries', entries,
      'segments', segments))));
  RETURN entries;
END
$body$
"""

COLLECTOR_REPLACE_EPOCH_1: Final = """
CREATE FUNCTION {schema}.collector_replace_epoch() RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
  before uuid;
  after uuid := gen_random_uuid();
BEGIN
  SELECT value INTO STRICT before FROM public.epoch FOR UPDATE;
  UPDATE public.epoch SET value = after;
  PERFORM public.collector_chain('system', json_build_array(json_build_object(
    'action', 'replace_epoch',
    'object_type', 'epoch',
    'object_id', after,
    'outcome', 'done',
    'details', json_build_object('previous', before))));
  RETURN after;
END
$body$
"""
