"""What the core of a client asks of whoever does its input and output, and what it is told back.

There are two who do, one that blocks and one that awaits; what to do is decided in `client_core`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .client_body import Content


@dataclass(frozen=True, slots=True)
class Send:
    """One attempt. `url` is relative; `hidden_query` is added where no log or error shows it.

    The body of an answer is read whole, unless `keeps_open` says otherwise of its status and
    media type.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    hidden_query: str = field(repr=False)
    content: Content = field(repr=False)
    keeps_open: Callable[[int, str], bool]


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Received:
    """An answer: header names in lower case; its body, or an open `stream` of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    stream: Any = None

    @property
    def content_type(self) -> str:
        """As it came; empty where nothing says."""
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class Failed:
    """No whole answer came. `can_change` unless the same would happen again."""

    reason: str
    can_change: bool = True


Step = Send | Wait
# None is what is told of a wait, and at the start.
Outcome = Received | Failed | None
