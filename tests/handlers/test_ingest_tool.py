"""Tools' own output through the API: samples of real tools, and what is refused."""

import gzip
import json
from pathlib import Path
from uuid import UUID

import pytest

from db import access
from db.session import Database
from formats.registry import FORMATS, detect
from tests.support.client import Answer, Callers
from tests.support.contract import operations
from tests.support.database import TestDatabase
from tests.support.service import KEYRING, running_service

_SAMPLES = Path(__file__).parent.parent / "samples"
_SARIF = b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[]}]}'
_JUNIT = b'<testsuite name="s"><testcase classname="c" name="n"/></testsuite>'


def _post(callers: Callers, tool: str, body: bytes, content_type: str) -> Answer:
    return callers.operator.post(f"/ingest/tool/{tool}", body, content_type)


@pytest.mark.parametrize(
    ("name", "tool", "content_type", "severity", "counts", "source"),
    [
        (
            "sarif_shellcheck_real.sarif",
            "sarif",
            "application/sarif+json",
            "info",
            (27, 0, 0),
            "Shell Script Analysis",
        ),
        (
            "sarif_suppressions.sarif",
            "sarif",
            "application/json",
            "warn",
            (3, 6, 0),
            "SarifSamples",
        ),
        ("junit_pytest.xml", "junit", "application/xml", "block", (8, 0, 2), None),
        ("junit_jest_large.xml", "junit", "text/xml", "block", (4237, 0, 2), None),
        (
            "lighthouse_sample_v2.json",
            "lighthouse",
            "application/json",
            "block",
            (126, 25, 17),
            "lighthouse",
        ),
        (
            "gx_validation_result_with_exception.json",
            "great_expectations",
            "application/json",
            "block",
            (42, 0, 9),
            "great_expectations",
        ),
        ("dbt_run_results_v4.json", "dbt", "application/json", "block", (28, 0, 1), "dbt"),
        (
            "cyclonedx_vex_case7.json",
            "cyclonedx",
            "application/vnd.cyclonedx+json",
            "block",
            (3, 0, 2),
            "cyclonedx",
        ),
        (
            "ctrf_comprehensive.json",
            "ctrf",
            "application/json",
            "block",
            (1, 1, 1),
            "example-runner",
        ),
    ],
)
def test_sample_of_a_real_tool_is_translated_and_decided_on(
    name: str,
    tool: str,
    content_type: str,
    severity: str,
    counts: tuple[int, int, int],
    source: str | None,
    callers: Callers,
) -> None:
    posted = _post(
        callers, f"{tool}?stream=checkout/main", (_SAMPLES / name).read_bytes(), content_type
    )
    assert posted.status == 201
    assert (posted.json["severity"], posted.json["inconsistencies"]) == (severity, 0)
    stored = callers.viewer.api.get_report(report_id=UUID(posted.json["id"])).body
    assert (stored.counts.pass_, stored.counts.warn, stored.counts.block) == counts
    assert stored.report.stream == "checkout/main"
    [listed] = callers.viewer.api.list_reports(stream="checkout/main").body.items
    assert stored.report.source is not None
    assert listed.source == stored.report.source.tool
    assert source is None or listed.source == source


def test_same_output_twice_is_a_duplicate(callers: Callers) -> None:
    first = _post(callers, "junit", _JUNIT, "application/xml").json
    second = _post(callers, "junit", _JUNIT, "text/xml").json
    assert second["duplicate_of"] == first["id"]


def test_original_is_kept_as_a_keyed_digest_alone(
    callers: Callers, shared_database: TestDatabase
) -> None:
    marked = _JUNIT.replace(b"<testsuite", b"<!-- original only --><testsuite")
    report_id = _post(callers, "junit", marked, "application/xml").json["id"]
    [(digest, document)] = shared_database.run(
        access.OWNER,
        "SELECT original_digest, document::text FROM reports WHERE id = %s",
        (report_id,),
    )
    assert digest == KEYRING.digest(marked)
    assert "original only" not in str(document)


@pytest.mark.parametrize(
    ("tool", "body", "content_type"),
    [
        ("sarif", b"<sarif/>", "application/xml"),
        ("junit", b"{}", "application/json"),
        ("lighthouse", b"{}", "application/sarif+json"),
        ("great_expectations", b"<a/>", "text/xml"),
        ("dbt", b"{}", "application/vnd.cyclonedx+json"),
        ("cyclonedx", b"<bom/>", "application/xml"),
        ("ctrf", b"{}", "application/vnd.cyclonedx+json"),
    ],
)
def test_media_type_of_another_format_is_invalid(
    tool: str, body: bytes, content_type: str, callers: Callers
) -> None:
    answer = _post(callers, tool, body, content_type)
    assert (answer.status, answer.problem_type) == (422, "invalid-input")
    assert (answer.error["in"], answer.error["pointer"]) == ("header", "/Content-Type")


def test_every_format_has_an_example_in_the_contract_that_is_accepted(callers: Callers) -> None:
    content = operations()["ingest_tool_output"].node["requestBody"]["content"]
    examples = {
        name: (media_type, example["value"])
        for media_type, media in content.items()
        for name, example in media.get("examples", {}).items()
    }
    assert examples.keys() == FORMATS.keys()
    for name, (media_type, value) in examples.items():
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        assert detect(body) == name
        assert media_type == FORMATS[name].media_types[0]
        assert _post(callers, name, body, media_type).status == 201


def test_media_type_may_have_parameters(callers: Callers) -> None:
    body = (_SAMPLES / "cyclonedx_vex_case7.json").read_bytes()
    answer = _post(callers, "cyclonedx", body, "application/vnd.cyclonedx+json; version=1.4")
    assert answer.status == 201


def test_rows_values_reach_neither_the_report_nor_the_database(
    callers: Callers, shared_database: TestDatabase
) -> None:
    body = (_SAMPLES / "gx_validation_result_with_exception.json").read_bytes()
    assert b"Astor, Colonel John Jacob" in body
    report_id = _post(callers, "great_expectations", body, "application/json").json["id"]
    [(document,)] = shared_database.run(
        access.OWNER, "SELECT document::text FROM reports WHERE id = %s", (report_id,)
    )
    assert "Astor" not in str(document)


_BOMB = (
    b"""<!DOCTYPE bomb [<!ENTITY a "aaaaaaaaaaaaaaaa">%s]><testsuite>&z;</testsuite>"""
    % b"".join(
        b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 16) for letter in b"bcdefghz"
    )
)
_EXTERNAL = b'<!DOCTYPE t [<!ENTITY e SYSTEM "file:///etc/hostname">]><testsuite name="&e;"/>'


@pytest.mark.parametrize(
    ("tool", "body"),
    [
        ("junit", _BOMB),
        ("junit", _EXTERNAL),
        ("junit", b'<!DOCTYPE t SYSTEM "http://127.0.0.1:9/t.dtd"><testsuite/>'),
        ("junit", b"<testsuite>" * 101 + b"</testsuite>" * 101),
        ("junit", b"<testsuite>" * 200_000),
        ("junit", b"<html/>"),
        ("junit", b"<testsuite"),
        ("junit", b"\xff\xff"),
        ("junit", b'<?xml version="1.0" encoding="idna"?><testsuite/>'),
        ("sarif", b"[]"),
        ("sarif", b"<testsuite/>"),
        ("sarif", b"{}"),
        ("sarif", b'{"version":"2.1.0"}'),
        ("sarif", b'{"version":"2.1.0","runs":"none"}'),
        ("sarif", b"\xff\xfe"),
        ("sarif", b'{"version":"2.1.0","runs":[],"n":NaN}'),
        ("sarif", b'{"version":"2.1.0","runs":[],"properties":%s1%s}' % (b"[" * 70, b"]" * 70)),
        ("sarif", b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"a\\u0000"}}}]}'),
        ("lighthouse", b"{}"),
        ("great_expectations", b"{}"),
        ("dbt", b"{}"),
        ("cyclonedx", b"{}"),
        ("ctrf", b"{}"),
    ],
    ids=lambda value: value[:24].decode("ascii", "replace") if isinstance(value, bytes) else value,
)
def test_output_that_is_no_such_report_is_untranslatable(
    tool: str, body: bytes, callers: Callers
) -> None:
    content_type = FORMATS[tool].media_types[0]
    answer = _post(callers, tool, body, content_type)
    assert (answer.status, answer.problem_type) == (422, "untranslatable")
    assert callers.viewer.get("/reports").json["items"] == []


def test_unknown_format_is_invalid(callers: Callers) -> None:
    for tool in ("checkstyle", "SARIF", "%00"):
        answer = _post(callers, tool, _SARIF, "application/json")
        assert answer.status == 422
        assert (answer.error["in"], answer.error["pointer"]) == ("path", "/format")


def test_missing_and_other_types_are_unsupported(callers: Callers) -> None:
    without = callers.operator.post("/ingest/tool/sarif", _SARIF, None)
    text = _post(callers, "sarif", _SARIF, "text/plain")
    assert [answer.status for answer in (without, text)] == [415, 415]


def test_compressed_output_is_the_same_as_uncompressed(callers: Callers) -> None:
    plain = _post(callers, "sarif", _SARIF, "application/json")
    zipped = callers.operator.post(
        "/ingest/tool/sarif",
        gzip.compress(_SARIF),
        "application/json",
        {"Content-Encoding": "gzip"},
    )
    assert (plain.status, zipped.status) == (201, 201)
    assert zipped.json["duplicate_of"] == plain.json["id"]


def test_empty_output_is_invalid(callers: Callers) -> None:
    answer = _post(callers, "junit", b"", "application/xml")
    assert (answer.status, answer.error["keyword"]) == (422, "required")


def test_stream_in_the_query_is_held_against_the_contract(callers: Callers) -> None:
    answer = _post(callers, "sarif?stream=no%20spaces", _SARIF, "application/json")
    assert (answer.status, answer.error["pointer"]) == (422, "/stream")


def test_output_over_32_mib_is_too_large(callers: Callers) -> None:
    answer = _post(callers, "junit", b" " * (32 * 1024 * 1024 + 1), "application/xml")
    assert answer.status == 413


def test_service_without_a_keyring_takes_reports_but_no_tool_output(
    shared_database: TestDatabase,
) -> None:
    database = Database(shared_database.url(access.APP), pool_size=2)
    with running_service(database, keyring=None) as service:
        callers = Callers(service)
        answer = _post(callers, "sarif", _SARIF, "application/json")
        assert (answer.status, answer.problem_type) == (503, "unavailable")
        assert "ENCRYPTION_KEYS" in answer.json["detail"]
        callers.operator.ingest({"status": {}})
