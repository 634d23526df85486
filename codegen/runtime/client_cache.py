"""Answers that a client may ask to have confirmed (If-None-Match), up to a number and a size."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A whole answer, as it came. It is read anew each time, so that no two callers share it."""

    etag: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class EntityCache:
    """The answers used last. `entries` 0 keeps none. Threads may share it."""

    def __init__(self, entries: int = 64, total_bytes: int = 4 * 1024 * 1024) -> None:
        self._entries = entries
        self._total_bytes = total_bytes
        self._answers: OrderedDict[bytes, StoredAnswer] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def find(self, key: bytes) -> StoredAnswer | None:
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def keep(self, key: bytes, answer: StoredAnswer) -> None:
        with self._lock:
            earlier = self._answers.pop(key, None)
            self._held += len(answer.body) - (len(earlier.body) if earlier else 0)
            self._answers[key] = answer
            while len(self._answers) > self._entries or self._held > self._total_bytes:
                _, dropped = self._answers.popitem(last=False)
                self._held -= len(dropped.body)
