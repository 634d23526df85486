"""Encryption of `raw` at rest: AES-256-GCM, bound to the tenant, report, column and key.

Stored is a random nonce of 96 bits and the ciphertext with its tag. One key is good for 2^32
reports: beyond that two nonces of it could be the same.
"""

import itertools
import os
from typing import Final

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

from db.ids import ReportId, TenantId
from db.reports import SealedRaw
from handlers.errors import RawUnreadable
from handlers.sealing import RawSealer
from service.keyring import Keyring

_VERSION: Final = "collector sealed v1"
_COLUMN: Final = "reports.raw"
_PURPOSE: Final = b"collector raw encryption v1"
_NONCE_BYTES: Final = 12

_log = structlog.get_logger(__name__)


class Sealer(RawSealer):
    """Encrypts under the keyring's newest key and decrypts under any. Safe in several threads."""

    def __init__(self, keyring: Keyring) -> None:
        self._ciphers = {kid: AESGCM(keyring.derived(kid, _PURPOSE)) for kid in keyring.identities}
        self._newest = keyring.newest
        self._failures = itertools.count(1)

    @override
    def seal(self, tenant_id: TenantId, report_id: ReportId, raw: bytes) -> SealedRaw:
        kid = self._newest.kid
        nonce = os.urandom(_NONCE_BYTES)
        bound_to = _associated_data(tenant_id, report_id, kid)
        return SealedRaw(self._newest, nonce + self._ciphers[kid].encrypt(nonce, raw, bound_to))

    @override
    def open(self, tenant_id: TenantId, report_id: ReportId, kid: str, content: bytes) -> bytes:
        """Raises RawUnreadable, which names report and key alone, and so does the log."""
        cipher = self._ciphers.get(kid)
        if cipher is None:
            _log.error("encryption_key_missing", report_id=str(report_id), kid=kid)
            raise RawUnreadable(report_id, kid, "the keyring has no such key")
        nonce, ciphertext = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, ciphertext, _associated_data(tenant_id, report_id, kid))
        except (InvalidTag, ValueError):  # the latter for what is shorter than a nonce
            count = next(self._failures)
            _log.error("integrity_failure", report_id=str(report_id), kid=kid, count=count)
        raise RawUnreadable(report_id, kid, "it was altered, or belongs elsewhere")


def _associated_data(tenant_id: TenantId, report_id: ReportId, kid: str) -> bytes:
    """What the ciphertext is bound to, as a JSON array: no two of these read the same."""
    return orjson.dumps([_VERSION, tenant_id, report_id, _COLUMN, kid])
