"""Encrypts every report's raw under the newest key: what is under an older one, or in clear.

A walk over all reports in short transactions. Killed at any point it has lost nothing; the next run
passes over what is done. Safe beside running services, and beside itself.
"""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from db.errors import LockUnavailable
from db.key_uses import (
    RegisteredKey,
    begin_emptying,
    finish_emptying,
    registered_keys,
    writers_at_work,
)
from db.reports import SealedRaw
from db.resealing import (
    BEFORE_ALL,
    Place,
    RawState,
    StoredRaw,
    clear_raw_begins,
    read_for_resealing,
    store_resealed,
    store_sealed_clear,
    walk,
)
from db.session import Database
from db.transaction import Transaction
from handlers.errors import RawUnreadable
from service.key_register import register_keyring
from service.keyring import Keyring
from service.sealing import Sealer

_PAGE: Final = 1000
_CHUNK_REPORTS: Final = 500
_CHUNK_BYTES: Final = 8 * 1024 * 1024
# A batch is one transaction, and may take its time.
_WRITERS_SECONDS: Final = 600.0
_WRITERS_LOOK_SECONDS: Final = 0.1
# Only to find where a value ends: its numbers needn't be read.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str)


@dataclass(slots=True)
class Progress:
    """Reports so far, or those that a dry run would change: `by_kid` under older keys."""

    checked: int = 0
    by_kid: Counter[str] = field(default_factory=Counter)
    in_clear: int = 0
    unreadable: list[RawUnreadable] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return self.by_kid.total() + self.in_clear


@dataclass(frozen=True, slots=True)
class Outcome:
    """`freed` are the ids of keys that nothing is under any more; `left` older keys registered."""

    progress: Progress
    freed: list[str]
    left: list[RegisteredKey]


class Rewrap:
    """One run. `tell` is called after each page."""

    def __init__(
        self, database: Database, keyring: Keyring, tell: Callable[[Progress], None]
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._newest = keyring.newest.kid
        self._sealer = Sealer(keyring)
        self._tell = tell
        self._progress = Progress()

    def count(self) -> Progress:
        """What a run would change. Changes nothing."""
        for page in self._pages():
            for state in self._outdated(page):
                self._count(state.kid)
        return self._progress

    def run(self) -> Outcome:
        """Raises SettingsError for a keyring that lacks a key, DatabaseError."""
        register_keyring(self._database, self._keyring)
        run = uuid.uuid4()
        emptying = self._begin_emptying(run)
        for page in self._pages():
            for chunk in _chunks(self._outdated(page)):
                with self._database.system_transaction() as tx:
                    self._reseal(tx, [state.place for state in chunk])
        # What can't be read stays under its key, which therefore stays on the register.
        stuck = {unreadable.kid for unreadable in self._progress.unreadable}
        with self._database.system_transaction() as tx:
            finish_emptying(tx, set(emptying) - stuck, run)
            left = [key for key in registered_keys(tx) if key.identity.kid != self._newest]
        freed = sorted(set(emptying) - {key.identity.kid for key in left})
        return Outcome(self._progress, freed, left)

    def _begin_emptying(self, run: uuid.UUID) -> list[str]:
        with self._database.system_transaction() as tx:
            emptying = begin_emptying(tx, self._newest, run)
        relying = self._writers()
        give_up = time.monotonic() + _WRITERS_SECONDS
        while relying:
            if time.monotonic() > give_up:
                raise LockUnavailable(
                    f"A transaction has been storing reports for {_WRITERS_SECONDS:.0f} s; see "
                    "that it ends, then run this again."
                )
            time.sleep(_WRITERS_LOOK_SECONDS)
            relying &= self._writers()
        return emptying

    def _writers(self) -> set[str]:
        with self._database.system_transaction(read_only=True) as tx:
            return writers_at_work(tx)

    def _pages(self) -> Iterator[list[RawState]]:
        after = BEFORE_ALL
        while True:
            with self._database.system_transaction(read_only=True) as tx:
                page = walk(tx, after, _PAGE)
            if not page:
                return
            yield page
            after = page[-1].place
            self._progress.checked += len(page)
            self._tell(self._progress)

    def _outdated(self, page: Sequence[RawState]) -> list[RawState]:
        return [state for state in page if state.in_clear or state.kid not in (None, self._newest)]

    def _reseal(self, tx: Transaction, places: Sequence[Place]) -> None:
        resealed: list[tuple[Place, SealedRaw]] = []
        from_clear: list[tuple[Place, SealedRaw]] = []
        texts: list[str] = []
        changed: list[str | None] = []
        for stored in read_for_resealing(tx, places):
            if stored.kid == self._newest:
                continue  # another run was here in between
            raw = self._opened(stored)
            if raw is None:
                continue
            sealed = self._sealer.seal(stored.place.tenant_id, stored.place.report_id, raw)
            if stored.kid is None:
                from_clear.append((stored.place, sealed))
                texts.append(raw.decode())
            else:
                resealed.append((stored.place, sealed))
            changed.append(stored.kid)
        done = store_resealed(tx, resealed) + store_sealed_clear(tx, from_clear, texts)
        if done != len(changed):
            raise AssertionError(f"{len(changed)} reports were locked, {done} could be changed")
        for kid in changed:
            self._count(kid)

    def _opened(self, stored: StoredRaw) -> bytes | None:
        """The text of raw; None if it can't be read, which is noted, or isn't there."""
        if stored.kid is None or stored.content is None:
            return _clear_raw(stored.document or "")
        place = stored.place
        try:
            return self._sealer.open(place.tenant_id, place.report_id, stored.kid, stored.content)
        except RawUnreadable as error:
            self._progress.unreadable.append(error)
            return None

    def _count(self, kid: str | None) -> None:
        if kid is None:
            self._progress.in_clear += 1
        else:
            self._progress.by_kid[kid] += 1


def _chunks(states: Sequence[RawState]) -> Iterator[list[RawState]]:
    """Parts of one tenant each, and small enough to hold in memory, and to lock, at once."""
    chunk: list[RawState] = []
    size = 0
    for state in states:
        full = len(chunk) == _CHUNK_REPORTS or size + state.size > _CHUNK_BYTES
        if chunk and (full or chunk[0].place.tenant_id != state.place.tenant_id):
            yield chunk
            chunk, size = [], 0
        chunk.append(state)
        size += state.size
    if chunk:
        yield chunk


def _clear_raw(document: str) -> bytes | None:
    """The text of raw's value as it stands in a canonical document."""
    begin = clear_raw_begins(document)
    if begin is None:
        return None
    _, end = _DECODER.raw_decode(document, begin)
    return document[begin:end].encode()
