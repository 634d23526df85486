"""Cuts the connection of a round trip whose server says nothing for too long.

The server's own time limits bound what it works on; this bounds the wait for a server, a pooler or
a network that took the question and then fell silent, which no time limit of theirs ends.
"""

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
        # By the connection's identity: the socket it waits on, and when its patience ends.
        self._waiting: dict[int, tuple[int, float]] = {}
        self._is_watching = False

    def begin(self, connection: extensions.connection, seconds: float) -> None:
        """Have the connection cut unless `end` is called within `seconds`."""
        due = time.monotonic() + seconds
        with self._lock:
            self._waiting[id(connection)] = (connection.fileno(), due)
            if not self._is_watching:
                self._is_watching = True
                threading.Thread(target=self._watch, name="silence", daemon=True).start()

    def end(self, connection: extensions.connection) -> bool:
        """Whether the connection was cut. Call it before the connection can be closed."""
        with self._lock:
            return self._waiting.pop(id(connection), None) is None

    def _watch(self) -> None:
        idle = 0
        while True:
            time.sleep(_LOOK_EVERY_SECONDS)
            with self._lock:
                idle = 0 if self._waiting else idle + 1
                if idle > _IDLE_LOOKS:
                    self._is_watching = False
                    return
                self._cut_those_due()

    def _cut_those_due(self) -> None:
        """Under the lock: its owner can't close a socket now, and the number be another's."""
        now = time.monotonic()
        for key, (descriptor, due) in list(self._waiting.items()):
            if now > due:
                del self._waiting[key]
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
