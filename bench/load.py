"""The load generator, a process of its own: `python -m bench.load`, orders in and figures out.

Each client is one kept-alive connection that sends its next request when the answer is there.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Final, cast

import httptools
import uvloop
from typing_extensions import override

from bench.workload import COUNTER

LAST_ANSWER_SECONDS: Final = 15.0
LONGEST_BATCH_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to send, to whom, for how long. `warm_up` and `seconds` follow each other.

    With `requests` it is that many, however long they take, and no warm-up.
    """

    port: int
    clients: int
    warm_up: float
    seconds: float
    head: str
    body: str
    status: int
    first_number: int
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of it. Times in seconds; `errors` counts every answer that wasn't `status`.

    A rate is `answered` by `seconds`; `longest` is what the slowest answer took.
    """

    answered: int
    seconds: float
    p50: float
    p95: float
    longest: float
    errors: int
    first_error: str


@dataclass(slots=True)
class Run:
    """What the clients of one run share."""

    orders: Orders
    head: bytes
    body: tuple[bytes, ...]
    begins: float
    ends: float
    number: int
    open: int
    finished: asyncio.Event
    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""
    left: float = float("inf")

    def next_request(self) -> bytes:
        if len(self.body) == 1:
            return self.head + self.body[0]
        self.number += 1
        return self.head + (b"%016d" % self.number).join(self.body)

    def failed(self, what: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or what

    def closed(self) -> None:
        self.open -= 1
        if self.open == 0:
            self.finished.set()


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._sent = 0.0
        self._waiting = False
        self._transport: asyncio.WriteTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods, not the class.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send()

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._run.failed(f"connection lost: {exc or 'closed by the server'}")
        self._run.closed()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        now = time.perf_counter()
        run = self._run
        self._waiting = False
        if (status := self._parser.get_status_code()) != run.orders.status:
            run.failed(f"status {status}, not {run.orders.status}")
        elif run.begins <= now < run.ends:
            run.latencies.append(now - self._sent)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        if self._sent >= self._run.ends or self._run.left <= 0:
            self._transport.close()
            return
        self._run.left -= 1
        self._waiting = True
        self._transport.write(self._run.next_request())


def longest(orders: Orders) -> float:
    """How long orders may take, in seconds."""
    if orders.requests:
        return orders.requests * LONGEST_BATCH_SECONDS
    return orders.warm_up + orders.seconds + LAST_ANSWER_SECONDS


async def run_load(orders: Orders) -> Figures:
    """Carries out orders. Raises OSError where nobody listens, TimeoutError for lost answers."""
    loop = asyncio.get_running_loop()
    begins = time.perf_counter() + (0 if orders.requests else orders.warm_up)
    run = Run(
        orders=orders,
        head=orders.head.encode("latin-1"),
        body=tuple(part.encode() for part in orders.body.split(COUNTER)),
        begins=begins,
        ends=float("inf") if orders.requests else begins + orders.seconds,
        left=orders.requests or float("inf"),
        number=orders.first_number,
        open=orders.clients,
        finished=asyncio.Event(),
    )
    for _ in range(orders.clients):
        await loop.create_connection(lambda: Client(run), "127.0.0.1", orders.port)
    bound = longest(orders)
    await asyncio.wait_for(run.finished.wait(), bound)
    times = sorted(run.latencies)
    return Figures(
        answered=len(times),
        seconds=sum(times) / orders.clients if orders.requests else orders.seconds,
        p50=quantile(times, 0.50),
        p95=quantile(times, 0.95),
        longest=times[-1] if times else 0.0,
        errors=run.errors,
        first_error=run.first_error,
    )


def quantile(ordered: list[float], share: float) -> float:
    """The nearest-rank quantile; 0 where there is nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def main() -> None:
    orders = Orders(**json.load(sys.stdin))
    print(json.dumps(asdict(uvloop.run(run_load(orders)))))


if __name__ == "__main__":
    main()
