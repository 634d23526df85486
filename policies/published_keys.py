"""Public signing keys with the time they sign in: read from PEM, published and read as JSON.

The published form is a JWK Set (RFC 7517, RFC 8037) with a few members more. Trusts nobody: where a
listing comes from is the reader's business.
"""

import base64
import hashlib
import json
import re
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

_BLOCK: Final = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]{1,64})-----[^-]*-----END (?P=label)-----", re.ASCII
)
_VALIDITY: Final = re.compile(r"^[ \t#]*valid-(from|until):[ \t]*(\S+)[ \t]*$", re.MULTILINE)


class PublishedKeysError(ValueError):
    """Keys that can't be read; the message names them by place."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """One public key; None for a bound that isn't known. One without `valid_until` signs now."""

    public_key: Ed25519PublicKey
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def key_id(self) -> str:
        return key_id_of(self.public_key)

    def covers(self, moment: datetime) -> bool:
        """Whether what was signed at this moment may be by this key."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_until is None or moment < self.valid_until
        )


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block of a PEM file, its label, and what the lines before it say of its validity."""

    label: str
    pem: str
    valid_from: datetime | None
    valid_until: datetime | None


def key_id_of(public_key: Ed25519PublicKey) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo in DER, in hexadecimal."""
    return hashlib.sha256(
        public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def pem_blocks(text: str) -> Iterator[PemBlock]:
    """The blocks of a PEM text, in order. Raises PublishedKeysError for a time that isn't one.

    A line `valid-from: 2026-11-20T08:00:00Z` or `valid-until: …` belongs to the next block. Line
    breaks may be written as `\\n`, for variables that can't hold any.
    """
    lines, end = text.replace("\\n", "\n"), 0
    for block in _BLOCK.finditer(lines):
        before = lines[end : block.start()]
        bounds = {name: _moment(value) for name, value in _VALIDITY.findall(before)}
        yield PemBlock(block["label"], block[0], bounds.get("from"), bounds.get("until"))
        end = block.end()


def public_keys_of_pem(text: str) -> tuple[PublishedKey, ...]:
    """Raises PublishedKeysError for a text without an Ed25519 public key, or with another block."""
    keys = []
    for place, block in enumerate(pem_blocks(text), start=1):
        try:
            key = load_pem_public_key(block.pem.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise PublishedKeysError(f"block {place} is no public key in PEM") from None
        if not isinstance(key, Ed25519PublicKey):
            raise PublishedKeysError(f"block {place} is no Ed25519 key")
        keys.append(PublishedKey(key, block.valid_from, block.valid_until))
    if not keys:
        raise PublishedKeysError("there is no public key in PEM")
    return tuple(keys)


def as_json(key: PublishedKey) -> dict[str, str | None]:
    """One entry of the published listing."""
    raw = key.public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    pem = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "kid": key.key_id,
        "status": "current" if key.valid_until is None else "retired",
        "valid_from": _text(key.valid_from),
        "valid_until": _text(key.valid_until),
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
        "pem": pem.decode(),
    }


def read_keys(content: bytes) -> tuple[PublishedKey, ...]:
    """The keys of a listing, or of a PEM file. Raises PublishedKeysError."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise PublishedKeysError("it is neither JSON nor PEM") from None
    if "-----BEGIN" in text and not text.lstrip().startswith("{"):
        return public_keys_of_pem(text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise PublishedKeysError("it is neither JSON nor PEM") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise PublishedKeysError("it has no list `keys`")
    return tuple(_read(entry, place) for place, entry in enumerate(entries, start=1))


def by_id(keys: Iterable[PublishedKey]) -> dict[str, PublishedKey]:
    return {key.key_id: key for key in keys}


def _read(entry: object, place: int) -> PublishedKey:
    if not isinstance(entry, dict) or (entry.get("kty"), entry.get("crv")) != ("OKP", "Ed25519"):
        raise PublishedKeysError(f"key {place} is no Ed25519 key")
    fields = cast(dict[str, Any], entry)
    try:
        raw = base64.urlsafe_b64decode(fields["x"] + "=")
        public_key = Ed25519PublicKey.from_public_bytes(raw)
    except (KeyError, TypeError, ValueError, Base64Error):
        raise PublishedKeysError(f"key {place}: x is no Ed25519 public key") from None
    key = PublishedKey(
        public_key, _optional(fields.get("valid_from")), _optional(fields.get("valid_until"))
    )
    if fields.get("kid") != key.key_id:
        raise PublishedKeysError(f"key {place}: kid is not the key's own")
    return key


def _optional(value: object) -> datetime | None:
    return None if value is None else _moment(str(value))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise PublishedKeysError("a time of validity must be written like 2026-11-20T08:00:00Z")
    return moment.astimezone(UTC)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
