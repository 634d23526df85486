"""A service of its own for the tests that only ask it, and a fresh home for those that harm one.

With TEST_DATABASE_ADMIN_URL both are services on a database of that server instead of the embedded
one, by the pooler if there is one. `ci/e2e` says which tests are meant for that.
"""

import base64
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from db import access
from tests.e2e.service_process import ROLES, Service, clean_environment, running, short_folder
from tests.support.database import PostgresServer, TestDatabase


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short empty folder; `folder / "home"` is where a test's service may live."""
    with short_folder() as path:
        yield path


@pytest.fixture
def environment(folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Variables of a service that lives in `folder` and takes any free port."""
    settings = clean_environment(COLLECTOR_HOME=str(folder / "home"), DRAIN_SECONDS="0")
    if "TEST_DATABASE_ADMIN_URL" not in os.environ:
        return settings
    return settings | _on(request.getfixturevalue("empty_database"))


@pytest.fixture(scope="session")
def shared_service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """A running `collector up` that no test may stop or harm."""
    with short_folder() as path:
        settings = clean_environment(COLLECTOR_HOME=str(path / "home"), DRAIN_SECONDS="0")
        if "TEST_DATABASE_ADMIN_URL" not in os.environ:
            with running("up", settings, path / "log") as service:
                yield service
            return
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with (
            server.database() as made,
            running("up", settings | _on(made), path / "log") as service,
        ):
            yield service


def _on(database: TestDatabase) -> dict[str, str]:
    """What `collector up` needs to know of a database, and has made up for the embedded one."""
    keys = [f"dev-{role}:demo:{role}:{secrets.token_hex(20)}" for role in ROLES]
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "DATABASE_URL": database.url(access.APP),
        "MIGRATION_DATABASE_URL": database.direct_url(access.OWNER),
        "MAINTENANCE_DATABASE_URL": database.url(access.MAINTENANCE),
        "API_KEYS": ",".join(keys),
        "ENCRYPTION_KEYS": f"k1:{key}",
        "SIGNING_KEY": new_signing_key(),
        "EXPORT_SIGN_SECRET": secrets.token_hex(20),
    }


def new_signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
