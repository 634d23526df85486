"""Requests at the edges of HTTP and of the contract, on every operation where that makes sense."""

import http.client
import secrets
import socket
from urllib.parse import urlsplit

import pytest

from tests.support.client import Callers, Client
from tests.support.contract import ContractOperation, document, operations, operations_at
from tests.support.examples import admitted_request, example_request
from tests.support.oracle import PROBLEM
from tests.support.reports import SMALLEST
from tests.support.service import RunningService

_ALL = list(operations().values())
_READS = [operation for operation in _ALL if operation.method == "GET"]
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
_ODD_PATHS = ("/", "/nowhere", "//", "/reports//", "/REPORTS", "/reports/a/b", "/%2e%2e/reports")


def _named(operation: ContractOperation) -> str:
    return operation.id


@pytest.mark.parametrize("path", document()["paths"])
def test_method_out_of_the_contract_is_405_and_names_all_there_are(
    path: str, callers: Callers
) -> None:
    target = example_request(operations_at(path)[0]).target
    here = {operation.method for operation in operations_at(path)}
    allowed = here | ({"HEAD"} if "GET" in here else set())
    for method in set(_METHODS) - allowed:
        answer = callers.by_role["admin"].send(method, target)
        assert answer.status == 405, method
        assert method == "HEAD" or answer.problem_type == "method-not-allowed"
        assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("operation", _READS, ids=_named)
def test_head_is_answered_as_get_is_without_the_body(
    operation: ContractOperation, callers: Callers
) -> None:
    admin = callers.by_role["admin"]
    request = example_request(operation, admin)
    got = admin.send("GET", request.target)
    assert got.status == 200
    head = admin.send("HEAD", request.target)
    assert (head.status, head.content) == (got.status, b"")
    if "x-audit" in operation.node:
        # A reading of the audit log is in the log, so the second finds another answer.
        return
    for name in ("content-type", "content-length", "etag"):
        assert head.headers.get(name) == got.headers.get(name)


def test_head_needs_a_key_where_get_does(anyone: Client) -> None:
    assert anyone.send("HEAD", "/reports").status == 401


@pytest.mark.parametrize("operation", _ALL, ids=_named)
def test_trailing_slash_is_another_path_and_redirects_nowhere(
    operation: ContractOperation, callers: Callers
) -> None:
    request = example_request(operation)
    path, mark, query = request.target.partition("?")
    answer = callers.operator.send(request.method, f"{path}/{mark}{query}")
    assert (answer.status, answer.problem_type) == (404, "not-found")


@pytest.mark.parametrize("path", _ODD_PATHS)
def test_path_out_of_the_contract_is_not_found(path: str, callers: Callers) -> None:
    for method in ("GET", "POST"):
        answer = callers.viewer.send(method, path)
        assert (answer.status, answer.problem_type) == (404, "not-found")


def _with_query(target: str, query: str) -> str:
    return f"{target}{'&' if '?' in target else '?'}{query}"


@pytest.mark.parametrize("operation", _ALL, ids=_named)
def test_unknown_query_parameter_is_invalid(operation: ContractOperation, callers: Callers) -> None:
    client = callers.by_role["admin"]
    request = admitted_request(operation, client)
    answer = client.send(
        request.method, _with_query(request.target, "surplus=1"), request.headers, request.body
    )
    assert (answer.status, answer.problem_type) == (422, "invalid-input")
    assert (answer.error["in"], answer.error["keyword"]) == ("query", "additionalProperties")


@pytest.mark.parametrize("operation", _ALL, ids=_named)
def test_single_parameter_that_comes_twice_is_invalid(
    operation: ContractOperation, callers: Callers
) -> None:
    client = callers.by_role["admin"]
    request = admitted_request(operation, client)
    for parameter in operation.parameters("query"):
        if parameter["schema"].get("type") == "array" or "example" not in parameter:
            continue
        pair = f"{parameter['name']}={parameter['example']}".replace("True", "true")
        answer = client.send(
            request.method,
            _with_query(request.target, f"{pair}&{pair}"),
            request.headers,
            request.body,
        )
        assert answer.status == 422
        assert answer.error["keyword"] == "repeated"
        assert answer.error["pointer"] == f"/{parameter['name']}"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("severity=bad", "/severity/0"),
        ("severity=info&severity=info", "/severity"),
        ("severity=info,warn", "/severity/0"),
        ("severity=", "/severity/0"),
        ("stream=", "/stream"),
        ("stream=a%00b", "/stream"),
        ("stream=%C3%A9", "/stream"),
        ("source=%0a", "/source"),
        ("source=" + "s" * 129, "/source"),
        ("since=yesterday", "/since"),
        ("since=2026-02-30T00:00:00Z", "/since"),
        ("since=2026-11-20", "/since"),
        ("since=2026-11-20T08:00:00", "/since"),
        ("since=9999-12-31T23:59:59-12:00", "/since"),
        ("since=0000-01-01T00:00:00Z", "/since"),
        ("until=1732060800", "/until"),
        ("include_total=yes", "/include_total"),
        ("include_total=True", "/include_total"),
        ("include_total=1", "/include_total"),
        ("include_total", "/include_total"),
        ("page_token=", "/page_token"),
        ("page_token=a%20b", "/page_token"),
        ("page_token=" + "x" * 513, "/page_token"),
    ],
)
def test_parameter_out_of_its_schema_is_invalid_and_not_repeated(
    query: str, pointer: str, callers: Callers
) -> None:
    answer = callers.viewer.send("GET", f"/reports?{query}")
    assert (answer.status, answer.problem_type) == (422, "invalid-input")
    assert {error["pointer"] for error in answer.json["errors"]} == {pointer}


@pytest.mark.parametrize(
    "query",
    [
        "source=%FF",
        "source=%C3%28",
        "source=%ED%A0%80",
        "source=%",
        "source=%zz",
        "%FF=1",
        # 1,000, and as many as the operation's lists may have items.
        "&".join(["a=1"] * 2001),
    ],
    ids=lambda query: query[:12],
)
def test_query_that_is_no_percent_encoded_utf_8_is_malformed(query: str, callers: Callers) -> None:
    answer = callers.viewer.send("GET", f"/reports?{query}")
    assert (answer.status, answer.problem_type) == (400, "malformed-request")


def test_plus_sign_and_escapes_in_a_query_are_decoded(callers: Callers) -> None:
    callers.operator.ingest({"status": {}, "source": {"tool": "a b c%"}})
    answer = callers.viewer.send("GET", "/reports?source=a+b%20c%25")
    assert len(answer.json["items"]) == 1


@pytest.mark.parametrize(
    "report_id",
    [
        "1",
        "0190a6d27c1e7d3b9a542f6f0c1e8b11",
        "g190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11",
        "{0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11}",
        "9" * 5000,
        "%00",
        "%FF",
        "%27%20OR%201=1--",
        "..%2f..%2fetc",
    ],
    ids=lambda report_id: report_id[:40],
)
def test_malformed_report_id_is_refused(report_id: str, callers: Callers) -> None:
    answer = callers.viewer.send("GET", f"/reports/{report_id}")
    assert answer.status in (400, 404, 422)


def test_report_id_in_capitals_is_the_same_report(callers: Callers) -> None:
    report_id = callers.operator.ingest(SMALLEST)["id"]
    assert callers.viewer.get(f"/reports/{report_id.upper()}").json["id"] == report_id


@pytest.mark.parametrize("sent", ["a", "Build-42.7:x_y", "f" * 128])
def test_well_formed_request_id_comes_back(sent: str, anyone: Client) -> None:
    assert anyone.send("GET", "/health", {"X-Request-Id": sent}).headers["x-request-id"] == sent
    problem = anyone.send("GET", "/nowhere", {"X-Request-Id": sent}).json
    assert problem["instance"] == f"urn:request:{sent}"


@pytest.mark.parametrize("sent", ["", "two words", "f" * 129, "<script>", "é", "a\tb", "a;b"])
def test_malformed_request_id_is_replaced(sent: str, anyone: Client) -> None:
    made = anyone.send("GET", "/health", {"X-Request-Id": sent}).headers["x-request-id"]
    assert made not in ("", sent)
    assert anyone.send("GET", "/health", {"X-Request-Id": sent}).headers["x-request-id"] != made


def test_body_of_a_read_is_neither_minded_nor_kept(callers: Callers) -> None:
    headers = {"Content-Type": "application/json"}
    assert callers.viewer.send("GET", "/reports", headers, b"{broken").status == 200


def test_answers_say_not_to_guess_their_type_nor_share_them(callers: Callers) -> None:
    for target in ("/reports", "/timeline"):
        answer = callers.viewer.get(target)
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert callers.viewer.get("/nowhere").headers["cache-control"] == "no-store"


def test_documentation_page_needs_nothing_from_elsewhere(anyone: Client) -> None:
    page = anyone.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    for asset in document()["components"]["schemas"]["DocsAsset"]["enum"]:
        answer = anyone.get(f"/docs/{asset}")
        expected = "text/css" if asset.endswith(".css") else "text/javascript"
        assert answer.headers["content-type"] == f"{expected}; charset=utf-8"
    for asset in ("docs.html", "..%2f__init__.py", "%2e%2e%2fdocs.html"):
        assert anyone.send("GET", f"/docs/{asset}").status in (404, 422)


def test_served_contract_promises_what_openapi_yaml_does(anyone: Client) -> None:
    served = anyone.get("/openapi.json").json
    assert served["openapi"] == "3.1.0"
    assert served["paths"].keys() == document()["paths"].keys()
    assert served["info"]["version"] == anyone.get("/health").json["contract_version"]


def test_bytes_that_are_no_http_end_the_connection_alone(service: RunningService) -> None:
    host, port = urlsplit(service.url).hostname, urlsplit(service.url).port
    assert host is not None
    for sent in (b"\x16\x03\x01\x00\xa5", b"BREW /reports HTTP/1.1", b"GET /\x00 HTTP/1.1"):
        with socket.create_connection((host, port or 0), timeout=10) as connection:
            connection.sendall(sent + b"\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert service.http.get("/health").status_code == 200


def test_caller_who_leaves_in_the_middle_of_a_body_harms_nobody(
    service: RunningService, callers: Callers
) -> None:
    where = urlsplit(service.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    connection.putrequest("POST", "/ingest/qc")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("X-Api-Key", callers.secrets["operator"])
    connection.putheader("X-Tenant", callers.tenant)
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"status":')
    connection.close()
    assert callers.viewer.get("/reports").json["items"] == []


def test_key_in_the_query_is_no_key(service: RunningService, callers: Callers) -> None:
    response = service.http.get(
        "/reports", params={"X-Api-Key": callers.secrets["viewer"], "X-Tenant": callers.tenant}
    )
    assert response.status_code == 401
    assert response.headers["content-type"] == PROBLEM
    assert callers.secrets["viewer"] not in response.text


def test_second_key_or_tenant_in_one_request_is_refused_wherever_the_good_one_stands(
    service: RunningService, callers: Callers
) -> None:
    good = [("X-Tenant", callers.tenant), ("X-Api-Key", callers.secrets["viewer"])]
    for more in (("X-Api-Key", secrets.token_hex(16)), ("X-Tenant", "somebody-else")):
        for headers in ([more, *good], [*good, more]):
            assert service.http.get("/reports", headers=headers).status_code in (400, 403)
