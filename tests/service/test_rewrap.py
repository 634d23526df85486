"""Encrypting anew: nothing is lost or changed, whoever writes or runs beside it."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from db import access
from db.ids import TenantId
from db.reports import insert_report
from db.session import Database
from service.key_register import register_keyring
from service.keyring import Keyring
from service.rewrap import Outcome, Progress, Rewrap
from service.sealing import Sealer
from service.settings import SettingsError
from tests.db.samples import new_report
from tests.support.client import Callers
from tests.support.database import TestDatabase
from tests.support.service import running_service

_K1, _K2, _K3 = (("k1", bytes(32)), ("k2", bytes(range(32))), ("k3", bytes(31) + b"3"))
_OLD = Keyring((_K1,))
_BOTH = Keyring((_K2, _K1))
_NEW = Keyring((_K2,))
_REPORTS: list[dict[str, Any]] = [
    {"status": {}, "raw": {}},
    {"status": {"raw": "pass"}, "raw": {"raw": {"raw": None}, '"raw":{': '"raw":{}'}},
    {"status": {}, "notes": ['"raw":{"a":1}'], "raw": {"nul\0": "\0", "quote": '\\"', "é": "😀"}},
    {"status": {}, "raw": {"large": 2**80, "long": int("9" * 300), "f": [1e16, -0.0, 1e-300]}},
    {"status": {"raw": "na"}},
    {"status": {}, "notes": ["nothing raw here"]},
]
_WITH_RAW = 4


@pytest.fixture
def maintenance(own_database: TestDatabase) -> Iterator[Database]:
    database = Database(own_database.url(access.MAINTENANCE), pool_size=4)
    yield database
    database.close()


def _tell(_: Progress) -> None:
    """Nobody looks at progress here."""


def _rewrap(database: Database, keyring: Keyring) -> Outcome:
    return Rewrap(database, keyring, _tell).run()


def _changed(outcome: Outcome) -> tuple[dict[str, int], int]:
    return dict(outcome.progress.by_kid), outcome.progress.in_clear


def _ingested(database: TestDatabase, keyring: Keyring | None, times: int = 1) -> list[Any]:
    """Stores the reports, and returns (callers' tenant, id, whole answer) of each."""
    with running_service(Database(database.url(access.APP), pool_size=2), keyring=keyring) as one:
        callers = Callers(one)
        ids = [callers.operator.ingest(each)["id"] for each in _REPORTS * times]
        return [(callers.tenant, id, callers.viewer.get(f"/reports/{id}").content) for id in ids]


def _read(database: TestDatabase, keyring: Keyring, stored: list[Any]) -> list[Any]:
    with running_service(Database(database.url(access.APP), pool_size=2), keyring=keyring) as one:
        read = []
        for tenant, id, _ in stored:
            key = one.keys.issue("reader", tenant, "viewer")
            headers = {"X-Tenant": tenant, "X-Api-Key": key}
            read.append((tenant, id, one.http.get(f"/reports/{id}", headers=headers).content))
        return read


def _kids(database: TestDatabase) -> list[Any]:
    counted = "SELECT raw_kid, count(*)::int FROM reports GROUP BY 1 ORDER BY 1"
    return database.run(access.OWNER, counted)


def _put_in_clear(database: TestDatabase, stored: list[Any]) -> None:
    """As the first version stored them."""
    with database.login(access.OWNER) as connection, connection.cursor() as cursor:
        for (_, id, whole), report in zip(stored, _REPORTS, strict=True):
            text = whole[whole.index(b',"report":') + len(b',"report":') : -1].decode()
            assert orjson.loads(text)["status"] == report["status"]
            cursor.execute(
                "UPDATE reports SET document = %s, raw_kid = NULL, raw_sealed = NULL WHERE id = %s",
                (text, id),
            )


def test_all_is_moved_to_the_newest_key_and_reads_as_before(
    own_database: TestDatabase, maintenance: Database
) -> None:
    stored = [*_ingested(own_database, _OLD), *_ingested(own_database, _OLD)]
    outcome = _rewrap(maintenance, _BOTH)
    assert _changed(outcome) == ({"k1": 2 * _WITH_RAW}, 0)
    assert (outcome.freed, outcome.left, outcome.progress.unreadable) == (["k1"], [], [])
    assert _kids(own_database) == [("k2", 2 * _WITH_RAW), (None, 4)]
    assert _read(own_database, _NEW, stored) == stored
    again = _rewrap(maintenance, _BOTH)
    assert (_changed(again), again.progress.checked) == (({}, 0), len(stored))


def test_raw_in_clear_is_encrypted_and_reads_as_before(
    own_database: TestDatabase, maintenance: Database
) -> None:
    stored = _ingested(own_database, _OLD)
    _put_in_clear(own_database, stored)
    assert _kids(own_database) == [(None, len(stored))]
    assert _read(own_database, _OLD, stored) == stored
    counted = Rewrap(maintenance, _BOTH, _tell).count()
    assert (counted.in_clear, counted.checked) == (_WITH_RAW, len(stored))
    assert _kids(own_database) == [(None, len(stored))]
    assert _changed(_rewrap(maintenance, _BOTH)) == ({}, _WITH_RAW)
    assert _kids(own_database) == [("k2", _WITH_RAW), (None, 2)]
    assert _read(own_database, _NEW, stored) == stored
    in_clear = "SELECT count(*) FROM reports WHERE document::text LIKE '%%\"raw\":{%%'"
    # Those in a string have a backslash before the quote.
    assert own_database.run(access.OWNER, in_clear) == [(0,)]


def test_a_count_names_what_would_change_and_changes_nothing(
    own_database: TestDatabase, maintenance: Database
) -> None:
    _ingested(own_database, _OLD)
    before = own_database.run(access.OWNER, "SELECT * FROM encryption_key_uses")
    counted = Rewrap(maintenance, _BOTH, _tell).count()
    assert (dict(counted.by_kid), counted.in_clear) == ({"k1": _WITH_RAW}, 0)
    assert _kids(own_database) == [("k1", _WITH_RAW), (None, 2)]
    assert own_database.run(access.OWNER, "SELECT * FROM encryption_key_uses") == before


def test_a_keyring_that_lacks_a_key_or_has_another_one_is_refused_by_name(
    own_database: TestDatabase, maintenance: Database
) -> None:
    _ingested(own_database, _OLD)
    with pytest.raises(SettingsError, match=r"encrypted under k1, which the keyring lacks"):
        _rewrap(maintenance, _NEW)
    with pytest.raises(SettingsError, match=r"k1 is another key"):
        _rewrap(maintenance, Keyring((_K2, ("k1", bytes(31) + b"x"))))
    with pytest.raises(SettingsError, match=r"under k1"):
        register_keyring(maintenance, None)
    assert own_database.run(access.OWNER, "SELECT kid FROM encryption_key_uses") == [("k1",)]


def test_what_cannot_be_read_is_named_and_left_and_keeps_its_key(
    own_database: TestDatabase, maintenance: Database
) -> None:
    stored = _ingested(own_database, _OLD)
    spoilt = stored[2][1]
    own_database.run(
        access.OWNER,
        "UPDATE reports SET raw_sealed = set_byte(raw_sealed, 14, get_byte(raw_sealed, 14) # 1)"
        " WHERE id = %s",
        (spoilt,),
    )
    outcome = _rewrap(maintenance, _BOTH)
    assert [(str(each.report_id), each.kid) for each in outcome.progress.unreadable] == [
        (spoilt, "k1")
    ]
    assert outcome.freed == []
    assert [(key.identity.kid, key.in_use) for key in outcome.left] == [("k1", False)]
    assert _kids(own_database) == [("k1", 1), ("k2", _WITH_RAW - 1), (None, 2)]
    with pytest.raises(SettingsError, match="under k1"):
        register_keyring(maintenance, _NEW)


def test_a_process_that_still_writes_under_the_old_key_keeps_it_until_it_stops(
    own_database: TestDatabase, maintenance: Database
) -> None:
    old_process = Database(own_database.url(access.APP), pool_size=2)
    stop = threading.Event()
    stored: list[str] = []
    with running_service(old_process, keyring=Keyring((_K1, _K2))) as service:
        callers = Callers(service)

        def write() -> None:
            while not stop.is_set():
                stored.append(callers.operator.ingest(_REPORTS[0])["id"])

        callers.operator.ingest(_REPORTS[0])
        writer = threading.Thread(target=write)
        writer.start()
        try:
            first = _rewrap(maintenance, _BOTH)
            while len(stored) < 20:
                stop.wait(0.01)
            second = _rewrap(maintenance, _BOTH)
        finally:
            stop.set()
            writer.join()
        callers.operator.ingest(_REPORTS[0])
        third = _rewrap(maintenance, _BOTH)
        for id in stored:
            assert callers.viewer.get(f"/reports/{id}").json["report"] == _REPORTS[0]
    runs = (first, second, third)
    assert sum(run.progress.by_kid["k1"] for run in runs) == len(stored) + 2
    assert (third.freed, third.left) == (["k1"], [])
    assert _kids(own_database) == [("k2", len(stored) + 2)]


def test_a_run_waits_for_a_report_that_is_being_stored_under_the_old_key(
    own_database: TestDatabase, maintenance: Database
) -> None:
    stored = _ingested(own_database, _OLD)
    app = Database(own_database.url(access.APP), pool_size=1)
    tenant = TenantId(stored[0][0])
    with ThreadPoolExecutor(1) as pool:
        with app.tenant_transaction(tenant) as tx:
            late = tx.new_report_id()
            sealed = Sealer(_OLD).seal(tenant, late, b"{}")
            insert_report(tx, new_report()._replace(raw=sealed), late)
            running = pool.submit(_rewrap, maintenance, _BOTH)
            with pytest.raises(TimeoutError):
                running.result(timeout=1)
        outcome = running.result(timeout=60)
    app.close()
    assert _changed(outcome) == ({"k1": _WITH_RAW + 1}, 0)
    assert (outcome.freed, outcome.left) == (["k1"], [])


def test_several_runs_at_once_lose_nothing_and_free_the_key(
    own_database: TestDatabase, maintenance: Database
) -> None:
    stored = _ingested(own_database, _OLD, times=5)
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda _: _rewrap(maintenance, _BOTH), range(3)))
    assert sum(outcome.progress.by_kid["k1"] for outcome in outcomes) == 5 * _WITH_RAW
    assert [outcome.freed for outcome in outcomes].count(["k1"]) >= 1
    register_keyring(maintenance, _NEW)
    assert _read(own_database, _NEW, stored) == stored


def test_reports_larger_than_a_chunk_are_taken_one_by_one(
    own_database: TestDatabase, maintenance: Database
) -> None:
    app = Database(own_database.url(access.APP), pool_size=2)
    with running_service(app, keyring=_OLD) as service:
        callers = Callers(service)
        bodies = [{"status": {}, "raw": {"log": letter * 5_000_000}} for letter in "abc"]
        ids = [callers.operator.ingest(body)["id"] for body in bodies]
    assert _changed(_rewrap(maintenance, _BOTH)) == ({"k1": 3}, 0)
    digests = own_database.run(access.OWNER, "SELECT id::text, sha256 FROM reports ORDER BY id")
    for (id, digest), body in zip(digests, bodies, strict=True):
        assert id in ids
        text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        assert bytes(digest) == hashlib.sha256(text).digest()  # type: ignore[call-overload]  # a memoryview


def test_two_rotations_in_a_row_leave_every_report_readable(
    own_database: TestDatabase, maintenance: Database
) -> None:
    stored = _ingested(own_database, _OLD)
    assert _rewrap(maintenance, _BOTH).freed == ["k1"]
    stored += _ingested(own_database, _NEW)
    assert _rewrap(maintenance, Keyring((_K3, _K2))).freed == ["k2"]
    only = Keyring((_K3,))
    register_keyring(maintenance, only)
    assert _read(own_database, only, stored) == stored
