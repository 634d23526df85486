"""Encryption of raw: what is sealed opens again, where it belongs, unaltered, and nowhere else."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ids import ReportId, TenantId, id_of_tick
from handlers.errors import RawUnreadable
from service.keyring import Keyring
from service.sealing import Sealer

_KEY, _OTHER = bytes(range(32)), bytes(32)
_SEALER = Sealer(Keyring((("k2", _KEY), ("k1", _OTHER))))
_TENANTS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True).map(TenantId)
_REPORTS = st.uuids().map(ReportId)
_REPORT = ReportId(UUID("0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"))


@given(_TENANTS, _REPORTS, st.binary(max_size=5000))
def test_what_is_sealed_under_any_key_of_the_ring_opens_again(
    tenant: TenantId, report: ReportId, raw: bytes
) -> None:
    sealed = _SEALER.seal(tenant, report, raw)
    assert sealed.key.kid == "k2"
    assert len(sealed.content) == len(raw) + 12 + 16
    rotated = Sealer(Keyring((("k3", bytes(31) + b"3"), ("k2", _KEY))))
    for sealer in (_SEALER, rotated):
        assert sealer.open(tenant, report, "k2", sealed.content) == raw


@given(st.binary(max_size=200), st.data())
def test_any_altered_byte_of_nonce_ciphertext_or_tag_fails(raw: bytes, data: st.DataObject) -> None:
    content = bytearray(_SEALER.seal(TenantId("a"), _REPORT, raw).content)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RawUnreadable):
        _SEALER.open(TenantId("a"), _REPORT, "k2", bytes(content))


@given(st.binary(max_size=200), st.data())
def test_anything_cut_off_or_added_fails(raw: bytes, data: st.DataObject) -> None:
    content = _SEALER.seal(TenantId("a"), _REPORT, raw).content
    cut = data.draw(st.integers(0, len(content) - 1))
    for other in (content[:cut], content[cut + 1 :], content + b"\0"):
        with pytest.raises(RawUnreadable):
            _SEALER.open(TenantId("a"), _REPORT, "k2", other)


@given(_TENANTS, _TENANTS, _REPORTS, _REPORTS)
def test_moved_to_another_tenant_report_or_key_it_fails(
    tenant: TenantId, other_tenant: TenantId, report: ReportId, other_report: ReportId
) -> None:
    content = _SEALER.seal(tenant, report, b"{}").content
    right = (tenant, report, "k2")
    for place in {
        (other_tenant, report, "k2"),
        (tenant, other_report, "k2"),
        (tenant, report, "k1"),
    }:
        if place != right:
            with pytest.raises(RawUnreadable):
                _SEALER.open(*place, content)


def test_the_same_key_under_another_id_does_not_open_it() -> None:
    twins = Sealer(Keyring((("k1", _KEY), ("k2", _KEY))))
    content = twins.seal(TenantId("a"), _REPORT, b"{}").content
    with pytest.raises(RawUnreadable):
        twins.open(TenantId("a"), _REPORT, "k2", content)


def test_equal_content_is_sealed_differently_each_time() -> None:
    sealed = {
        _SEALER.seal(TenantId("a"), _REPORT, b'{"a":1}').content[start:end]
        for _ in range(100)
        for start, end in [(0, 12), (12, None)]
    }
    assert len(sealed) == 200


def test_a_missing_key_is_named() -> None:
    content = _SEALER.seal(TenantId("a"), _REPORT, b"{}").content
    with pytest.raises(RawUnreadable, match=f"{_REPORT}.*k9.*no such key"):
        _SEALER.open(TenantId("a"), _REPORT, "k9", content)


def test_no_key_is_in_what_is_shown_of_keyring_and_sealer() -> None:
    ring = Keyring((("k2", b"hunter2" * 5), ("k1", _OTHER)))
    shown = repr(ring) + str(ring) + repr(Sealer(ring)) + repr(ring.newest)
    assert "hunter2" not in shown


def test_keys_for_different_purposes_differ_and_are_not_the_key() -> None:
    ring = Keyring((("k1", _KEY),))
    derived = {ring.derived("k1", b"a"), ring.derived("k1", b"b"), ring.newest.check_value, _KEY}
    assert len(derived) == 4


def test_sealing_takes_ids_as_transactions_make_them() -> None:
    report = id_of_tick(7)
    sealed = _SEALER.seal(TenantId("a"), report, b"{}")
    assert _SEALER.open(TenantId("a"), report, sealed.key.kid, sealed.content) == b"{}"
