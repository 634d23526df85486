"""Why a use case can't be done, without a word of HTTP; `service.problems` says it to the caller.

`detail` may reach the caller: it never repeats an input value.
"""

from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from db.ids import ReportId


class DomainError(Exception):
    """A use case that can't be done."""


class QueryTooSlow(DomainError):
    """Reading what was asked for takes longer than a request may."""


class ForeignCursor(DomainError):
    """A page token whose cursor is none of this list's."""


class NotFound(DomainError):
    """No such object of this tenant."""


class Gone(DomainError):
    """An object that a link leads to, and that is kept no longer."""


class ExportNotFinished(DomainError):
    """Something of an export that only one that is done has."""


@dataclass(eq=False)
class TooManyExports(DomainError):
    """The tenant has as many exports at work as it may."""

    limit: int


class WrongLink(DomainError):
    """A link to another thing than what was asked for with it."""


@dataclass(eq=False)
class LinkRefused(DomainError):
    """A link that doesn't work any more, or never did."""

    detail: str


@dataclass(eq=False)
class InvalidValue(DomainError):
    """A value that fits the contract's schema, but not its meaning."""

    location: str
    pointer: str
    keyword: str
    limit: str
    detail: str


@dataclass(eq=False)
class Untranslatable(DomainError):
    """A tool's output that can't become a report; `pointer` says where in it."""

    detail: str
    pointer: str
    limit: str | None = None


@dataclass(eq=False)
class BatchRefused(DomainError):
    """A batch to be stored whole or not at all, of which `refused` lines can't be stored.

    `outcomes` has one entry a line, as the contract has it.
    """

    refused: int
    outcomes: list[dict[str, Any]]


@dataclass(eq=False)
class PlanOutdated(DomainError):
    """A dry run to commit that is too old, or that says no longer what would be deleted.

    `plan` is a new one, as the contract has it.
    """

    plan: dict[str, Any]

    @override
    def __str__(self) -> str:
        return f"the dry run is outdated; {self.plan['run_id']} is a new one"


class RetentionAtWork(DomainError):
    """Another run of retention is to be carried out first."""


@dataclass(eq=False)
class NotConfigured(DomainError):
    """The operation needs a setting that this service was started without."""

    detail: str


@dataclass(eq=False)
class RawUnreadable(Exception):
    """A stored report whose `raw` can't be decrypted: not the caller's fault, for the log alone."""

    report_id: ReportId
    kid: str
    why: str

    @override
    def __str__(self) -> str:
        return f"raw of report {self.report_id} under the key {self.kid}: {self.why}"
