"""Requests and answers as the checks get them, and a service that answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import CaseMetadata, FuzzingPhaseData, GenerationInfo, PhaseInfo
from schemathesis.generation.meta import TestPhase as Phase
from typing_extensions import override

from ci.fuzzing.facts import VARIABLE, Facts, facts
from ci.fuzzing.requests_and_answers import Answer, Case
from tests.support.contract import ROOT

OWN_ID = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"
NEIGHBOURS_ID = "0190a6d2-7c1e-7d3b-9a54-3f6f0c1e8b12"
NOBODYS_ID = "0190a6d2-7c1e-7d3b-9a54-4f6f0c1e8b13"
CANARY = "canary0123n"
KEY = "a-key-of-somebody"


@dataclass(frozen=True, slots=True)
class Said:
    """What a service answers."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def problem(code: int, slug: str, **changed: Any) -> Said:
    """A problem as the service would answer it, with members and headers changed."""
    headers = {"Content-Type": "application/problem+json", "X-Request-Id": "r1"}
    headers |= changed.pop("headers", {})
    members = {
        "type": f"/problems/{slug}",
        "title": "Title",
        "status": code,
        "detail": "What went wrong.",
        "instance": "urn:request:r1",
        **changed,
    }
    kept = {name: value for name, value in members.items() if value is not None}
    return Said(code, headers, json.dumps(kept).encode())


@pytest.fixture(autouse=True)
def run_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run as viewer of a tenant with one report, beside a neighbour with one."""
    told = Facts(
        role="viewer",
        own={"report_id": [OWN_ID]},
        neighbours={"report_id": {NEIGHBOURS_ID: NOBODYS_ID}},
        hidden=[NEIGHBOURS_ID, KEY],
        canary=CANARY,
        folder=str(tmp_path),
    )
    monkeypatch.setenv(VARIABLE, json.dumps(asdict(told)))
    facts.cache_clear()
    yield
    facts.cache_clear()


@pytest.fixture(scope="session")
def contract() -> Any:
    # The default is schemathesis.toml, which needs a run's variables.
    config = schemathesis.Config()
    return schemathesis.openapi.from_path(ROOT / "openapi.yaml", config=config)


CaseMaker = Callable[..., Case]


@pytest.fixture
def make_case(contract: Any) -> CaseMaker:
    """Makes a request that fits the contract, unless the test says `fits=False`."""

    def make(method: str, path: str, *, fits: bool = True, **parts: Any) -> Case:
        mode = GenerationMode.POSITIVE if fits else GenerationMode.NEGATIVE
        phase = PhaseInfo(Phase.FUZZING, FuzzingPhaseData(None, None, None, None))
        meta = CaseMetadata(GenerationInfo(0.0, mode), {}, phase)
        made: Case = contract[path][method].Case(**parts, _meta=meta)
        return made

    return make


def answered(case: Case, said: Said, url: str = "http://127.0.0.1:9") -> Answer:
    """The answer to a case, with the request that would have been sent."""
    headers = {name: str(value) for name, value in case.headers.items()}
    body = json.dumps(case.body) if isinstance(case.body, dict | list) else None
    request = requests.Request(
        case.method, url + case.formatted_path, headers, params=case.query, data=body
    ).prepare()
    return Answer(
        said.status,
        {name: [value] for name, value in said.headers.items()},
        said.body,
        request,
        elapsed=0.0,
        verify=False,
    )


Responder = Callable[[str, str, dict[str, str], bytes], Said]


class Served:
    """A service at `url` that answers by `respond`, and keeps the requests that came."""

    def __init__(self) -> None:
        self.respond: Responder = lambda method, path, headers, body: Said(200)
        self.came: list[tuple[str, str]] = []
        self.url = ""


@pytest.fixture
def served() -> Iterator[Served]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.came.append((self.command, self.path))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = state.respond(self.command, self.path, headers, body)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in said.headers and said.status != 304:
                self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said.body)

        do_GET = do_HEAD = do_POST = _answer

        @override
        def log_message(self, format: str, *arguments: Any) -> None:
            """Says nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()
