"""Records the SQL that the service sends for a request of each workload: `python -m bench.record`.

Workloads come in as JSON, what was sent for each goes out, a list of messages in their order, word
for word. The service runs inside this process, on the settings in its environment.
"""

import asyncio
import json
import sys
from collections.abc import Iterable
from typing import Any

import httpx2
from psycopg2 import extensions
from sqlalchemy import event
from sqlalchemy.pool import Pool
from starlette.types import ASGIApp
from typing_extensions import override

from bench.workload import COUNTER, Workload, headers
from service.settings import Settings
from service.startup import prepared

_sent: list[str] = []


class _RecordingCursor(extensions.cursor):
    """Notes what goes over the wire, parameters filled in."""

    @override
    def execute(self, query: Any, vars: Any = None) -> None:
        super().execute(query, vars)
        _sent.append((self.query or b"").decode())


@event.listens_for(Pool, "connect")
def _record(connection: extensions.connection, _: object) -> None:
    connection.cursor_factory = _RecordingCursor


async def _recorded(app: ASGIApp, workloads: Iterable[Workload]) -> dict[str, list[str]]:
    found = {}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench") as client:
        for workload in workloads:
            sent = headers()
            if workload.conditional:
                sent["If-None-Match"] = (await client.get(workload.path, headers=sent)).headers[
                    "etag"
                ]
            # A connection's first request says more; what is wanted is what all others send.
            for number in (1, 2):
                _sent.clear()
                body = workload.body.replace(COUNTER, f"{number:016d}")
                if body:
                    sent["Content-Type"] = workload.media_type
                answer = await client.request(
                    workload.method, workload.path, headers=sent, content=body or None
                )
                if answer.status_code != workload.status:
                    raise SystemExit(f"{workload.name}: answered with {answer.status_code}")
            found[workload.name] = list(_sent)
    return found


def main() -> None:
    workloads = [Workload(**each) for each in json.load(sys.stdin)]
    with prepared(Settings(), migrating=False) as ready:
        print(json.dumps(asyncio.run(_recorded(ready.factory(), workloads))))


if __name__ == "__main__":
    main()
