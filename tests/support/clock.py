"""A database whose clock a test sets, as its app sees it: PostgreSQL has no such setting.

Functions of the same names stand before the server's own on the app role's search path.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from db import access
from tests.support.database import TestDatabase

_CLOCK = """
CREATE SCHEMA clock;
CREATE TABLE clock.setting (ahead interval NOT NULL);
INSERT INTO clock.setting VALUES ('0');
CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
  AS 'SELECT pg_catalog.clock_timestamp() + ahead FROM clock.setting';
CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql VOLATILE
  AS 'SELECT pg_catalog.now() + ahead FROM clock.setting';
GRANT USAGE ON SCHEMA clock TO PUBLIC;
GRANT SELECT ON clock.setting TO PUBLIC;
"""


class Clock:
    """The clock of one database."""

    def __init__(self, database: TestDatabase) -> None:
        self._database = database

    def set(self, ahead: timedelta) -> None:
        """Makes it so much later than it is, or earlier."""
        self._database.run(
            self._database.server.administrator, "UPDATE clock.setting SET ahead = %s", (ahead,)
        )


@contextmanager
def own_clock(database: TestDatabase) -> Iterator[Clock]:
    """Before anybody connects as the app."""
    administrator = database.server.administrator
    database.run(administrator, _CLOCK)
    database.run(
        administrator,
        f'ALTER ROLE {access.APP} IN DATABASE "{database.name}"'
        " SET search_path = clock, pg_catalog, public",
    )
    yield Clock(database)
