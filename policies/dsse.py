"""DSSE v1 envelopes: what is signed, how it is written, and whether signatures are right.

Signs nothing and knows no key of its own: whoever calls brings signatures and public keys.
"""

import base64
import json
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

IN_TOTO: Final = "application/vnd.in-toto+json"


class EnvelopeError(ValueError):
    """What can't be read as an envelope; the message says why, and repeats nothing of it."""


class Verdict(StrEnum):
    """What becomes of one signature."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN_KEY = "unknown key"


@dataclass(frozen=True, slots=True)
class Signature:
    """`content` is 64 bytes for Ed25519."""

    key_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, the media type that says what it is, and its signatures."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed (DSSE v1, PAE): type and payload, each with its length before it."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope_text(envelope: Envelope) -> bytes:
    """The envelope as JSON, the same bytes for the same envelope, without a closing line break."""
    document = {
        "payloadType": envelope.payload_type,
        "payload": base64.b64encode(envelope.payload).decode("ascii"),
        "signatures": [
            {"keyid": one.key_id, "sig": base64.b64encode(one.content).decode("ascii")}
            for one in envelope.signatures
        ],
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def parse_envelope(content: bytes) -> Envelope:
    """Raises EnvelopeError. Members that DSSE doesn't know are passed over, as it asks for."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise EnvelopeError("it is not JSON") from None
    if not isinstance(document, dict):
        raise EnvelopeError("it is not a JSON object")
    signatures = document.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        raise EnvelopeError("signatures is not a list of at least one")
    return Envelope(
        _text(document, "payloadType"),
        _bytes(document, "payload"),
        tuple(_signature(each) for each in signatures),
    )


def check_signatures(
    envelope: Envelope, public_keys: Mapping[str, Ed25519PublicKey]
) -> tuple[tuple[str, Verdict], ...]:
    """Each signature's key id and verdict, in the envelope's order; `public_keys` go by key id.

    An envelope is worth something if one signature by a key that is trusted is right, and none is
    wrong.
    """
    message = pre_authentication_encoding(envelope.payload_type, envelope.payload)
    return tuple(
        (one.key_id, _verdict(one, message, public_keys.get(one.key_id)))
        for one in envelope.signatures
    )


def _verdict(signature: Signature, message: bytes, key: Ed25519PublicKey | None) -> Verdict:
    if key is None:
        return Verdict.UNKNOWN_KEY
    try:
        key.verify(signature.content, message)
    except InvalidSignature:
        return Verdict.WRONG
    return Verdict.RIGHT


def _signature(entry: object) -> Signature:
    if not isinstance(entry, dict):
        raise EnvelopeError("an entry of signatures is not an object")
    return Signature(_text(entry, "keyid"), _bytes(entry, "sig"))


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
        raise EnvelopeError(f"{name} is not a text of printable ASCII characters")
    return value


def _bytes(document: Mapping[str, Any], name: str) -> bytes:
    text = _text(document, name)
    try:
        content = base64.b64decode(text, validate=True)
    except Base64Error:
        raise EnvelopeError(f"{name} is not base64") from None
    # The decoder ignores the last character's spare bits: only one spelling is the right one.
    if base64.b64encode(content).decode("ascii") != text:
        raise EnvelopeError(f"{name} is not base64 as it is written")
    return content
