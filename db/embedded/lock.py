"""The lock that makes one process the owner of an embedded database.

It is a flock: the kernel gives it back when its holder dies, so it can't go stale.
"""

import fcntl
import os
import weakref
from pathlib import Path

from db.embedded.errors import EmbeddedError

_held: weakref.WeakSet["OwnerLock"] = weakref.WeakSet()


class OwnerLock:
    """Held from construction to `release`; raises EmbeddedError at once when somebody has it."""

    def __init__(self, path: Path, home: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise EmbeddedError(
                f"the embedded database in {home} is in use by process {holder or '(unknown)'}; "
                "stop that process first, or attach to its database instead of starting one"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        _held.add(self)

    def release(self) -> None:
        if self in _held:
            _held.discard(self)
            os.close(self._descriptor)


def _close_inherited() -> None:
    # A forked child shares the open file: kept open, it would hold the lock after the owner died.
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_close_inherited)
