"""Page tokens: a cursor bound to the operation, tenant and filters it was made for.

A token is no secret and grants nothing: its cursor can be read and its digest computed by
anyone. The binding catches a token used with another list; access control stands elsewhere.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from typing import Final

MAX_CURSOR_BYTES: Final = 512

_VERSION: Final = b"\x01"
_DIGEST_BYTES: Final = 16
_HEADER_BYTES: Final = len(_VERSION) + _DIGEST_BYTES
MAX_TOKEN_CHARACTERS: Final = -(-(_HEADER_BYTES + MAX_CURSOR_BYTES) * 4 // 3)


class ForeignPageToken(ValueError):
    """A page token that wasn't made for this list: malformed, altered, or of another one."""


def seal(operation_id: str, tenant_id: str, filters_canonical: str, cursor: str) -> str:
    """Return the page token of `cursor`: URL-safe, the same for the same arguments.

    Raises ValueError for a cursor over 512 bytes of UTF-8.
    """
    body = cursor.encode("utf-8")
    if len(body) > MAX_CURSOR_BYTES:
        raise ValueError(f"a cursor has at most {MAX_CURSOR_BYTES} bytes, this one {len(body)}")
    digest = _digest(operation_id, tenant_id, filters_canonical, body)
    return urlsafe_b64encode(_VERSION + digest + body).rstrip(b"=").decode("ascii")


def unseal(operation_id: str, tenant_id: str, filters_canonical: str, token: str) -> str:
    """Return the cursor of a token that `seal` made from the same arguments.

    Raises ForeignPageToken for anything else, another spelling of the same bytes included.
    """
    opened = _decode(token)
    digest, body = opened[len(_VERSION) : _HEADER_BYTES], opened[_HEADER_BYTES:]
    expected = _digest(operation_id, tenant_id, filters_canonical, body)
    if not opened.startswith(_VERSION) or not hmac.compare_digest(digest, expected):
        raise ForeignPageToken("the page token was not made for this list")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise ForeignPageToken("the page token is malformed") from None


def _decode(token: str) -> bytes:
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        raise ForeignPageToken("the page token is malformed")
    try:
        opened = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except Base64Error:
        raise ForeignPageToken("the page token is malformed") from None
    # The decoder skips foreign characters and ignores trailing bits: only one spelling is ours.
    if urlsafe_b64encode(opened).rstrip(b"=").decode("ascii") != token:
        raise ForeignPageToken("the page token is malformed")
    return opened


def _digest(operation_id: str, tenant_id: str, filters_canonical: str, cursor: bytes) -> bytes:
    """Hash the parts, each with its length before it so that none can run into the next."""
    parts = [
        part.encode("utf-8", "surrogatepass")
        for part in (operation_id, tenant_id, filters_canonical)
    ]
    digest = sha256(b"page token" + _VERSION)
    for part in (*parts, cursor):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()[:_DIGEST_BYTES]
