"""A service of its own for the tests that only ask it, and a fresh home for those that harm one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.service_process import Service, clean_environment, running, short_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short empty folder; `folder / "home"` is where a test's service may live."""
    with short_folder() as path:
        yield path


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """Variables of a service that lives in `folder` and takes any free port."""
    return clean_environment(COLLECTOR_HOME=str(folder / "home"), DRAIN_SECONDS="0")


@pytest.fixture(scope="session")
def shared_service() -> Iterator[Service]:
    """A running `collector up` that no test may stop or harm."""
    with short_folder() as path:
        settings = clean_environment(COLLECTOR_HOME=str(path / "home"), DRAIN_SECONDS="0")
        with running("up", settings, path / "log") as service:
            yield service
