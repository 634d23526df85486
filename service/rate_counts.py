"""Counts what callers spend: in this process, or in a Redis that several share.

In Redis it is the `limits` library that counts, by sliding windows. Its storage in memory looks at
every account there is after each hit, so a table of our own does the same here.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from typing_extensions import override

from policies.rates import Rate, Window, spent

# What Redis may take for one request, and how long it is left alone after it failed.
PATIENCE_SECONDS: Final = 0.5
_REST_SECONDS: Final = 2.0
_COMPLAIN_SECONDS: Final = 60.0
_CONNECTIONS: Final = 16
_SWEEP_AT: Final = 4096

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


class OwnCounts(Counts):
    """Counts of this process alone. Nothing here waits, so that a request is one step of the loop.

    As many accounts as callers, who are known by their keys: what is out of date goes when the
    table has grown to twice what was left the last time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Number of the window, units in the one before, units in it, its length.
        self._accounts: dict[str, tuple[int, int, int, int]] = {}
        self._sweep_at = _SWEEP_AT

    def __len__(self) -> int:
        return len(self._accounts)

    @override
    async def take(self, charges: Sequence[Charge]) -> Counted:
        now = self._clock()
        windows = []
        refused = None
        for place, charge in enumerate(charges):
            length = charge.rate.seconds
            number, begun = divmod(now, length)
            window = self._window(charge.name, number, length - begun)
            if refused is None and spent(charge.rate, window) + charge.cost > charge.rate.amount:
                refused = place
            elif refused is None:
                current = window.current + charge.cost
                window = Window(window.previous, window.previous_left, current, length - begun)
                self._accounts[charge.name] = (int(number), window.previous, current, length)
            windows.append(window)
        if len(self._accounts) > self._sweep_at:
            self._sweep(now)
        return Counted(windows, refused)

    def _window(self, name: str, number: float, left: float) -> Window:
        found = self._accounts.get(name)
        if found is None or found[0] < number - 1:
            return Window(0, left, 0, left)
        if found[0] == number:
            return Window(found[1], left, found[2], left)
        return Window(found[2], left, 0, left)

    def _sweep(self, now: float) -> None:
        self._accounts = {
            name: account
            for name, account in self._accounts.items()
            if account[0] >= now // account[3] - 1
        }
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._accounts))

    @override
    async def close(self) -> None:
        """Nothing is open."""


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
                counted = await self._take_shared(charges)
        except Exception as error:  # noqa: BLE001  # nothing of Redis' is worth an answer; logged
            self._failed(error)
            return await self._own.take(charges)
        self._recovered()
        return counted

    async def _take_shared(self, charges: Sequence[Charge]) -> Counted:
        refused = None
        for place, charge in enumerate(charges):
            amount, seconds = charge.rate.amount, charge.rate.seconds
            if not await self._shared.acquire_sliding_window_entry(
                charge.name, amount, seconds, charge.cost
            ):
                refused = place
                break
        return Counted([await self._shared_window(charge) for charge in charges], refused)

    async def _shared_window(self, charge: Charge) -> Window:
        length = charge.rate.seconds
        previous, left, current, forgotten = await self._shared.get_sliding_window(
            charge.name, length
        )
        # Redis forgets a window one length after it has become the one before.
        return Window(previous, left, current, max(0.0, forgotten - length))

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
