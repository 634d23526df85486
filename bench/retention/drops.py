"""Partitions that retention has emptied, dropped while others use the service."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bench.deployment import Deployment
from bench.processes import BenchError
from bench.retention.others import Felt, felt
from db.errors import LockUnavailable
from db.partition_drops import drop_partition, empty_partitions

_PAUSE_SECONDS: Final = 0.5
_MOST_TRIES: Final = 200
_BEGIN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """`seconds` of each drop that came through; `in_use` counts those that found no moment."""

    seconds: list[float]
    in_use: int
    felt: Felt


def dropped(deployment: Deployment, older_than: datetime, seconds: float) -> Dropped:
    """Drop all that are empty, one by one, and what others feel for so long."""
    leaves = empty_partitions(deployment.maintenance, older_than)
    if not leaves:
        raise BenchError("retention emptied no partition")
    times: list[float] = []
    in_use = 0

    def drop() -> None:
        nonlocal in_use
        time.sleep(_BEGIN_SECONDS)
        for leaf in leaves:
            for _ in range(_MOST_TRIES):
                begun = time.monotonic()
                try:
                    drop_partition(deployment.maintenance, leaf, older_than)
                except LockUnavailable:
                    in_use += 1
                    time.sleep(_PAUSE_SECONDS)
                else:
                    times.append(time.monotonic() - begun)
                    break

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(drop)
        noticed = felt(deployment, seconds)
        running.result()
    return Dropped(times, in_use, noticed)
