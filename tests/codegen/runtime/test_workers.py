"""Places for handlers are limited, waited for with patience, and never lost."""

import asyncio
import threading
import time
from collections.abc import Callable

import anyio
import pytest
from starlette.responses import Response

from codegen.runtime.dispatch import Workers
from codegen.runtime.problems import Problem

DONE = Response()


class Gate:
    """Work that waits until it is let go, and counts how many run at once."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._lock = threading.Lock()
        self.running = 0
        self.most = 0

    def work(self) -> Response:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self._open.wait(5)
        with self._lock:
            self.running -= 1
        return DONE

    def open(self) -> None:
        self._open.set()

    async def until_running(self, count: int) -> None:
        while self.running < count:
            await asyncio.sleep(0.001)


def at_once(workers: Workers, work: Callable[[], Response]) -> asyncio.Task[Response]:
    return asyncio.get_running_loop().create_task(workers.run(work))


def test_no_more_than_the_places_run_at_once_and_all_get_their_turn() -> None:
    async def scenario() -> int:
        workers, gate = Workers(3), Gate()
        tasks = [at_once(workers, gate.work) for _ in range(12)]
        await gate.until_running(3)
        gate.open()
        assert await asyncio.gather(*tasks) == [DONE] * 12
        return gate.most

    assert asyncio.run(scenario()) == 3


def test_who_waits_too_long_is_asked_to_come_back() -> None:
    async def scenario() -> tuple[Problem, float]:
        workers, gate = Workers(1, patience=0.05), Gate()
        first = at_once(workers, gate.work)
        await gate.until_running(1)
        begun = time.perf_counter()
        with pytest.raises(Problem) as caught:
            await workers.run(gate.work)
        waited = time.perf_counter() - begun
        gate.open()
        assert await first is DONE
        assert await workers.run(lambda: DONE) is DONE
        return caught.value, waited

    problem, waited = asyncio.run(scenario())
    assert (problem.status, problem.headers["Retry-After"]) == (503, "1")
    assert "0.05 s" in problem.detail
    assert waited >= 0.04


def test_work_that_fails_gives_its_place_back() -> None:
    def fail() -> Response:
        raise LookupError("on purpose")

    async def scenario() -> None:
        workers = Workers(1, patience=0.5)
        for _ in range(5):
            with pytest.raises(LookupError):
                await workers.run(fail)
        assert await workers.run(lambda: DONE) is DONE

    asyncio.run(scenario())


def test_cancelled_waiting_takes_no_place() -> None:
    async def scenario() -> None:
        workers, gate = Workers(1, patience=5), Gate()
        first = at_once(workers, gate.work)
        await gate.until_running(1)
        waiting = [at_once(workers, gate.work) for _ in range(4)]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        gate.open()
        assert await first is DONE
        assert await asyncio.gather(*waiting, return_exceptions=True) != [DONE] * 4
        assert await workers.run(lambda: DONE) is DONE

    asyncio.run(scenario())


def test_cancelled_work_keeps_its_place_until_it_is_done() -> None:
    async def scenario() -> int:
        workers, gate = Workers(1, patience=5), Gate()
        async with anyio.create_task_group() as first:
            first.start_soon(workers.run, gate.work)
            await gate.until_running(1)
            first.cancel_scope.cancel()
            second = at_once(workers, gate.work)
            with anyio.CancelScope(shield=True):
                await asyncio.sleep(0.02)
            gate.open()
        assert await second is DONE
        return gate.most

    assert asyncio.run(scenario()) == 1


def test_many_callers_with_little_patience_lose_no_place() -> None:
    async def scenario() -> None:
        workers = Workers(2, patience=0.002)

        def work() -> Response:
            time.sleep(0.002)
            return DONE

        tasks = [at_once(workers, work) for _ in range(60)]
        await asyncio.sleep(0.003)
        for task in tasks[::7]:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(one) for one in ended} <= {Response, Problem, asyncio.CancelledError}
        gate = Gate()
        both = [at_once(workers, gate.work) for _ in range(2)]
        await gate.until_running(2)
        gate.open()
        assert await asyncio.gather(*both) == [DONE] * 2

    asyncio.run(scenario())


def test_who_finds_the_queue_full_is_refused_at_once_and_those_in_it_get_their_turn() -> None:
    async def scenario() -> list[type[object]]:
        workers, gate = Workers(1, patience=5, waiting=3), Gate()
        tasks = [at_once(workers, gate.work)]
        await gate.until_running(1)
        tasks += [at_once(workers, gate.work) for _ in range(3)]
        await asyncio.sleep(0)
        assert workers.is_full
        late = [at_once(workers, gate.work) for _ in range(50)]
        refused = await asyncio.gather(*late, return_exceptions=True)
        gate.open()
        assert await asyncio.gather(*tasks) == [DONE] * 4
        assert not workers.is_full
        assert await workers.run(lambda: DONE) is DONE
        return [type(one) for one in refused]

    assert asyncio.run(scenario()) == [Problem] * 50


def test_who_gives_up_waiting_makes_room_for_another() -> None:
    async def scenario() -> None:
        workers, gate = Workers(1, patience=0.02, waiting=1), Gate()
        first = at_once(workers, gate.work)
        await gate.until_running(1)
        for end in ("cancelled", "impatient"):
            waiting = at_once(workers, gate.work)
            await asyncio.sleep(0)
            assert workers.is_full
            if end == "cancelled":
                waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert not workers.is_full
        gate.open()
        assert await first is DONE

    asyncio.run(scenario())
