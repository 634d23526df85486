"""Fixtures of the API's tests: the service, and callers of tenants of their own."""

from collections.abc import Iterator

import pytest

from db import access
from db.session import Database
from tests.support.client import Callers, Client
from tests.support.database import TestDatabase
from tests.support.service import RunningService, running_service


@pytest.fixture(scope="session")
def service(shared_database: TestDatabase) -> Iterator[RunningService]:
    """The service of the whole session."""
    with running_service(Database(shared_database.url(access.APP))) as running:
        yield running


@pytest.fixture
def callers(service: RunningService) -> Callers:
    """Callers of a tenant that no other test has."""
    return Callers(service)


@pytest.fixture
def other_callers(service: RunningService) -> Callers:
    """Callers of a second tenant."""
    return Callers(service)


@pytest.fixture
def anyone(service: RunningService) -> Client:
    """A caller without a key."""
    return Client(service)
