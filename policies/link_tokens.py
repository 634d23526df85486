"""Tokens of links that need no key: a grant's row, signed. The same row and secret, the same text.

Whether a grant still holds, the database knows. A token is a secret: keep it nowhere; what may be
kept and shown of it is its fingerprint.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, get_args
from uuid import UUID

from itsdangerous import Signer

Purpose = Literal["bundle", "export"]

MAX_TOKEN_CHARACTERS: Final = 512
_VERSION: Final = 1
_SALT: Final = "collector link v1"


class ForeignToken(ValueError):
    """A token that none of the secrets has made: malformed, altered, or of another service."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a token stands for. `issued_at` and `expires_at` are whole seconds, UTC."""

    tenant_id: str
    object_id: UUID
    purpose: Purpose
    grant_id: UUID
    issued_at: datetime
    expires_at: datetime


class LinkTokens:
    """Makes tokens with the newest secret and reads those of any; `secrets` are newest first."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("tokens need at least one secret")
        self._signers = [
            Signer(secret, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)
            for secret in secrets
        ]

    def token(self, link: Link, fingerprint: bytes | None = None) -> str:
        """The token of a link; by the secret that `fingerprint` was made under, if it is known."""
        tokens = [signer.sign(_payload(link)).decode("ascii") for signer in self._signers]
        made = [token for token in tokens if fingerprint_of(token) == fingerprint]
        return (made or tokens)[0]

    def read(self, token: str) -> Link:
        """Raises ForeignToken, for another spelling of a token of ours too. Takes constant time."""
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise ForeignToken("the token is malformed")
        payload, presented = token.rpartition(".")[0], token.encode("ascii")
        # A whole token is compared, as a decoder would take other spellings of the same signature.
        matches = [hmac.compare_digest(signer.sign(payload), presented) for signer in self._signers]
        if not any(matches):
            raise ForeignToken("the token is none of this service's")
        return _link(payload)


def fingerprint_of(token: str) -> bytes:
    """SHA-256 of the token: names it to whoever has it, and tells nothing to anyone else."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _payload(link: Link) -> str:
    fields = [
        _VERSION,
        link.tenant_id,
        str(link.object_id),
        link.purpose,
        str(link.grant_id),
        int(link.issued_at.timestamp()),
        int(link.expires_at.timestamp()),
    ]
    text = json.dumps(fields, separators=(",", ":"))
    return urlsafe_b64encode(text.encode("ascii")).rstrip(b"=").decode("ascii")


def _link(payload: str) -> Link:
    """The link of a payload that was signed here, by this version or another."""
    try:
        fields = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        version, tenant_id, object_id, purpose, grant_id, issued, expires = fields
        if version != _VERSION or purpose not in get_args(Purpose):
            raise ForeignToken("the token is for something else")
        return Link(
            tenant_id, UUID(object_id), purpose, UUID(grant_id), _moment(issued), _moment(expires)
        )
    except ForeignToken:
        raise
    except (Base64Error, ValueError, TypeError, AttributeError, OverflowError):
        raise ForeignToken("the token is for something else") from None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
