"""Looks at a tenant's revisions, one for all who ask at the same time.

A look that answers a request began after the request had come, so it is as young as one of the
request's own would be. Those who come while it is under way share the next one.
"""

import asyncio
from collections.abc import Callable

from db.ids import TenantId
from db.revisions import RevisionClass, Revisions
from generated.runtime.hooks import InWorker

_Key = tuple[TenantId, tuple[RevisionClass, ...]]


class RevisionLooks:
    """The looks of one process; `look` takes one, and blocks. For the event loop alone."""

    def __init__(self, look: Callable[[TenantId, tuple[RevisionClass, ...]], Revisions]) -> None:
        self._look = look
        self._next: dict[_Key, asyncio.Future[Revisions]] = {}
        self._looking: dict[_Key, asyncio.Task[None]] = {}

    async def revisions(
        self, tenant_id: TenantId, classes: tuple[RevisionClass, ...], in_worker: InWorker
    ) -> Revisions:
        """The vector as of a moment after the call; raises what the look raises."""
        key = (tenant_id, classes)
        shared = self._next.get(key)
        if shared is None:
            shared = self._next[key] = asyncio.get_running_loop().create_future()
        if key not in self._looking:
            self._looking[key] = asyncio.create_task(self._look_for(key, in_worker))
        # One who leaves must not take the look from the others.
        return await asyncio.shield(shared)

    async def _look_for(self, key: _Key, in_worker: InWorker) -> None:
        try:
            while (shared := self._next.pop(key, None)) is not None:
                try:
                    shared.set_result(await in_worker(lambda: self._look(*key)))
                except Exception as error:  # noqa: BLE001  # raised where the look is waited for
                    shared.set_exception(error)
                    # Everybody who waited may have left.
                    shared.exception()
        finally:
            del self._looking[key]
