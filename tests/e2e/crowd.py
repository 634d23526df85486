"""Many clients at once, on a kept-alive connection each, who send on whatever they are told."""

import asyncio
import re
from collections import Counter

from tests.e2e.service_process import Service

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")


def statuses_of_crowd(
    service: Service, key: str, tenant: str, clients: int, seconds: float
) -> Counter[int]:
    """How often each status came in the time that so many clients uploaded for."""
    body = b'{"status": {"api": "pass"}, "notes": ["%s"]}'
    number = 0

    def next_request() -> bytes:
        nonlocal number
        number += 1
        # Equal reports would wait for one another.
        content = body % f"{clients}-{number}".encode()
        head = (
            f"POST /ingest/qc HTTP/1.1\r\nHost: collector\r\nX-Api-Key: {key}\r\n"
            f"X-Tenant: {tenant}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    async def client(counted: Counter[int], ends: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        while asyncio.get_running_loop().time() < ends:
            writer.write(next_request())
            head = await reader.readuntil(b"\r\n\r\n")
            status, length = _STATUS.match(head), _LENGTH.search(head)
            assert status, head
            assert length, head
            await reader.readexactly(int(length[1]))
            counted[int(status[1])] += 1
        writer.close()
        await writer.wait_closed()

    async def crowd() -> Counter[int]:
        counted: Counter[int] = Counter()
        ends = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(client(counted, ends) for _ in range(clients)))
        return counted

    return asyncio.run(crowd())
