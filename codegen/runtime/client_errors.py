"""What a client raises. Holds no request, and so no credential that was sent with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json
from typing_extensions import override


class ClientError(Exception):
    """Everything below; `operation` is the operation id."""


@dataclass(eq=False)
class ProblemAnswer(ClientError):
    """An error answer, as RFC 9457 describes it; other error answers have status and title alone.

    `errors` are what servers list under that name, `members` all of the problem as it came.
    `retry_after` is in seconds, where the server named a time.
    """

    operation: str
    status: int
    type: str = "about:blank"
    title: str = ""
    detail: str = ""
    instance: str = ""
    errors: Sequence[Mapping[str, Any]] = ()
    members: Mapping[str, Any] = field(default_factory=dict, repr=False)
    retry_after: float | None = None

    @override
    def __str__(self) -> str:
        told = f"{self.status} {self.title}".strip()
        return f"{self.operation}: {told}: {self.detail}" if self.detail else told


@dataclass(eq=False)
class ConnectionLost(ClientError):
    """No whole answer came. Whether the server did what it was asked is not known.

    `reason` is what the HTTP client calls it, such as `ConnectError` or `ReadTimeout`.
    """

    operation: str
    reason: str

    @override
    def __str__(self) -> str:
        return f"{self.operation}: no whole answer came ({self.reason})"


@dataclass(eq=False)
class UnexpectedAnswer(ClientError):
    """An answer that the contract doesn't describe: this client may be older than the server."""

    operation: str
    status: int
    reason: str

    @override
    def __str__(self) -> str:
        return f"{self.operation}: {self.status}: {self.reason}"


@dataclass(eq=False)
class UnusableCredential(ClientError):
    """Credentials that an operation asks for are missing, or hold what can't be sent."""

    operation: str
    reason: str

    @override
    def __str__(self) -> str:
        return f"{self.operation}: {self.reason}"


def problem_answer(
    operation: str, status: int, body: bytes, retry_after: float | None
) -> ProblemAnswer:
    """Reads leniently: an error answer may come from anything between here and the server."""
    try:
        found = from_json(body)
    except ValueError:
        found = None
    members: Mapping[str, Any] = found if isinstance(found, dict) else {}
    errors = members.get("errors")
    listed = errors if isinstance(errors, list) else []
    return ProblemAnswer(
        operation=operation,
        status=status,
        type=_text(members, "type") or "about:blank",
        title=_text(members, "title") or _phrase(status),
        detail=_text(members, "detail"),
        instance=_text(members, "instance"),
        errors=tuple(error for error in listed if isinstance(error, dict)),
        members=members,
        retry_after=retry_after,
    )


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
