"""The package `post_office`, its service on a free port, and both clients that were generated."""

import importlib
import importlib.util
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn

from bench.round_trips.callers import Awaiting, Blocking, Caller
from codegen.run import generate
from tests.codegen.client.unsteady import Unsteady
from tests.codegen.conftest import HERE

CASE = HERE / "cases" / "post_office"
SECRET = "secretmark-opens-everything"


@dataclass(frozen=True, slots=True)
class PostOffice:
    """A generated package and a service of it. What the modules hold mypy can't know here."""

    url: str
    gate: Unsteady
    client: Any
    models: Any
    parcels: Any
    archives: Any
    files: Any
    archive: Any

    def credentials(self, **secrets: Any) -> Any:
        return self.client.Credentials(**(secrets or {"counter": SECRET}))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that the package lies in; it can be imported meanwhile."""
    folder = tmp_path_factory.mktemp("client")
    generate(CASE / "openapi.yaml", folder / "post_office", full=True)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def running(package: Path) -> Iterator[PostOffice]:
    service = loaded(CASE / "service.py")
    archive = service.Archive()
    gate = Unsteady(service.application(SECRET, archive))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(gate, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started
        yield PostOffice(
            url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            gate=gate,
            client=importlib.import_module("post_office.client"),
            models=importlib.import_module("post_office.models"),
            parcels=importlib.import_module("post_office.client.parcels"),
            archives=importlib.import_module("post_office.client.archive"),
            files=importlib.import_module("post_office.runtime.file_part"),
            archive=archive,
        )
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()


@pytest.fixture
def office(running: PostOffice) -> PostOffice:
    """The same for all tests, with nothing left to fail and nothing seen yet."""
    running.gate.faults.clear()
    running.gate.seen.clear()
    return running


@pytest.fixture(params=[Blocking, Awaiting], ids=["blocking", "awaiting"])
def caller_of(
    request: pytest.FixtureRequest, office: PostOffice
) -> Iterator[Callable[..., Caller]]:
    """Makes a client of one kind; options are the client's own."""
    with ExitStack() as open_clients:

        def make(credentials: Any = None, **options: Any) -> Caller:
            given = credentials or office.credentials()
            made: Caller = open_clients.enter_context(
                request.param(office.client, office.url, given, **options)
            )
            return made

        yield make


@pytest.fixture
def caller(caller_of: Callable[..., Caller], office: PostOffice) -> Caller:
    """A client that waits for next to nothing between attempts."""
    return caller_of(retrying=office.client.Retrying(first_wait_seconds=0.01))


def loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"post_office_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
