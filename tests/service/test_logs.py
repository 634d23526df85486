"""What the service logs of a run of ordinary and odd requests, at its most talkative."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from db import access
from db.errors import AccessRefused
from generated.runtime.application import RequestRecord
from generated.runtime.problems import not_found
from service.telemetry import log_request
from tests.e2e.service_process import clean_environment, running
from tests.support.database import TestDatabase
from tests.support.service import KEYRING_TEXT

_MARK = "mk7q"
_KEY = f"{_MARK}-operator-secret-0123456789"
_TENANT = "log-tenant"
_UNKNOWN = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"
_FIELDS = {
    "duration_ms",
    "event",
    "key_id",
    "level",
    "method",
    "operation",
    "request_id",
    "status",
    "tenant",
    "timestamp",
}
_HEADERS = {"X-Api-Key": _KEY, "X-Tenant": _TENANT}
_JSON = {**_HEADERS, "Content-Type": "application/json"}
_XML = {**_HEADERS, "Content-Type": "application/xml"}
_REQUESTS: list[tuple[str, str, dict[str, str], bytes]] = [
    ("GET", "/health", {}, b""),
    ("GET", "/reports?limit=1", _HEADERS, b""),
    ("GET", f"/reports?source={_MARK}", _HEADERS, b""),
    ("GET", f"/reports?{_MARK}=1&limit={_MARK}&severity={_MARK}&since={_MARK}", _HEADERS, b""),
    ("GET", f"/reports?page_token={_MARK}", _HEADERS, b""),
    ("GET", f"/reports?source=%FF{_MARK}", _HEADERS, b""),
    ("GET", f"/reports/{_MARK}", _HEADERS, b""),
    ("GET", f"/reports/{_UNKNOWN}/bundle.zip?token={_MARK}", {}, b""),
    ("GET", f"/reports/{_UNKNOWN}/bundle.zip?token={_MARK}&token={_MARK}", {}, b""),
    ("GET", f"/{_MARK}/{_MARK}", _HEADERS, b""),
    ("GET", f"/docs/{_MARK}", {}, b""),
    ("GET", "/reports", {"X-Api-Key": f"{_MARK}-wrong", "X-Tenant": f"{_MARK}-tenant"}, b""),
    ("GET", "/reports", {**_HEADERS, "X-Tenant": f"{_MARK}-tenant"}, b""),
    ("GET", "/reports", {**_HEADERS, "Authorization": f"Bearer {_MARK}"}, b""),
    ("GET", "/reports", {**_HEADERS, "Cookie": f"{_MARK}={_MARK}; =;"}, b""),
    ("GET", "/reports", {**_HEADERS, "If-None-Match": f'"{_MARK}"'}, b""),
    ("GET", "/health", {"X-Request-Id": f"{_MARK} is no id"}, b""),
    (
        "POST",
        "/ingest/qc",
        _JSON,
        b'{"status":{"%b":"fail"},"notes":["%b"]}' % ((_MARK.encode(),) * 2),
    ),
    ("POST", "/ingest/qc", _JSON, b'{"status":{"api":"%b"},"%b":1}' % ((_MARK.encode(),) * 2)),
    ("POST", "/ingest/qc", _JSON, b'{"%b' % _MARK.encode()),
    ("POST", "/ingest/qc", _JSON, b'["\xff%b"]' % _MARK.encode()),
    ("POST", "/ingest/qc", _JSON, b'{"status":{},"stream":"%b\\u0000"}' % _MARK.encode()),
    ("POST", "/ingest/qc", {**_JSON, "Idempotency-Key": _MARK}, b'{"status":{}}'),
    ("POST", "/ingest/qc", {**_JSON, "Idempotency-Key": _MARK}, b'{"status":{"a":"na"}}'),
    ("POST", "/ingest/qc", {**_JSON, "Content-Type": f"text/{_MARK}"}, b"{}"),
    ("POST", "/ingest/tool/junit", _XML, b"<%b>&%b;</%b>" % ((_MARK.encode(),) * 3)),
    ("POST", f"/ingest/tool/{_MARK}?stream={_MARK}%20", _XML, b"<a/>"),
    ("DELETE", f"/reports?token={_MARK}", _HEADERS, b""),
]


@dataclass(frozen=True, slots=True)
class _Run:
    """A finished run: its log, line by line, and the ids of its requests as answered."""

    lines: list[dict[str, Any]]
    text: str
    request_ids: list[str]

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") == "request"]


@pytest.fixture(scope="module")
def run(shared_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> _Run:
    log = Path(tmp_path_factory.mktemp("log")) / "log"
    environment = clean_environment(
        DATABASE_URL=shared_database.url(access.APP),
        API_KEYS=f"ci-key:{_TENANT}:operator:{_KEY}",
        ENCRYPTION_KEYS=KEYRING_TEXT,
        EXPORT_SIGN_SECRET=f"{_MARK}-secret-of-links-0123456789abcdef",
        LOG_LEVEL="debug",
        DRAIN_SECONDS="0",
    )
    with running("serve", environment, log) as service:
        with httpx2.Client(base_url=service.url, trust_env=False, verify=False) as client:
            answers = [
                client.request(
                    method,
                    "/",
                    headers=headers,
                    content=body,
                    extensions={"target": target.encode()},
                )
                for method, target, headers, body in _REQUESTS
            ]
        service.stop()
    assert all(answer.status_code < 500 for answer in answers)
    text = log.read_text(encoding="utf-8")
    # Before it logs anything, `serve` says to whoever started it that it runs no worker.
    told, *logged = text.splitlines()
    assert told.startswith("No worker runs")
    lines = [json.loads(line) for line in logged]
    return _Run(lines, text + service.printed, [each.headers["x-request-id"] for each in answers])


def test_no_key_query_header_or_input_value_is_ever_logged(run: _Run) -> None:
    assert _MARK not in run.text


def test_every_request_has_one_line_with_its_id(run: _Run) -> None:
    assert [line["request_id"] for line in run.requests()] == run.request_ids


def test_line_of_a_request_has_every_field_and_no_other(run: _Run) -> None:
    for line in run.requests():
        assert set(line) - {"reason"} == _FIELDS
        assert isinstance(line["duration_ms"], float)
        assert line["timestamp"].endswith("Z")
        assert ("reason" in line) == (line["status"] >= 400)


def test_line_names_operation_caller_and_reason(run: _Run) -> None:
    by_operation = {(line["operation"], line["status"]): line for line in run.requests()}
    stored = by_operation["ingest_qc", 201]
    assert (stored["tenant"], stored["key_id"], stored["method"]) == (_TENANT, "ci-key", "POST")
    refused = by_operation["ingest_qc", 422]
    assert (refused["tenant"], refused["key_id"]) == (_TENANT, "ci-key")
    assert by_operation["list_reports", 401]["tenant"] is None
    assert by_operation["list_reports", 401]["reason"] == "unauthenticated"
    assert by_operation[None, 404]["status"] == 404


def _logged(failure: BaseException, status: int) -> dict[str, Any]:
    record = RequestRecord("r1", "GET", "get_report", status, 0.001, {}, failure)
    with capture_logs() as logged:
        log_request(record)
    [line] = logged
    return dict(line)


def test_failure_of_a_library_is_logged_by_type_and_place_without_its_message() -> None:
    try:
        int(_MARK)
    except ValueError as error:
        line = _logged(error, 500)
    assert (line["log_level"], line["reason"]) == ("error", "ValueError")
    assert line["frames"][-1].startswith("test_logs.py:")
    assert _MARK not in str(line)


def test_our_own_failures_are_logged_in_their_words() -> None:
    assert _logged(AccessRefused(), 500)["reason"].startswith("AccessRefused: The database role")
    line = _logged(not_found(), 404)
    assert (line["log_level"], line["reason"]) == ("info", "not-found")
