"""Many reports of a tenant at once, past the API."""

import pytest

from db import access
from tests.db.samples import BACKFILL
from tests.support.client import Callers
from tests.support.database import TestDatabase


@pytest.fixture
def thousand_more(callers: Callers, shared_database: TestDatabase) -> None:
    """1,001 reports of the callers' tenant."""
    values = {"tenant": callers.tenant, "count": 1001, "start": "now", "span": "-1 hour"}
    shared_database.run(access.OWNER, BACKFILL, values)
