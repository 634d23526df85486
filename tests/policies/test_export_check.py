"""Checking an export: each byte changed, cut or added is found, and the part it is in named."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.dsse import IN_TOTO
from policies.export_check import CheckedExport, check_export, check_manifest
from policies.export_manifest import ExportManifest, ManifestPart, manifest_text
from policies.findings import Keys
from policies.published_keys import PublishedKey, by_id
from tests.policies.exports import (
    EXPORT_ID,
    KEY,
    KEYS,
    NOON,
    OTHER_KEY,
    envelope_of,
    manifest_of,
    signed,
)

_PARTS = (b'{"id":1}\n{"id":2}\n', b"", b'{"id":3,"note":"\xc3\xa4"}\n', b"PAR1")
_FILE = b"".join(_PARTS)
_ENVELOPE = envelope_of(_PARTS)
_contents = st.lists(st.binary(max_size=40), min_size=1, max_size=6)


def _check(
    content: bytes, envelope: bytes = _ENVELOPE, keys: Keys | None = KEYS, step: int = 7
) -> CheckedExport:
    return check_export("export.ndjson", _pieces(content, step), envelope, keys)


def _pieces(content: bytes, step: int) -> Iterator[bytes]:
    for begin in range(0, len(content), step):
        yield content[begin : begin + step]


def _wrong(checked: CheckedExport) -> dict[str, str]:
    return {each.subject: each.words for each in checked.wrong}


def _part_of(parts: Sequence[bytes], place: int) -> int:
    """Which part, from 1, the byte at this place is in."""
    end = 0
    for number, part in enumerate(parts, 1):
        end += len(part)
        if place < end:
            return number
    raise AssertionError(place)


@given(_contents, st.integers(1, 50))
def test_export_as_it_was_made_holds_however_it_comes(parts: list[bytes], step: int) -> None:
    checked = _check(b"".join(parts), envelope_of(parts), step=step)
    assert [each.holds for each in checked.findings] == [True, True]
    assert checked.manifest == manifest_of(parts)


@given(_contents.filter(any), st.data())
def test_any_byte_of_the_file_changed_is_found_and_its_part_named(
    parts: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(b"".join(parts))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    wrong = _wrong(_check(bytes(content), envelope_of(parts), step=data.draw(st.integers(1, 50))))
    assert (
        f"the first part that differs is part {_part_of(parts, place)} of {len(parts)}"
        in (wrong["export.ndjson"])
    )


@given(_contents.filter(any), st.data())
def test_file_cut_short_is_found_and_told_where(parts: list[bytes], data: st.DataObject) -> None:
    content = b"".join(parts)
    size = data.draw(st.integers(0, len(content) - 1))
    told = _wrong(_check(content[:size], envelope_of(parts)))["export.ndjson"]
    assert f"it is cut short, {size} of {len(content)} bytes" in told
    assert f"it ends in part {_part_of(parts, size)} of {len(parts)}" in told


@given(_contents, st.binary(min_size=1, max_size=9))
def test_bytes_behind_the_end_are_found(parts: list[bytes], more: bytes) -> None:
    told = _wrong(_check(b"".join(parts) + more, envelope_of(parts)))["export.ndjson"]
    assert f"{len(more)} bytes stand behind its" in told


@given(st.integers(0, len(_ENVELOPE) - 1), st.integers(1, 255))
def test_any_byte_of_the_manifest_changed_is_refused(place: int, change: int) -> None:
    envelope = bytearray(_ENVELOPE)
    envelope[place] ^= change
    assert _wrong(_check(_FILE, bytes(envelope))).keys() & {"manifest", "signature"}


@given(st.integers(0, len(_ENVELOPE) - 1))
def test_manifest_cut_short_is_refused(size: int) -> None:
    assert _wrong(_check(_FILE, _ENVELOPE[:size])).keys() == {"manifest"}


@given(st.binary(min_size=1, max_size=9).filter(lambda more: bool(more.strip(b" \t\r\n"))))
def test_anything_but_white_space_behind_the_manifest_is_refused(more: bytes) -> None:
    assert _wrong(_check(_FILE, _ENVELOPE + more)).keys() == {"manifest"}


@given(_contents, _contents)
def test_manifest_of_another_export_is_refused(ours: list[bytes], theirs: list[bytes]) -> None:
    other = envelope_of(theirs, UUID(int=7))
    checked = _check(b"".join(ours), other)
    same = b"".join(ours) == b"".join(theirs)
    assert bool(_wrong(checked)) is not same
    # Of two exports with the same bytes the manifest tells which one it is of.
    assert checked.manifest is not None
    assert checked.manifest.export_id == UUID(int=7) != EXPORT_ID


@given(st.binary(max_size=200))
def test_any_bytes_are_checked_and_nothing_holds(content: bytes) -> None:
    assert _wrong(check_manifest(content, KEYS)).keys() == {"manifest"}


def test_payload_of_another_type_is_no_manifest_though_it_is_rightly_signed() -> None:
    payload = manifest_text(manifest_of(_PARTS))
    told = _wrong(_check(_FILE, signed(payload, payload_type=IN_TOTO)))["manifest"]
    assert "of another type" in told


def test_signature_by_another_key_is_named() -> None:
    forged = signed(manifest_text(manifest_of(_PARTS)), OTHER_KEY)
    assert "not among those given" in _wrong(_check(_FILE, forged))["signature"]


def test_without_keys_nobody_is_trusted_and_the_file_is_checked() -> None:
    checked = _check(_FILE, keys=None)
    assert [(each.subject, each.holds) for each in checked.findings] == [
        ("signature", None),
        ("export.ndjson", True),
    ]
    assert _wrong(_check(_FILE[:-1], keys=None)).keys() == {"export.ndjson"}


@pytest.mark.parametrize(("ends", "holds"), [(1, True), (0, False), (-1, False)])
def test_retired_key_is_good_for_what_was_finished_in_its_time(ends: int, holds: bool) -> None:
    until = NOON + timedelta(hours=ends)
    keys = by_id([PublishedKey(KEY.public_key(), valid_until=until)])
    assert ("signature" not in _wrong(_check(_FILE, keys=keys))) is holds


def _forged(manifest: ExportManifest) -> CheckedExport:
    return _check(_FILE, signed(manifest_text(manifest)))


def test_manifest_whose_parts_are_not_the_file_is_refused_though_it_is_rightly_signed() -> None:
    manifest = manifest_of(_PARTS)
    first, *others = manifest.parts
    for parts in (
        tuple(others),
        (first, *others, first),
        (replace(first, size=first.size + 1), *others),
        (replace(first, records=5), *others),
        (replace(first, offset=1), *others),
    ):
        assert _wrong(_forged(replace(manifest, parts=parts))).keys() == {"manifest"}


def test_whole_file_of_another_digest_than_its_parts_is_refused() -> None:
    forged = replace(manifest_of(_PARTS), sha256=hashlib.sha256(b"").hexdigest())
    assert "though its parts' are right" in _wrong(_forged(forged))["export.ndjson"]


def test_empty_part_of_another_digest_is_named() -> None:
    manifest = manifest_of((b"",))
    parts = (ManifestPart(0, 0, "0" * 64, 0),)
    checked = _check(b"", signed(manifest_text(replace(manifest, parts=parts))))
    assert "part 1 of 1, empty" in _wrong(checked)["export.ndjson"]
