"""RFC 9457 problems: every error a caller sees is one of these.

The part a caller may read is in `Problem`; a cause travels as `__cause__` and is only ever logged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from typing_extensions import override

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20


@dataclass(frozen=True, slots=True)
class InputError:
    """One place where an input breaks the contract. Holds no input value.

    `pointer` is a JSON pointer into the body, or `/name` of a parameter: of what is missing, to
    where it should be. `rule` points into the served contract.
    """

    location: str
    pointer: str
    keyword: str
    limit: str | None = None
    rule: str | None = None

    def as_json(self) -> dict[str, str]:
        entry = {"in": self.location, "pointer": self.pointer, "keyword": self.keyword}
        if self.limit is not None:
            entry["limit"] = self.limit
        if self.rule is not None:
            entry["rule"] = self.rule
        return entry


@dataclass(eq=False)
class Problem(Exception):
    """An error answer. `slug` becomes the problem type `/problems/<slug>`.

    `members` are what a type adds of its own (RFC 9457, 3.2).
    """

    status: int
    slug: str
    title: str
    detail: str
    errors: Sequence[InputError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, object] = field(default_factory=dict)

    @override
    def __str__(self) -> str:
        return f"{self.status} {self.slug}: {self.detail}"

    def as_bytes(self, request_id: str) -> bytes:
        instance = {"instance": f"urn:request:{request_id}"}
        return orjson.dumps({**self.as_json(), **instance, **self.members})

    def as_json(self) -> dict[str, object]:
        """What is told whatever request it answers."""
        document: dict[str, object] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [error.as_json() for error in self.errors[:MAX_ERRORS]]
        return document


def malformed_request(detail: str) -> Problem:
    return Problem(400, "malformed-request", "Malformed request", detail)


def foreign_page_token() -> Problem:
    detail = "The page token belongs to another query. Ask for the first page again."
    return Problem(400, "foreign-page-token", "Foreign page token", detail)


def unauthenticated(challenge: str, detail: str) -> Problem:
    headers = {"WWW-Authenticate": challenge}
    return Problem(401, "unauthenticated", "Not authenticated", detail, headers=headers)


def forbidden(detail: str) -> Problem:
    return Problem(403, "forbidden", "Forbidden", detail)


def not_found() -> Problem:
    return Problem(404, "not-found", "Not found", "Nothing is here.")


def method_not_allowed(allow: str) -> Problem:
    detail = f"This path takes {allow}."
    headers = {"Allow": allow}
    return Problem(405, "method-not-allowed", "Method not allowed", detail, headers=headers)


def body_too_large(limit: int, size: int | None, what: str = "The body") -> Problem:
    came = f"{size} bytes came" if size is not None else "more came"
    detail = f"{what} may have {limit} bytes; {came}."
    return Problem(413, "body-too-large", "Body too large", detail)


def line_too_long(limit: int, size: int) -> Problem:
    detail = f"A line may have {limit} bytes; this one has {size}."
    return Problem(413, "body-too-large", "Body too large", detail)


def unsupported_media_type(accepted: Sequence[str]) -> Problem:
    detail = f"The Content-Type must be one of: {', '.join(accepted)}."
    return Problem(415, "unsupported-media-type", "Unsupported media type", detail)


def body_expands_too_far(ratio: int, size: int) -> Problem:
    detail = (
        f"A compressed body may expand to {ratio} times its size; {size} bytes came and expand to "
        "more. Send it uncompressed."
    )
    return Problem(413, "body-too-large", "Body too large", detail)


def unsupported_encoding(accepted: str) -> Problem:
    detail = f"The Content-Encoding must be {accepted}, or the body must come as it is."
    # RFC 9110, 12.5.3: what a 415 for a coding tells the caller to use instead.
    headers = {"Accept-Encoding": accepted}
    return Problem(415, "unsupported-media-type", "Unsupported media type", detail, headers=headers)


def invalid_input(errors: Sequence[InputError], detail: str | None = None) -> Problem:
    count = len(errors)
    said = f"at least {MAX_ERRORS} values do" if count > MAX_ERRORS else f"{count} values do"
    said = "1 value does" if count == 1 else said
    detail = detail or f"{said[0].upper()}{said[1:]} not fit the contract; see errors."
    return Problem(422, "invalid-input", "Invalid input", detail, errors)


def too_many_requests(detail: str, headers: Mapping[str, str]) -> Problem:
    title = "Rate limit exceeded"
    return Problem(429, "rate-limit-exceeded", title, detail, headers=headers)


def internal_error() -> Problem:
    detail = "The service failed. The request id leads to the reason in its log."
    return Problem(500, "internal-error", "Internal error", detail)


def range_not_satisfiable(size: int) -> Problem:
    detail = f"The Range has none of the {size} bytes that there are."
    title = "Range not satisfiable"
    headers = {"Content-Range": f"bytes */{size}"}
    return Problem(416, "range-not-satisfiable", title, detail, headers=headers)


def unavailable(detail: str, retry_after: int) -> Problem:
    headers = {"Retry-After": str(retry_after)}
    return Problem(503, "unavailable", "Unavailable", detail, headers=headers)
