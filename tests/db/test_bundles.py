"""What is frozen of a bundle, and grants of links: whose they are, and what becomes of them."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db import errors
from db.bundles import (
    FrozenBundle,
    freeze_bundle,
    get_bundle,
    lock_signing,
    look_up_summary,
)
from db.ids import ReportId, TenantId
from db.link_grants import (
    GrantRow,
    get_grant,
    insert_grant,
    list_grants,
    live_grant,
    new_grant_id,
    revoke_grants,
)
from db.reports import insert_report
from db.session import Database
from tests.db.samples import new_report

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_BUNDLE = FrozenBundle(_NOON, "kid", b"page", b"manifest", b"attestation", 9, bytes(32))
_ABSENT = ReportId(UUID("0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"))


def _stored(app: Database, tenant: TenantId) -> ReportId:
    with app.tenant_transaction(tenant) as tx:
        return insert_report(tx, new_report()).id


def _grant(object_id: UUID, key_id: str = "key-1", *, ends: datetime | None = None) -> GrantRow:
    issued = datetime.now(UTC).replace(microsecond=0)
    ends = ends or issued + timedelta(hours=1)
    begins = min(issued, ends - timedelta(hours=1))
    return GrantRow(
        new_grant_id(issued), "bundle", object_id, key_id, "operator", begins, ends, bytes(32)
    )


def test_frozen_bundle_is_read_back_and_can_not_be_frozen_again(
    app: Database, tenant: TenantId
) -> None:
    report_id = _stored(app, tenant)
    with app.tenant_transaction(tenant) as tx:
        before = lock_signing(tx, report_id)
        freeze_bundle(tx, report_id, _BUNDLE)
        after = lock_signing(tx, report_id)
        assert get_bundle(tx, report_id) == _BUNDLE
    assert (before.exists, before.is_signed, after.is_signed) == (True, False, True)
    with pytest.raises(errors.DatabaseError), app.tenant_transaction(tenant) as tx:
        freeze_bundle(tx, report_id, replace(_BUNDLE, markdown=b"other"))


def test_summary_tells_a_report_without_a_bundle_from_none(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    report_id = _stored(app, tenant)
    unsigned = look_up_summary(app, tenant, report_id)
    assert unsigned is not None
    assert (unsigned.sha256, unsigned.manifest) == (None, None)
    with app.tenant_transaction(tenant) as tx:
        freeze_bundle(tx, report_id, _BUNDLE)
    signed = look_up_summary(app, tenant, report_id)
    assert signed is not None
    assert (signed.sha256, signed.size, signed.manifest) == (bytes(32), 9, b"manifest")
    assert look_up_summary(app, tenant, _ABSENT) is None
    assert look_up_summary(app, other_tenant, report_id) is None


def test_another_tenant_finds_neither_report_nor_bundle_nor_grant(
    app: Database, tenant: TenantId, other_tenant: TenantId
) -> None:
    report_id = _stored(app, tenant)
    grant = _grant(report_id)
    with app.tenant_transaction(tenant) as tx:
        freeze_bundle(tx, report_id, _BUNDLE)
        insert_grant(tx, grant)
    with app.tenant_transaction(other_tenant) as tx:
        state = lock_signing(tx, report_id)
        assert (state.exists, state.is_signed) == (False, False)
        assert get_bundle(tx, report_id) is None
        assert get_grant(tx, grant.id) is None
        assert list_grants(tx, "bundle", report_id, before=None, limit=5) == []
        assert revoke_grants(tx, "bundle", report_id, "key-2") == 0
    with app.tenant_transaction(tenant) as tx:
        assert get_grant(tx, grant.id) == grant


def test_who_signs_waits_for_the_one_who_signs_already(app: Database, tenant: TenantId) -> None:
    report_id = _stored(app, tenant)
    began, seen = threading.Event(), []

    def second() -> None:
        with app.tenant_transaction(tenant) as tx:
            began.set()
            seen.append(lock_signing(tx, report_id).is_signed)

    with app.tenant_transaction(tenant) as tx:
        lock_signing(tx, report_id)
        thread = threading.Thread(target=second)
        thread.start()
        began.wait(10)
        freeze_bundle(tx, report_id, _BUNDLE)
        assert seen == []
    thread.join(10)
    assert seen == [True]


def test_live_grant_is_the_keys_own_neither_expired_nor_revoked(
    app: Database, tenant: TenantId
) -> None:
    report_id = _stored(app, tenant)
    now = datetime.now(UTC)
    expired = _grant(report_id, ends=now.replace(microsecond=0) - timedelta(seconds=1))
    own, others = _grant(report_id), _grant(report_id, "key-2")
    with app.tenant_transaction(tenant) as tx:
        for grant in (expired, others):
            insert_grant(tx, grant)
        assert live_grant(tx, "bundle", report_id, "key-1", now) is None
        insert_grant(tx, own)
        assert live_grant(tx, "bundle", report_id, "key-1", now) == own
        assert revoke_grants(tx, "bundle", report_id, "key-2") == 2
        assert live_grant(tx, "bundle", report_id, "key-1", now) is None
        assert revoke_grants(tx, "bundle", report_id, "key-2") == 0
        revoked = get_grant(tx, own.id)
        left = get_grant(tx, expired.id)
    assert revoked is not None
    assert revoked.revoked_by == "key-2"
    assert left == expired


def test_grants_are_listed_newest_first_page_by_page(app: Database, tenant: TenantId) -> None:
    report_id = _stored(app, tenant)
    grants = [_grant(report_id) for _ in range(3)]
    newest_first = sorted(grants, key=lambda grant: grant.id, reverse=True)
    with app.tenant_transaction(tenant) as tx:
        for grant in grants:
            insert_grant(tx, grant)
        first = list_grants(tx, "bundle", report_id, before=None, limit=2)
        rest = list_grants(tx, "bundle", report_id, before=first[-1].id, limit=2)
    assert [*first, *rest] == newest_first
