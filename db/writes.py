"""Whether the database took the last writes: what a look that only reads can't tell."""

import time
from typing import Final

from db import errors

_REMEMBERED_SECONDS: Final = 60.0
# What keeps every write out, whatever is written, while reads go on.
_REFUSALS: Final = (errors.StorageFull, errors.DatabaseReadOnly, errors.PartitionMissing)


class Writes:
    """Of one process. A refusal is remembered for a minute, or until a write succeeds."""

    def __init__(self) -> None:
        self._refused_at: float | None = None

    @property
    def are_refused(self) -> bool:
        refused_at = self._refused_at
        return refused_at is not None and time.monotonic() - refused_at < _REMEMBERED_SECONDS

    def succeeded(self) -> None:
        self._refused_at = None

    def failed(self, error: BaseException) -> None:
        if isinstance(error, _REFUSALS):
            self._refused_at = time.monotonic()
