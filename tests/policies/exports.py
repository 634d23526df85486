"""Exports as tests of the checker get them: bytes in parts, and a signed manifest over these."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.dsse import Envelope, Signature, envelope_text, pre_authentication_encoding
from policies.export_manifest import PAYLOAD_TYPE, ExportManifest, ManifestPart, manifest_text
from policies.published_keys import PublishedKey, by_id, key_id_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEYS = by_id([PublishedKey(KEY.public_key())])
EXPORT_ID = UUID("0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b21")


def manifest_of(contents: Sequence[bytes], export_id: UUID = EXPORT_ID) -> ExportManifest:
    """Over a file of these parts, each of as many reports as it has line breaks."""
    parts, offset = [], 0
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        parts.append(ManifestPart(offset, len(content), digest, content.count(b"\n")))
        offset += len(content)
    whole = b"".join(contents)
    return ExportManifest(
        tenant_id="acme",
        export_id=export_id,
        contract_version="0.4.0",
        created_at=NOON - timedelta(minutes=1),
        finished_at=NOON,
        created_by="audit-desk",
        since=NOON - timedelta(days=7),
        until=NOON - timedelta(minutes=1),
        first_id=UUID(int=1),
        end_id=UUID(int=2),
        severities=("info", "warn", "block"),
        format="ndjson",
        compression="none",
        include_raw=False,
        file_name=f"qc-reports-{export_id}.ndjson",
        records=whole.count(b"\n"),
        size=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
        parts=tuple(parts),
    )


def signed(payload: bytes, key: Ed25519PrivateKey = KEY, payload_type: str = PAYLOAD_TYPE) -> bytes:
    signature = key.sign(pre_authentication_encoding(payload_type, payload))
    by = (Signature(key_id_of(key.public_key()), signature),)
    return envelope_text(Envelope(payload_type, payload, by))


def envelope_of(contents: Sequence[bytes], export_id: UUID = EXPORT_ID) -> bytes:
    return signed(manifest_text(manifest_of(contents, export_id)))
