"""A cluster with a database for each size, filled straight past the service, as fast as it goes.

Loading turns durability off; the cluster is started anew, with the service's own settings, before
anything is measured.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg2
from psycopg2 import sql

from bench.scale.documents import DOCUMENT_END, DOCUMENT_START, SEALED_BYTES
from bench.workload import TENANT
from db.access import OWNER
from db.embedded import ADMINISTRATOR, EmbeddedDatabase
from db.migrate import migrate

NEIGHBOUR: Final = "neighbour"
WEEKS: Final = 12
_LOADERS: Final = 2
_LOADING: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "32GB",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "512MB",
    "shared_buffers": "1GB",
    "autovacuum": "off",
}
_PARTITIONS: Final = "SELECT collector_create_partitions(%(start)s, %(end)s, '7 days')"
# Skewed like real traffic: one source in twenty sends a fifth of all, the rarest stream one report
# in 160, a policy's version is in force for a week, and what source-7 sends never blocks.
_FILL: Final = """
INSERT INTO reports (tenant_id, id, created_at, severity, policy_version, source, stream,
  pass_count, warn_count, block_count, inconsistencies, sha256, key_id, request_id, document,
  raw_kid, raw_sealed)
SELECT %(tenant)s, collector_uuid7(moment), date_trunc('milliseconds', moment),
  CASE WHEN source <> 7 AND dice < 0.02 THEN 'block' WHEN dice < 0.16 THEN 'warn' ELSE 'info' END,
  '2026.' || floor(n * %(weeks)s / (%(count)s + 1.0)), 'source-' || source,
  'service-' || stream || '/main', 2, 1, 0, 0, sha256((%(tenant)s || n)::bytea),
  'bench-operator', 'fill', (%(document_start)s || n || %(document_end)s)::json,
  'bench', decode(repeat('5a', %(sealed_bytes)s), 'hex')
FROM generate_series(%(first)s::bigint, %(last)s) AS n,
LATERAL (SELECT %(start)s::timestamptz + n * (%(span)s::interval / %(count)s) AS moment,
  mod(n * 2654435761, 1000003) / 1000003.0 AS dice,
  floor(20 * power(mod(n * 40503, 1000033) / 1000033.0, 2))::integer AS source,
  floor(80 * power(mod(n * 69069, 1000037) / 1000037.0, 2))::integer AS stream) AS drawn
"""
# In the order of its key, as the index of a table this size no longer fits into memory.
_DIGESTS: Final = """
INSERT INTO report_digests (tenant_id, sha256, report_id)
SELECT tenant_id, sha256, id FROM reports ORDER BY tenant_id, sha256
"""


@dataclass(frozen=True, slots=True)
class Size:
    """One filled database. `start` is the oldest report's time, `end` the newest's."""

    reports: int
    database: str
    start: datetime
    end: datetime


@contextmanager
def filled_cluster(
    home: Path, counts: Sequence[int], say: Callable[[str], None]
) -> Iterator[tuple[EmbeddedDatabase, list[Size]]]:
    """A running cluster with one database a count, each with a tenant of that many reports."""
    with EmbeddedDatabase.start(home, settings=_LOADING) as embedded:
        sizes = [_make(embedded, count, say) for count in counts]
    say("Writing everything to disk …")
    os.sync()
    with EmbeddedDatabase.start(home) as embedded:
        yield embedded, sizes


def _make(embedded: EmbeddedDatabase, count: int, say: Callable[[str], None]) -> Size:
    begun = time.monotonic()
    name = f"scale_{count}"
    with _connected(embedded, ADMINISTRATOR, "postgres") as cursor:
        cursor.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(OWNER)
            )
        )
    migrate(embedded.url(OWNER, name))
    end = datetime.now(UTC) - timedelta(minutes=1)
    size = Size(count, name, end - timedelta(weeks=WEEKS), end)
    with _connected(embedded, OWNER, name) as cursor:
        cursor.execute(_PARTITIONS, {"start": size.start, "end": size.end})
    say(f"{count:,} reports: loading …")
    for tenant, share in ((TENANT, count), (NEIGHBOUR, max(1, count // 20))):
        _load(embedded, size, tenant, share)
    with _connected(embedded, OWNER, name) as cursor:
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute(_DIGESTS)
        say(f"{count:,} reports: vacuuming and analysing …")
        cursor.execute("VACUUM (ANALYZE) reports, report_digests")
    say(f"{count:,} reports: loaded in {time.monotonic() - begun:.0f} s")
    return size


def _load(embedded: EmbeddedDatabase, size: Size, tenant: str, count: int) -> None:
    """Each loader takes a part of the time, so that each partition is filled in order of ids."""
    failures: list[BaseException] = []
    step = -(-count // _LOADERS)

    def load(first: int) -> None:
        values = {
            "tenant": tenant,
            "count": count,
            "weeks": WEEKS,
            "start": size.start,
            "span": size.end - size.start,
            "first": first,
            "last": min(first + step - 1, count),
            "document_start": DOCUMENT_START,
            "document_end": DOCUMENT_END,
            "sealed_bytes": SEALED_BYTES,
        }
        try:
            with _connected(embedded, OWNER, size.database) as cursor:
                cursor.execute(_FILL, values)
        except BaseException as error:  # noqa: BLE001  # raised again where the loaders are awaited
            failures.append(error)

    loaders = [threading.Thread(target=load, args=(first,)) for first in range(1, count + 1, step)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()
    if failures:
        raise failures[0]


@contextmanager
def _connected(
    embedded: EmbeddedDatabase, role: str, database: str
) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(embedded.libpq_dsn(role, database))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
