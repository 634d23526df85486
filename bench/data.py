"""The database of a run: an embedded PostgreSQL of its own, migrated and filled; gone after it."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from bench.workload import REPORT, TENANT
from db.access import MAINTENANCE, OWNER
from db.embedded import EmbeddedDatabase
from db.migrate import migrate

_OTHER_TENANTS = ("other-1", "other-2")
_PARTITIONS = """
SELECT collector_create_partitions(now() - interval '1 hour', now(), interval '7 days')
"""
# Ids of the past minutes, a millisecond apart, so that whatever is ingested is newer.
_FILL = """
INSERT INTO reports (tenant_id, id, created_at, severity, policy_version, source, stream,
  pass_count, warn_count, block_count, inconsistencies, sha256, key_id, request_id, document)
SELECT :tenant, collector_uuid7(moment), date_trunc('milliseconds', moment),
  CASE WHEN n % 50 = 0 THEN 'block' WHEN n % 7 = 0 THEN 'warn' ELSE 'info' END,
  '2026.' || n % 12, 'source-' || n % 20, 'service-' || n % 40 || '/main',
  2, 1, 0, 0, sha256((:tenant || n)::bytea), 'bench-operator', 'fill', CAST(:document AS json)
FROM generate_series(1, :count) AS n,
LATERAL (SELECT now() - n * interval '1 millisecond' AS moment) AS clock
"""


@dataclass(frozen=True, slots=True)
class FilledDatabase:
    """`app_url` and `app_dsn` are the login of the API's role, `maintenance_url` that of the
    maintenance role, `owner_dsn` the tables' owner's.

    `programs` is PostgreSQL's folder of programs, `version` its version.
    """

    app_url: str
    maintenance_url: str
    app_dsn: str
    owner_dsn: str
    programs: Path
    version: str


@contextmanager
def filled_database(reports: int) -> Iterator[FilledDatabase]:
    """A database with `reports` of the measured tenant and as many of two others together."""
    # A short path of its own: a unix socket's path has at most 107 bytes.
    home = Path(tempfile.mkdtemp(prefix="qc-bench-"))
    home.chmod(0o711)
    try:
        with EmbeddedDatabase.start(home) as embedded:
            migrate(embedded.url(OWNER))
            version = _fill(embedded.url(OWNER), reports)
            yield FilledDatabase(
                app_url=embedded.url(),
                maintenance_url=embedded.url(MAINTENANCE),
                app_dsn=embedded.libpq_dsn(),
                owner_dsn=embedded.libpq_dsn(OWNER),
                programs=embedded.bin_dir,
                version=version,
            )
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _fill(owner_url: str, reports: int) -> str:
    engine = create_engine(owner_url, poolclass=NullPool)
    shares = {TENANT: reports, **dict.fromkeys(_OTHER_TENANTS, reports // 2)}
    with engine.begin() as connection:
        connection.execute(text(_PARTITIONS))
        for tenant, count in shares.items():
            values = {"tenant": tenant, "count": count, "document": json.dumps(REPORT)}
            connection.execute(text(_FILL), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE reports"))
        durable = [
            connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("fsync", "synchronous_commit", "full_page_writes")
        ]
        version = str(connection.execute(text("SHOW server_version")).scalar_one())
    if durable != ["on"] * 3:
        raise RuntimeError("the benchmark's database must not be faster than a safe one")
    return version
