"""Manifests of exports: read back as written, and refused with any byte changed."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from policies.dsse import (
    Envelope,
    EnvelopeError,
    Signature,
    Verdict,
    check_signatures,
    envelope_text,
    parse_envelope,
    pre_authentication_encoding,
)
from policies.export_manifest import (
    PAYLOAD_TYPE,
    ExportManifest,
    ManifestError,
    ManifestPart,
    manifest_text,
    read_manifest,
)
from policies.published_keys import key_id_of

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_KEYS = {key_id_of(_KEY.public_key()): _KEY.public_key()}
_moments = st.datetimes(datetime(2000, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))
_texts = st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def _manifests(draw: st.DrawFn) -> ExportManifest:
    parts, offset = [], 0
    for size, records in draw(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 9)))):
        digest = hashlib.sha256(draw(st.binary(max_size=4))).hexdigest()
        parts.append(ManifestPart(offset, size, digest, records))
        offset += size
    return ExportManifest(
        tenant_id=draw(_texts),
        export_id=draw(st.uuids()),
        contract_version="0.4.0",
        created_at=draw(_moments),
        finished_at=draw(_moments),
        created_by=draw(_texts),
        since=draw(_moments),
        until=draw(_moments),
        first_id=draw(st.uuids()),
        end_id=draw(st.uuids()),
        severities=("warn", "block"),
        format=draw(st.sampled_from(["ndjson", "csv", "parquet"])),
        compression="gzip",
        include_raw=draw(st.booleans()),
        file_name="qc-reports.ndjson.gz",
        records=sum(part.records for part in parts),
        size=offset,
        sha256=hashlib.sha256(b"").hexdigest(),
        parts=tuple(parts),
    )


@given(_manifests())
def test_manifest_is_read_back_as_it_was_written(manifest: ExportManifest) -> None:
    assert read_manifest(manifest_text(manifest)) == manifest


@given(_manifests(), st.data())
def test_signed_manifest_with_any_byte_changed_is_refused(
    manifest: ExportManifest, data: st.DataObject
) -> None:
    text = manifest_text(manifest)
    message = pre_authentication_encoding(PAYLOAD_TYPE, text)
    signature = Signature(key_id_of(_KEY.public_key()), _KEY.sign(message))
    content = bytearray(envelope_text(Envelope(PAYLOAD_TYPE, text, (signature,))))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        envelope = parse_envelope(bytes(content))
    except EnvelopeError:
        return
    verdicts = {verdict for _, verdict in check_signatures(envelope, _KEYS)}
    assert verdicts != {Verdict.RIGHT} or envelope.payload_type != PAYLOAD_TYPE


@pytest.mark.parametrize(
    "wrong",
    [
        (b'"offset": 5', b'"offset": 4'),
        (b'"version": 1', b'"version": 2'),
        (b'"records": 3', b'"records": 4'),
        (b'"version": 1,', b'"version": 1, "more": 1,'),
        (b'"version": 1', b'"version": NaN'),
        (b"2026-01-01T00:00:00.000000Z", b"2026-01-01T00:00:00.000000"),
    ],
)
def test_manifest_that_contradicts_itself_is_refused(wrong: tuple[bytes, bytes]) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    digest = hashlib.sha256(b"").hexdigest()
    manifest = ExportManifest(
        tenant_id="acme",
        export_id=UUID(int=1),
        contract_version="0.4.0",
        created_at=moment,
        finished_at=moment,
        created_by="key-1",
        since=moment,
        until=moment,
        first_id=UUID(int=1),
        end_id=UUID(int=2),
        severities=("info",),
        format="ndjson",
        compression="none",
        include_raw=False,
        file_name="x.ndjson",
        records=3,
        size=9,
        sha256=digest,
        parts=(ManifestPart(0, 5, digest, 1), ManifestPart(5, 4, digest, 2)),
    )
    text = manifest_text(manifest)
    assert wrong[0] in text
    with pytest.raises(ManifestError):
        read_manifest(text.replace(*wrong, 1))
