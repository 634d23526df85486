"""Cuts the connection of a round trip whose server says nothing for too long.

The server's own time limits bound what it works on; this bounds the wait for a server, a pooler or
a network that took the question and then fell silent, which no time limit of theirs ends.
"""

import itertools
import socket
import threading
import time
from typing import Final

from psycopg2 import extensions

_LOOK_EVERY_SECONDS: Final = 0.5
_IDLE_LOOKS: Final = 20


class Silence:
    """The round trips of one pool that are under way. Safe to use from any thread."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a forked child must: it has none of its parent's threads."""
        self._lock = threading.Lock()
        # By a number of its own: the socket that a round trip waits on, and when its patience ends.
        self._waiting: dict[int, tuple[int, float]] = {}
        self._numbers = itertools.count()
        self._is_watching = False

    def begin(self, connection: extensions.connection, seconds: float) -> int:
        """Have the connection cut unless `end` is called, with this number, within `seconds`."""
        # Without the lock, which each round trip would pay for: one step of a dict is atomic.
        number = next(self._numbers)
        self._waiting[number] = (connection.fileno(), time.monotonic() + seconds)
        if not self._is_watching:
            self._start_watching()
        return number

    def end(self, number: int) -> bool:
        """Whether the connection was cut. Call it before the connection can be closed."""
        if self._waiting.pop(number, None) is not None:
            return False
        # The watcher took it: until it's done with it, the socket's number must not be another's.
        with self._lock:
            return True

    def _start_watching(self) -> None:
        with self._lock:
            if not self._is_watching:
                self._is_watching = True
                threading.Thread(target=self._watch, name="silence", daemon=True).start()

    def _watch(self) -> None:
        idle = 0
        while True:
            time.sleep(_LOOK_EVERY_SECONDS)
            idle = 0 if self._waiting else idle + 1
            if idle > _IDLE_LOOKS and self._stops_watching():
                return
            with self._lock:
                self._cut_those_due()

    def _stops_watching(self) -> bool:
        """Not if a round trip began that still saw it watch."""
        with self._lock:
            self._is_watching = False
            self._is_watching = bool(self._waiting)
            return not self._is_watching

    def _cut_those_due(self) -> None:
        now = time.monotonic()
        for number, (descriptor, due) in self._waiting.copy().items():
            # Whoever takes it out is whose it is: us, or its owner, who then may close it.
            if now > due and self._waiting.pop(number, None) is not None:
                _shut_down(descriptor)


def _shut_down(descriptor: int) -> None:
    """Have whoever waits for this socket read its end."""
    waited_for = socket.socket(fileno=descriptor)
    try:
        waited_for.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side closed it in the meantime: the wait is over all the same.
        return
    finally:
        waited_for.detach()
