"""Checking a bundle: each byte changed is found and named, and so is who did not sign it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from policies.attestation import ReportFacts, statement_text
from policies.bundle import (
    ATTESTATION,
    FILES,
    MANIFEST,
    MARKDOWN,
    REPORT,
    bundle_members,
    manifest_text,
    subjects,
)
from policies.bundle_check import Checked, check_attestation, check_bundle, check_subject
from policies.dsse import (
    IN_TOTO,
    Envelope,
    Signature,
    envelope_text,
    pre_authentication_encoding,
)
from policies.published_keys import PublishedKey, by_id, key_id_of
from policies.stored_zip import Member, archive_chunks

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_FACTS = ReportFacts("acme", "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11", _NOON, "info")
_TEXT, _PAGE = b'{"status":{"api":"pass"}}', b"# Quality report\n"
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
_KEYS = by_id([PublishedKey(_KEY.public_key())])


def _attestation(
    text: bytes = _TEXT, key: Ed25519PrivateKey = _KEY, payload_type: str = IN_TOTO
) -> bytes:
    payload = statement_text(_FACTS, json.loads(text), subjects(text, _PAGE), _NOON)
    signature = key.sign(pre_authentication_encoding(payload_type, payload))
    signed = (Signature(key_id_of(key.public_key()), signature),)
    return envelope_text(Envelope(payload_type, payload, signed))


def _members(text: bytes, page: bytes, attestation: bytes) -> tuple[Member, ...]:
    """A bundle's files with the manifest that goes with them."""
    files = (*subjects(text, page), Member(ATTESTATION, attestation))
    return bundle_members(text, page, manifest_text(_FACTS.report_id, files), attestation)


def _zipped(members: tuple[Member, ...]) -> bytes:
    return b"".join(archive_chunks(members))


_BUNDLE = _zipped(_members(_TEXT, _PAGE, _attestation()))


def _wrong(checked: Checked) -> dict[str, str]:
    return {each.subject: each.words for each in checked.findings if each.holds is False}


def test_bundle_as_it_was_made_holds_in_everything() -> None:
    checked = check_bundle(_BUNDLE, _KEYS)
    assert {each.subject: each.holds for each in checked.findings} == dict.fromkeys(
        ("archive", MANIFEST, "signature", REPORT, MARKDOWN), True
    )
    assert checked.statement is not None
    assert checked.statement.result == "PASSED"


def _owner(place: int) -> str:
    """Which file's content, or part of the archive, a byte of the bundle belongs to."""
    begin = 0
    for member in _members(_TEXT, _PAGE, _attestation()):
        begin += 30 + len(member.name)
        if begin <= place < begin + len(member.content):
            return member.name
        begin += len(member.content)
    return "archive"


@given(st.integers(0, len(_BUNDLE) - 1), st.integers(1, 255))
def test_any_byte_changed_is_found_and_named(place: int, change: int) -> None:
    changed = bytearray(_BUNDLE)
    changed[place] ^= change
    wrong = _wrong(check_bundle(bytes(changed), _KEYS))
    owner = _owner(place)
    if owner in FILES:
        # The file itself is named as wrong, or by the manifest as another than it tells of.
        assert owner in wrong or owner in wrong.get(MANIFEST, "")
    assert "archive" in wrong
    if owner in (REPORT, MARKDOWN):
        assert owner in wrong


@given(st.integers(0, len(_BUNDLE) - 1))
def test_bundle_cut_short_is_found(length: int) -> None:
    assert "archive" in _wrong(check_bundle(_BUNDLE[:length], _KEYS))


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        (_members(b'{"status":{"api":"fail"}}', _PAGE, _attestation()), {REPORT}),
        (_members(_TEXT, b"# All well\n", _attestation()), {MARKDOWN}),
        (_members(_TEXT, _PAGE, _attestation(key=_OTHER)), {"signature"}),
        (_members(_TEXT, _PAGE, _attestation(b'{"status":{}}')), {REPORT}),
        (_members(_TEXT, _PAGE, _attestation(payload_type="text/plain")), {ATTESTATION}),
        (_members(_TEXT, _PAGE, b"{}"), {ATTESTATION}),
    ],
    ids=["report", "page", "signer", "statement", "payload type", "no envelope"],
)
def test_forgery_with_a_fitting_manifest_and_archive_is_named_by_what_was_forged(
    members: tuple[Member, ...], wrong: set[str]
) -> None:
    assert _wrong(check_bundle(_zipped(members), _KEYS)).keys() == wrong


def test_signature_of_another_attestation_is_wrong() -> None:
    theirs, ours = json.loads(_attestation(b'{"status":{}}')), json.loads(_attestation())
    forged = json.dumps({**ours, "signatures": theirs["signatures"]}).encode()
    wrong = _wrong(check_bundle(_zipped(_members(_TEXT, _PAGE, forged)), _KEYS))
    assert "is not the one of key" in wrong["signature"]


def test_manifest_that_was_changed_alone_is_named() -> None:
    members = _members(_TEXT, _PAGE, _attestation())
    for change in (
        lambda text: text.replace(b"8b11", b"8b12"),
        lambda text: text.replace(b"collector-bundle/1", b"collector-bundle/2"),
        lambda text: text.replace(b'"size": 25', b'"size": 26'),
        lambda text: text + b"\n",
    ):
        changed = tuple(_with_manifest(member, change) for member in members)
        assert changed != members
        assert _wrong(check_bundle(_zipped(changed), _KEYS)).keys() == {MANIFEST}


def _with_manifest(member: Member, change: Callable[[bytes], bytes]) -> Member:
    if member.name != MANIFEST:
        return member
    return replace(member, content=change(member.content))


def test_without_keys_nobody_is_trusted_and_all_else_is_checked() -> None:
    checked = check_bundle(_BUNDLE, None)
    assert not _wrong(checked)
    assert [each.subject for each in checked.findings if each.holds is None] == ["signature"]
    assert "not among those given" in _wrong(check_bundle(_BUNDLE, {}))["signature"]


@pytest.mark.parametrize(
    ("begins", "ends", "holds"),
    [(None, 1, True), (0, 1, True), (None, 0, False), (1, None, False), (-2, -1, False)],
)
def test_retired_key_is_good_for_its_time_alone(
    begins: int | None, ends: int | None, holds: bool
) -> None:
    bounds = [None if each is None else _NOON + timedelta(hours=each) for each in (begins, ends)]
    keys = by_id([PublishedKey(_KEY.public_key(), *bounds)])
    [signature] = [
        each for each in check_bundle(_BUNDLE, keys).findings if each.subject == "signature"
    ]
    assert signature.holds is holds
    assert ("a retired key" in signature.words) is (holds and ends is not None)


def test_attestation_alone_is_checked_and_a_report_against_it() -> None:
    checked = check_attestation(_attestation(), _KEYS)
    assert not _wrong(checked)
    assert checked.statement is not None
    assert check_subject(REPORT, _TEXT, checked.statement).holds
    assert check_subject(REPORT, _TEXT + b" ", checked.statement).holds is False


@given(st.binary(max_size=200))
def test_any_bytes_are_checked_and_nothing_holds(content: bytes) -> None:
    assert _wrong(check_bundle(content, _KEYS))
    assert _wrong(check_attestation(content, _KEYS))
