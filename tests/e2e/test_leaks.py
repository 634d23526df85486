"""Secrets sent in every way a sender can: none is in the database, in the log or in an answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from db import access
from tests.e2e.service_process import clean_environment, running
from tests.support.database import PostgresServer, TestDatabase
from tests.support.redaction import made_up_secrets, secret_parts
from tests.support.service import KEYRING_TEXT

_KEY = "leaks-" + "operator-key-0123456789"
_HEADERS = {"X-Api-Key": _KEY, "X-Tenant": "leaks"}
_JSON = {"Content-Type": "application/json"}
_TOKEN = "ghp_" + "9fK2mQ7xLw4vTz8Rb3Nc6Yd1Jh5Ps0GaUeIo"
_TEXTS = [text for _, text in made_up_secrets()]
_JUNK = '<testsuite name="s"><testcase classname="c" name="{0}"><failure message="{0}"/></testcase>'


@dataclass(frozen=True, slots=True)
class _Run:
    """What is left of a finished run: every row as text, the log, and the answers."""

    rows: str
    log: str
    answers: list[httpx2.Response]


def _report(text: str) -> dict[str, Any]:
    judged = {"rule_id": "r", "target": "t", "verdict": "warn", "severity": "warn"}
    return {
        "source": {"tool": "runner", "version": f"1 {text}"[:128]},
        "run": {"id": text[:256], "branch": text[:256]},
        "status": {text[:256]: "pass"},
        "policy": {"evaluations": [{**judged, "target": text, "message": f"got {text}."}]},
        "notes": [text],
        "markdown": f"```\n{text}\n```",
        "raw": {text: {"list": [text], "key": _KEY}},
    }


def _taken() -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Requests whose secrets are taken out."""
    for text in _TEXTS:
        yield "/ingest/qc", _JSON, json.dumps(_report(text)).encode()
        sarif = {"level": "error", "ruleId": "r", "message": {"text": text}}
        runs = [{"tool": {"driver": {"name": "t"}}, "results": [sarif]}]
        log = json.dumps({"version": "2.1.0", "runs": runs}).encode()
        yield "/ingest/tool/sarif", {"Content-Type": "application/sarif+json"}, log
    lines = b"\n".join(json.dumps(_report(text)).encode() for text in _TEXTS)
    yield "/ingest/qc/batch", {"Content-Type": "application/x-ndjson"}, lines


def _refused() -> Iterator[tuple[str, str, dict[str, str], bytes]]:
    """Requests that nothing may be stored of."""
    for text in _TEXTS:
        quoted = quote(text)
        yield "GET", f"/reports?source={quoted}&{quoted}=1", {}, b""
        yield "GET", f"/{quote(text, safe='')}", {}, b""
        bad = {"status": {text: text}, text: [text], "stream": text}
        yield "POST", "/ingest/qc", _JSON, json.dumps(bad).encode()
        yield "POST", "/ingest/qc", _JSON, json.dumps(bad).encode()[:-3]
        xml = {"Content-Type": "application/xml"}
        yield "POST", "/ingest/tool/junit", xml, _JUNK.format(text).encode()
        yield "POST", f"/ingest/tool/junit?stream={quoted}", xml, b"<testsuite/>"
    good = b'{"status": {}}'
    yield "POST", "/ingest/qc", {**_JSON, "Idempotency-Key": _TOKEN}, good
    yield "POST", "/ingest/qc", {**_JSON, "Idempotency-Key": _KEY}, good
    for name in ("Authorization", "Cookie", "X-Request-Id", "If-None-Match", "User-Agent"):
        yield "GET", "/reports", {name: _TOKEN}, b""


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer, migrated_template: str) -> Iterator[TestDatabase]:
    with postgres_server.database(migrated_template) as made:
        yield made


@pytest.fixture(scope="module")
def run(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> _Run:
    log = Path(tmp_path_factory.mktemp("leaks")) / "log"
    environment = clean_environment(
        DATABASE_URL=database.url(access.APP),
        API_KEYS=f"ci:leaks:operator:{_KEY},look:leaks:viewer:{_KEY}-2",
        ENCRYPTION_KEYS=KEYRING_TEXT,
        LOG_LEVEL="debug",
        DRAIN_SECONDS="0",
        RATE_LIMIT_KEY_WRITES="off",
        RATE_LIMIT_TENANT_WRITES="off",
    )
    with running("serve", environment, log) as service:
        with httpx2.Client(base_url=service.url, trust_env=False, verify=False) as client:
            stored = [
                client.post(target, headers={**_HEADERS, **headers}, content=body)
                for target, headers, body in _taken()
            ]
            assert {each.status_code for each in stored} <= {200, 201}, stored[0].text
            others = [
                client.request(
                    method,
                    "/",
                    headers={**_HEADERS, **headers},
                    content=body,
                    extensions={"target": target.encode()},
                )
                for method, target, headers, body in _refused()
            ]
            reader = {**_HEADERS, "X-Api-Key": f"{_KEY}-2"}
            kept = [
                client.get(each.headers["location"], headers=reader)
                for each in stored
                if "location" in each.headers
            ]
        service.stop()
    assert {each.status_code for each in kept} == {200}
    return _Run(_rows(database), log.read_text() + service.printed, stored + others + kept)


def _rows(database: TestDatabase) -> str:
    """Every row of every table, bytes as text too where they are such."""
    names = database.run(
        database.server.administrator,
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE nspname = 'public' AND relkind IN ('r', 'p')",
    )
    rows = [
        row
        for (name,) in names
        for row in database.run(database.server.administrator, f'SELECT t::text FROM "{name}" AS t')
    ]
    return "\n".join(str(row[0]) for row in rows)


def _found(text: str) -> list[str]:
    secrets = [*secret_parts(), _KEY]
    spelled = {each: {each, json.dumps(each)[1:-1], each.replace('"', '""')} for each in secrets}
    spelled = {each: ways | {each.encode().hex()} for each, ways in spelled.items()}
    return [each for each, ways in spelled.items() if any(way in text for way in ways)]


def test_no_secret_is_in_any_row_of_any_table(run: _Run) -> None:
    assert "runner" in run.rows
    assert _found(run.rows) == []


def test_no_secret_is_in_the_log(run: _Run) -> None:
    assert '"operation":"ingest_batch"' in run.log.replace(" ", "")
    assert _found(run.log) == []


def test_no_secret_is_in_an_answer_or_its_headers(run: _Run) -> None:
    told = [text for each in run.answers for text in (each.text, *each.headers.values())]
    assert _found("\n".join(told)) == []
