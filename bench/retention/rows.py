"""The tenant's rows past the service, as the tables' owner: what is left, and one that won't go."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import psycopg2

from bench.deployment import Deployment
from bench.workload import TENANT
from db.access import OWNER

_OLDER: Final = "tenant_id = %(tenant)s AND created_at < %(cutoff)s"
_COUNT: Final = f"SELECT count(*) FROM reports WHERE {_OLDER}"
_NEWEST: Final = f"SELECT id::text FROM reports WHERE {_OLDER} ORDER BY id DESC LIMIT 1"
_MIDDLE: Final = (
    f"SELECT id::text FROM reports WHERE {_OLDER} ORDER BY id OFFSET %(skipped)s LIMIT 1"
)
_THERE: Final = "SELECT count(*) FROM reports WHERE id = ANY (%(ids)s::uuid[])"
_REFUSE: Final = """
CREATE FUNCTION refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN RAISE EXCEPTION ''this report can not be deleted''; END';
CREATE TRIGGER refuse_deletion BEFORE DELETE ON reports
  FOR EACH ROW WHEN (OLD.id = %(id)s::uuid) EXECUTE FUNCTION refuse_deletion()
"""


def count_before(deployment: Deployment, cutoff: datetime | str) -> int:
    """How many reports older than the cutoff are there."""
    return int(_one(deployment, _COUNT, cutoff))


def newest_before(deployment: Deployment, cutoff: datetime | str) -> str:
    """The id of the last report that a run with this cutoff would come to."""
    return str(_one(deployment, _NEWEST, cutoff))


def a_report_that_cannot_be_deleted(
    deployment: Deployment, cutoff: datetime | str, skipped: int
) -> str:
    """Have the database refuse the deletion of one report, after so many; return its id."""
    report_id = str(_one(deployment, _MIDDLE, cutoff, skipped))
    with _owner(deployment) as cursor:
        cursor.execute(_REFUSE, {"id": report_id})
    return report_id


def are_there(deployment: Deployment, *report_ids: str) -> bool:
    with _owner(deployment) as cursor:
        cursor.execute(_THERE, {"ids": list(report_ids)})
        [found] = cursor.fetchone() or [0]
    return bool(found == len(report_ids))


def _one(deployment: Deployment, query: str, cutoff: datetime | str, skipped: int = 0) -> Any:
    with _owner(deployment) as cursor:
        cursor.execute(query, {"tenant": TENANT, "cutoff": cutoff, "skipped": skipped})
        [value] = cursor.fetchone() or [None]
    return value


@contextmanager
def _owner(deployment: Deployment) -> Iterator[psycopg2.extensions.cursor]:
    dsn = deployment.embedded.libpq_dsn(OWNER, deployment.size.database)
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
