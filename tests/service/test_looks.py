"""One look at the revisions answers all who wait for it, and nobody who came after it began."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from db.ids import TenantId
from db.revisions import RevisionClass, Revisions
from service.looks import RevisionLooks

REPORTS = (RevisionClass.REPORTS,)
TENANT = TenantId("looked-at")
T = TypeVar("T")


class Counter:
    """What a look would find: a number that moves, and how often it was looked at."""

    def __init__(self) -> None:
        self.value = 0
        self.looks: list[TenantId] = []
        self.may_end = threading.Event()
        self.may_end.set()
        self.failure: Exception | None = None

    def look(self, tenant_id: TenantId, classes: tuple[RevisionClass, ...]) -> Revisions:
        self.looks.append(tenant_id)
        found = ((classes[0].value, 0, self.value),)
        self.may_end.wait(5)
        if self.failure is not None:
            raise self.failure
        return Revisions("epoch", found, datetime.now(UTC))

    async def until_looked(self, times: int) -> None:
        while len(self.looks) < times:
            await asyncio.sleep(0.001)


async def in_worker(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


def asked(looks: RevisionLooks, tenant_id: TenantId = TENANT) -> asyncio.Task[Revisions]:
    return asyncio.create_task(looks.revisions(tenant_id, REPORTS, in_worker))


def run(scenario: Callable[[Counter, RevisionLooks], Awaitable[None]]) -> None:
    async def main() -> None:
        counter = Counter()
        await scenario(counter, RevisionLooks(counter.look))

    asyncio.run(main())


def test_who_comes_while_a_look_is_under_way_gets_the_next_one_and_shares_it() -> None:
    async def scenario(counter: Counter, looks: RevisionLooks) -> None:
        counter.may_end.clear()
        first = asked(looks)
        await counter.until_looked(1)
        # Changed after the look has read and before the others ask: they must learn of it.
        counter.value = 1
        later = [asked(looks) for _ in range(20)]
        await asyncio.sleep(0.01)
        counter.may_end.set()
        assert (await first).vector == (("reports", 0, 0),)
        assert {found.vector for found in await asyncio.gather(*later)} == {(("reports", 0, 1),)}
        assert len(counter.looks) == 2

    run(scenario)


def test_each_answer_is_as_young_as_its_question() -> None:
    async def scenario(counter: Counter, looks: RevisionLooks) -> None:
        async def ask_often() -> None:
            for _ in range(50):
                counter.value += 1
                known = counter.value
                found = await looks.revisions(TENANT, REPORTS, in_worker)
                assert found.vector[0][2] >= known

        await asyncio.gather(*(ask_often() for _ in range(8)))
        assert len(counter.looks) < 400

    run(scenario)


def test_tenants_do_not_wait_for_one_another() -> None:
    async def scenario(counter: Counter, looks: RevisionLooks) -> None:
        counter.may_end.clear()
        tasks = [asked(looks, TenantId(f"tenant-{number}")) for number in range(3)]
        await counter.until_looked(3)
        counter.may_end.set()
        await asyncio.gather(*tasks)
        assert sorted(counter.looks) == ["tenant-0", "tenant-1", "tenant-2"]

    run(scenario)


def test_a_failure_reaches_all_who_waited_and_nobody_after() -> None:
    async def scenario(counter: Counter, looks: RevisionLooks) -> None:
        counter.failure = ConnectionError("gone")
        results = await asyncio.gather(*(asked(looks) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [ConnectionError] * 3
        counter.failure = None
        assert (await asked(looks)).vector == (("reports", 0, 0),)

    run(scenario)


def test_one_who_leaves_takes_the_look_from_nobody() -> None:
    async def scenario(counter: Counter, looks: RevisionLooks) -> None:
        counter.may_end.clear()
        leaving, staying = asked(looks), asked(looks)
        await counter.until_looked(1)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        counter.may_end.set()
        assert (await staying).vector == (("reports", 0, 0),)

    run(scenario)
