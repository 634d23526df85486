"""Which encryption keys reports are sealed under: a register that is never behind the reports.

Whoever stores something sealed registers its key in the same statement, which costs the look-up of
one row. Taking a key off the register takes three steps, and is safe beside writers and when
killed at any point:

1. `begin_emptying` turns the key's entry into one of this run. After its commit a writer makes an
   entry anew; whoever relied on the old one is among `writers_at_work`, and must be waited for.
2. Everything under the key is sealed again under another.
3. `finish_emptying` takes off the entry of this run alone.

A later run takes over the entries of earlier ones, which then finish without taking anything off.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.transaction import Transaction

_IN_USE: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """A key by its id. `check_value` tells two keys of one id apart, and nothing else of them."""

    kid: str
    check_value: bytes


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A key that anything may be sealed under. `in_use` means that it was written with after the
    last run began to empty it.
    """

    identity: KeyIdentity
    in_use: bool
    since: datetime


# For the WITH clause of what stores something sealed, with the parameters of `key_parameters`.
REGISTER_KEY: Final = f"""
  INSERT INTO encryption_key_uses (kid, emptied_by, check_value, since)
  VALUES (%(raw_kid)s, '{_IN_USE}', %(raw_key_check)s, clock_timestamp())
  ON CONFLICT (kid, emptied_by) DO NOTHING
"""  # noqa: S608 - a constant
_REGISTERED: Final = """
SELECT kid, check_value, bool_or(emptied_by = %(in_use)s), min(since)
  FROM encryption_key_uses GROUP BY kid, check_value ORDER BY kid
"""
# Whoever looks for its entry holds this lock from before the look until its end.
_WRITERS: Final = """
SELECT virtualtransaction FROM pg_locks
 WHERE locktype = 'relation' AND relation = 'public.encryption_key_uses'::regclass
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND mode = 'RowExclusiveLock'
"""
_BEGIN: Final = """
WITH taken AS (
  DELETE FROM encryption_key_uses WHERE kid <> %(newest)s RETURNING kid, check_value, since
)
INSERT INTO encryption_key_uses (kid, emptied_by, check_value, since)
SELECT DISTINCT ON (kid) kid, %(run)s, check_value, since FROM taken ORDER BY kid, since
RETURNING kid
"""
_FINISH: Final = """
DELETE FROM encryption_key_uses WHERE kid = ANY (%(kids)s) AND emptied_by = %(run)s RETURNING kid
"""


def key_parameters(key: KeyIdentity) -> dict[str, object]:
    return {"raw_kid": key.kid, "raw_key_check": key.check_value}


def registered_keys(tx: Transaction) -> list[RegisteredKey]:
    """Return the keys that anything may be sealed under, by id."""
    return [
        RegisteredKey(KeyIdentity(kid, bytes(check)), in_use, since)
        for kid, check, in_use, since in tx.rows(_REGISTERED, {"in_use": _IN_USE})
    ]


def register_key(tx: Transaction, key: KeyIdentity) -> None:
    """Register a key ahead of its first use, for others to compare theirs with."""
    tx.rows(REGISTER_KEY, key_parameters(key))


def begin_emptying(tx: Transaction, newest: str, run: UUID) -> list[str]:
    """Make every key's entry but the newest's one of this run; return their ids."""
    return sorted(row[0] for row in tx.rows(_BEGIN, {"newest": newest, "run": run}))


def writers_at_work(tx: Transaction) -> set[str]:
    """Return which transactions may have stored something sealed and not ended yet."""
    return {row[0] for row in tx.rows(_WRITERS)}


def finish_emptying(tx: Transaction, kids: Iterable[str], run: UUID) -> list[str]:
    """Take the entries of this run off the register; return the ids whose entry that was."""
    return sorted(row[0] for row in tx.rows(_FINISH, {"kids": list(kids), "run": run}))
