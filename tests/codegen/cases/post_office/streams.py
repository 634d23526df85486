"""Sends and gets much by one of the clients: `streams.py URL KIND BYTES`.

Prints, as JSON, what came of each way, and by how many MiB this process was larger at its largest
than after the same with little.
"""

import asyncio
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Final, Literal

from post_office.client import AsyncClient, Client
from post_office.models import KeepArchiveMultipart
from post_office.runtime.file_part import FilePart

SOURCES: Final[tuple[Literal["file", "pieces", "awaited"], ...]] = ("file", "pieces", "awaited")
# Lines are fewer than bytes by so much: making and checking one takes its time.
LINE_BYTES = 400


def blocking(url: str, size: int) -> dict[str, Any]:
    told: dict[str, Any] = {"sources": {}}
    with Client(url) as client:
        for source in SOURCES:
            digest = hashlib.sha256()
            with client.get_archive(size=size, source=source) as archive:
                for piece in archive.body:
                    digest.update(piece)
            told["sources"][source] = digest.hexdigest()
        with client.list_parcel_lines(count=size // LINE_BYTES) as parcels:
            told["lines"] = sum(parcel.to == "Emma" for parcel in parcels.body.models())
        with _file(size) as file:
            kept = client.keep_archive(body=KeepArchiveMultipart(archive=FilePart.of_file(file)))
        told["kept"] = [kept.body.size, kept.body.sha256]
    return told


async def awaiting(url: str, size: int) -> dict[str, Any]:
    told: dict[str, Any] = {"sources": {}}
    async with AsyncClient(url) as client:
        for source in SOURCES:
            digest = hashlib.sha256()
            async with client.get_archive(size=size, source=source) as archive:
                async for piece in archive.body:
                    digest.update(piece)
            told["sources"][source] = digest.hexdigest()
        async with client.list_parcel_lines(count=size // LINE_BYTES) as parcels:
            found = [parcel.to == "Emma" async for parcel in parcels.body.models()]
            told["lines"] = sum(found)
        with _file(size) as file:
            form = KeepArchiveMultipart(archive=FilePart.of_file(file))
            kept = await client.keep_archive(body=form)
        told["kept"] = [kept.body.size, kept.body.sha256]
    return told


def _file(size: int) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by who asks for it
    file.truncate(size)
    return file


def _largest_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def run(url: str, kind: str, size: int) -> dict[str, Any]:
    return blocking(url, size) if kind == "blocking" else asyncio.run(awaiting(url, size))


def main(url: str, kind: str, size: int) -> None:
    run(url, kind, 1_000_000)
    before = _largest_kib()
    told = run(url, kind, size)
    print(json.dumps({**told, "grown_mib": (_largest_kib() - before) / 1024}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
