"""Counts what callers spend: in this process, or in a Redis that several share.

It is the `limits` library that counts, by sliding windows: two numbers an account.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from limits.aio.storage import MemoryStorage, RedisStorage, SlidingWindowCounterSupport
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from typing_extensions import override

from policies.rates import Rate, Window

# What Redis may take for one request, and how long it is left alone after it failed.
PATIENCE_SECONDS: Final = 0.5
_REST_SECONDS: Final = 2.0
_COMPLAIN_SECONDS: Final = 60.0
_CONNECTIONS: Final = 16
_SWEEP_SECONDS: Final = 10.0

_log = structlog.get_logger("rate_limits")


@dataclass(frozen=True, slots=True)
class Charge:
    """`cost` units, at most the rate's amount, on the account of `name`."""

    name: str
    rate: Rate
    cost: int


@dataclass(frozen=True, slots=True)
class Counted:
    """`refused` is the place of the first charge that did not fit; those after it are not taken.

    `windows` are as they stand afterwards, one for each charge.
    """

    windows: Sequence[Window]
    refused: int | None


class Counts(Protocol):
    async def take(self, charges: Sequence[Charge]) -> Counted: ...

    async def close(self) -> None: ...


async def _take(storage: SlidingWindowCounterSupport, charges: Sequence[Charge]) -> Counted:
    refused = None
    for place, charge in enumerate(charges):
        amount, seconds = charge.rate.amount, charge.rate.seconds
        if not await storage.acquire_sliding_window_entry(
            charge.name, amount, seconds, charge.cost
        ):
            refused = place
            break
    return Counted([await _window(storage, charge) for charge in charges], refused)


async def _window(storage: SlidingWindowCounterSupport, charge: Charge) -> Window:
    length = charge.rate.seconds
    previous, left, current, forgotten = await storage.get_sliding_window(charge.name, length)
    # A window is forgotten one length after it has become the one before.
    return Window(previous, left, current, max(0.0, forgotten - length))


class OwnCounts(Counts):
    """Counts of this process alone. As many accounts as callers, who are known by their keys.

    The library looks at every account after each hit, which took 0.3 ms with 2,000 of them. Here
    it does so once in `sweep_seconds`: it begins no sweep while the last one's task is not done.
    """

    def __init__(self, sweep_seconds: float = _SWEEP_SECONDS) -> None:
        self._storage = MemoryStorage()
        self._sweep_seconds = sweep_seconds
        self._pacing: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._storage.storage)

    @override
    async def take(self, charges: Sequence[Charge]) -> Counted:
        counted = await _take(self._storage, charges)
        sweep = self._storage.timer
        if sweep is not None and sweep is not self._pacing:
            self._pacing = self._storage.timer = asyncio.create_task(self._rest_after(sweep))
        return counted

    async def _rest_after(self, sweep: asyncio.Task[None]) -> None:
        await sweep
        await asyncio.sleep(self._sweep_seconds)

    @override
    async def close(self) -> None:
        if self._pacing is not None:
            self._pacing.cancel()


class SharedCounts(Counts):
    """Counts in Redis; while that can't be had, this process's own.

    Being limited less for a while harms nobody as much as not being served.
    """

    def __init__(self, url: str) -> None:
        # A connection that died while it lay idle is worth one more try; waiting isn't.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=PATIENCE_SECONDS,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._pool = pool
        self._shared = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="collector:rates",
            connection_pool=pool,  # type: ignore[arg-type]  # documented, but typed as plain options
        )
        self._own = OwnCounts()
        self._asked_again_at = 0.0
        self._complained_at = -_COMPLAIN_SECONDS
        self._is_shared = True

    @override
    async def take(self, charges: Sequence[Charge]) -> Counted:
        if time.monotonic() < self._asked_again_at:
            return await self._own.take(charges)
        if not self._is_shared:
            # One request tries it; the others needn't wait to see.
            self._asked_again_at = time.monotonic() + _REST_SECONDS
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                counted = await _take(self._shared, charges)
        except Exception as error:  # noqa: BLE001  # nothing of Redis' is worth an answer; logged
            self._failed(error)
            return await self._own.take(charges)
        self._recovered()
        return counted

    def _failed(self, error: Exception) -> None:
        now = time.monotonic()
        self._is_shared = False
        self._asked_again_at = now + _REST_SECONDS
        if now - self._complained_at >= _COMPLAIN_SECONDS:
            self._complained_at = now
            # Its message may hold the address, which the password is part of.
            _log.warning("rate_limits_not_shared", reason=type(error).__name__)

    def _recovered(self) -> None:
        if not self._is_shared:
            self._is_shared = True
            self._asked_again_at = 0.0
            _log.info("rate_limits_shared_again")

    @override
    async def close(self) -> None:
        await self._pool.aclose()
        await self._own.close()
