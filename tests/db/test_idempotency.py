"""Idempotency keys: one effect however many try, and only successes are remembered."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from db import access, errors
from db.idempotency import Busy, Claimed, IdempotencyScope, Mismatch, Replay, claim, record
from db.ids import TenantId
from db.maintenance import delete_expired_idempotency_keys
from db.reports import ReportFilters, insert_report, list_reports
from db.session import Database
from tests.db.samples import new_report
from tests.support.database import TestDatabase

_SCOPE = IdempotencyScope("key-1", "ingest_report", "abc")
_REQUEST = b"1" * 32
_OTHER_REQUEST = b"2" * 32


def _ingest_once(app: Database, tenant: TenantId, request: bytes = _REQUEST) -> object:
    with app.tenant_transaction(tenant) as tx:
        outcome = claim(tx, _SCOPE, request)
        if isinstance(outcome, Claimed):
            record(tx, _SCOPE, request, 201, str(insert_report(tx, new_report()).id))
    return outcome


def _claim_number(app: Database, tenant: TenantId, number: int) -> object:
    scope = IdempotencyScope("key-1", "ingest_report", str(number))
    with app.tenant_transaction(tenant) as tx:
        outcome = claim(tx, scope, _REQUEST)
        if isinstance(outcome, Claimed):
            record(tx, scope, _REQUEST, 201, "")
    return outcome


def _stored(app: Database, tenant: TenantId) -> list[str]:
    with app.tenant_transaction(tenant, read_only=True) as tx:
        return [str(row.id) for row in list_reports(tx, ReportFilters(), after=None, limit=50)]


def test_the_second_request_replays_the_first_and_another_is_a_mismatch(
    app: Database, tenant: TenantId
) -> None:
    assert _ingest_once(app, tenant) == Claimed()
    (report_id,) = _stored(app, tenant)
    assert _ingest_once(app, tenant) == Replay(201, report_id)
    assert _ingest_once(app, tenant, _OTHER_REQUEST) == Mismatch()
    assert len(_stored(app, tenant)) == 1


@pytest.mark.parametrize(
    "other",
    [
        IdempotencyScope("key-2", "ingest_report", "abc"),
        IdempotencyScope("key-1", "create_export", "abc"),
        IdempotencyScope("key-1", "ingest_report", "abcd"),
    ],
)
def test_another_scope_is_another_key(
    app: Database, tenant: TenantId, other: IdempotencyScope
) -> None:
    _ingest_once(app, tenant)
    with app.tenant_transaction(tenant) as tx:
        assert claim(tx, other, _REQUEST) == Claimed()


def test_another_tenants_key_is_another_key(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    assert _ingest_once(app, tenant) == _ingest_once(app, other_tenant) == Claimed()


def test_a_key_at_work_elsewhere_is_busy_and_free_once_that_rolled_back(
    app: Database, tenant: TenantId
) -> None:
    def work_and_fail() -> None:
        with app.tenant_transaction(tenant) as tx:
            assert claim(tx, _SCOPE, _REQUEST) == Claimed()
            assert _ingest_once(app, tenant) == Busy()
            raise KeyError

    with pytest.raises(KeyError):
        work_and_fail()
    assert _ingest_once(app, tenant) == Claimed()


def test_eight_threads_with_one_key_have_exactly_one_effect(
    app: Database, tenant: TenantId
) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: _ingest_once(app, tenant), range(80)))
    (report_id,) = _stored(app, tenant)
    assert outcomes.count(Claimed()) == 1
    assert set(outcomes) <= {Claimed(), Busy(), Replay(201, report_id)}


def test_key_that_became_free_while_asked_for_is_replayed_and_never_a_conflict(
    app: Database, tenant: TenantId
) -> None:
    together = threading.Barrier(6)

    def claim_each(_: int) -> Counter[tuple[int, type]]:
        outcomes: Counter[tuple[int, type]] = Counter()
        try:
            for number in range(400):
                together.wait(timeout=30)
                for _again in range(2):
                    outcomes[number, type(_claim_number(app, tenant, number))] += 1
        except BaseException:
            # Else the others would wait for this thread.
            together.abort()
            raise
        return outcomes

    with ThreadPoolExecutor(6) as pool:
        outcomes = sum(pool.map(claim_each, range(6)), Counter())
    assert [outcomes[number, Claimed] for number in range(400)] == [1] * 400
    assert all(outcomes[number, Replay] >= 1 for number in range(400))


def test_an_effect_and_its_key_are_kept_together_or_not_at_all(
    app: Database, tenant: TenantId
) -> None:
    def remember_a_failure() -> None:
        with app.tenant_transaction(tenant) as tx:
            assert claim(tx, _SCOPE, _REQUEST) == Claimed()
            insert_report(tx, new_report())
            record(tx, _SCOPE, _REQUEST, 500, "")

    with pytest.raises(errors.ConstraintViolated):
        remember_a_failure()
    assert _stored(app, tenant) == []
    assert _ingest_once(app, tenant) == Claimed()


def test_recording_a_live_key_without_a_claim_is_a_conflict(
    app: Database, tenant: TenantId
) -> None:
    _ingest_once(app, tenant)
    with pytest.raises(errors.SerializationConflict), app.tenant_transaction(tenant) as tx:
        record(tx, _SCOPE, _OTHER_REQUEST, 201, "")


def test_a_key_is_forgotten_after_24_hours(own_database: TestDatabase) -> None:
    app = Database(own_database.url(access.APP))
    maintenance = Database(own_database.url(access.MAINTENANCE))
    tenant = TenantId("a")
    _ingest_once(app, tenant)
    own_database.run(
        access.OWNER,
        "UPDATE idempotency_keys SET created_at = created_at - interval '24 hours',"
        " expires_at = expires_at - interval '24 hours'",
    )
    assert _ingest_once(app, tenant, _OTHER_REQUEST) == Claimed()
    assert _ingest_once(app, tenant, _OTHER_REQUEST) != Claimed()
    assert delete_expired_idempotency_keys(maintenance) == 0
    own_database.run(
        access.OWNER,
        "INSERT INTO idempotency_keys SELECT 'b', 'k', 'op', n::text, sha256(''), 201, '',"
        " now() - interval '2 days', now() - interval '1 day' FROM generate_series(1, 25) AS n",
    )
    assert delete_expired_idempotency_keys(maintenance, chunk=10) == 25
    assert own_database.run(access.OWNER, "SELECT count(*) FROM idempotency_keys") == [(1,)]
    app.close()
    maintenance.close()
