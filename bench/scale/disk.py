"""How many bytes a million reports take on disk, by what they are for."""

from dataclasses import dataclass
from typing import Final

import psycopg2

_MILLION: Final = 1_000_000
# Leaves are the relations that take room; a table's own size includes its free space map.
_SIZES: Final = """
SELECT (SELECT count(*) FROM reports),
  sum(pg_table_size(oid) - coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0))
    FILTER (WHERE relname LIKE 'reports\\_p%'),
  sum(coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0))
    FILTER (WHERE relname LIKE 'reports\\_p%'),
  sum(pg_indexes_size(oid)) FILTER (WHERE relname LIKE 'reports\\_p%'),
  sum(pg_total_relation_size(oid)) FILTER (WHERE relname = 'report_digests')
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes a million reports. `digests` is the table of contents known, with its index."""

    heap: float
    toast: float
    indexes: float
    digests: float

    @property
    def total(self) -> float:
        return self.heap + self.toast + self.indexes + self.digests


def disk_use(dsn: str) -> Disk:
    """`dsn` is the owner's login."""
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SIZES)
            found = cursor.fetchone()
    finally:
        connection.close()
    assert found is not None
    reports, *sizes = found
    return Disk(*(float(size) * _MILLION / reports for size in sizes))
