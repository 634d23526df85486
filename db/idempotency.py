"""Remembers what an Idempotency-Key did, in the transaction that did it, for 24 hours.

Stores a reference from which the caller builds the answer again; the answer itself only where
nothing else keeps what is in it, and then compressed.
"""

import zlib
from dataclasses import dataclass
from typing import Final

from db import errors
from db.advisory_locks import lock_number
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class IdempotencyScope:
    """Whose key it is, and for which operation; the tenant is the transaction's."""

    key_id: str
    operation: str
    key: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """The key is new: have the effect, then `record` it in the same transaction."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The same request was answered already; `reference` says with what, unless `answer` does."""

    status: int
    reference: str
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Another transaction is at work under this key."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used for another request."""


# Two statements in one round trip, because the second needs a snapshot younger than the lock: a
# row committed between a single statement's snapshot and its lock would stay unseen.
_CLAIM: Final = """
SELECT set_config('app.claimed', pg_try_advisory_xact_lock(%(lock)s)::text, true);
SELECT current_setting('app.claimed')::boolean, known.request_sha256, known.status, known.reference,
       known.answer
  FROM (SELECT 1) AS always
  LEFT JOIN idempotency_keys AS known
    ON known.key_id = %(key_id)s AND known.operation = %(operation)s AND known.key = %(key)s
   AND known.expires_at > clock_timestamp()
"""
_RECORD: Final = """
INSERT INTO idempotency_keys AS known (
  tenant_id, key_id, operation, key, request_sha256, status, reference, answer, created_at,
  expires_at)
VALUES (%(tenant_id)s, %(key_id)s, %(operation)s, %(key)s, %(request_sha256)s, %(status)s,
        %(reference)s, %(answer)s, now(), now() + interval '24 hours')
ON CONFLICT (tenant_id, key_id, operation, key) DO UPDATE
   SET request_sha256 = EXCLUDED.request_sha256, status = EXCLUDED.status,
       reference = EXCLUDED.reference, answer = EXCLUDED.answer, created_at = EXCLUDED.created_at,
       expires_at = EXCLUDED.expires_at
 WHERE known.expires_at <= clock_timestamp()
"""


# Of ids and the same few words again and again: more effort gains next to nothing.
_FAST: Final = 1


def claim(
    tx: Transaction, scope: IdempotencyScope, request_sha256: bytes
) -> Claimed | Replay | Busy | Mismatch:
    """Take the key for this transaction, or say what stands in the way; never waits."""
    row = tx.row(
        _CLAIM,
        {
            "lock": _lock_number(tx, scope),
            "key_id": scope.key_id,
            "operation": scope.operation,
            "key": scope.key,
        },
    )
    if row is None:
        raise AssertionError("a query without conditions answered no row")
    locked, known_sha256, status, reference, answer = row
    if known_sha256 is not None:
        same = bytes(known_sha256) == request_sha256
        if not same:
            return Mismatch()
        return Replay(status, reference, None if answer is None else zlib.decompress(answer))
    return Claimed() if locked else Busy()


def record(
    tx: Transaction,
    scope: IdempotencyScope,
    request_sha256: bytes,
    status: int,
    reference: str,
    answer: bytes | None = None,
) -> None:
    """Remember a success (2xx) under a key that `claim` gave to this transaction."""
    remembered = tx.changed_rows(
        _RECORD,
        {
            "tenant_id": tx.tenant_id,
            "key_id": scope.key_id,
            "operation": scope.operation,
            "key": scope.key,
            "request_sha256": request_sha256,
            "status": status,
            "reference": reference,
            "answer": None if answer is None else zlib.compress(answer, _FAST),
        },
    )
    if remembered != 1:
        raise errors.SerializationConflict


def _lock_number(tx: Transaction, scope: IdempotencyScope) -> int:
    return lock_number("idempotency", tx.tenant_id, scope.key_id, scope.operation, scope.key)
