"""One table from exceptions of the inner layers to what a caller is told."""

from db import errors as database
from generated.runtime.problems import (
    InputError,
    Problem,
    forbidden,
    foreign_page_token,
    invalid_input,
    not_found,
    unauthenticated,
    unavailable,
)
from handlers import errors as domain
from handlers.export_store import StoreRefused, StoreUnavailable
from service.auth import LINK_CHALLENGE

_RETRY_SOON = 1
_RETRY_LATER = 5
_RETRY_MUCH_LATER = 30


def problem_of(error: Exception) -> Problem | None:
    """The problem that an exception stands for; None for one that nothing is known of."""
    if isinstance(error, domain.DomainError):
        return _of_domain(error)
    if isinstance(error, database.DatabaseError):
        return _of_database(error)
    if isinstance(error, StoreUnavailable):
        detail = "The store of exports can't be had now. Try again."
        return unavailable(detail, retry_after=error.retry_after)
    if isinstance(error, StoreRefused):
        detail = "The store of exports refuses the service, as the log says. Tell the operator."
        return unavailable(detail, retry_after=_RETRY_MUCH_LATER)
    return None


def _of_domain(error: domain.DomainError) -> Problem | None:
    if isinstance(error, domain.NotFound):
        return not_found()
    if isinstance(error, domain.Gone):
        detail = "What was asked for is kept no longer."
        return Problem(410, "gone", "Gone", detail)
    if isinstance(error, domain.ExportNotFinished):
        detail = "The export is not done yet. Wait until its status is done."
        headers = {"Retry-After": str(_RETRY_LATER)}
        return Problem(409, "export-not-finished", "Export not finished", detail, headers=headers)
    if isinstance(error, domain.TooManyExports):
        detail = (
            f"The tenant has {error.limit} exports at work, as many as it may. Wait for one of "
            "them, or cancel it."
        )
        headers = {"Retry-After": str(_RETRY_MUCH_LATER)}
        return Problem(429, "too-many-exports", "Too many exports", detail, headers=headers)
    if isinstance(error, domain.WrongLink):
        return forbidden("The link is to another thing.")
    if isinstance(error, domain.LinkRefused):
        return unauthenticated(LINK_CHALLENGE, error.detail)
    if isinstance(error, domain.ForeignCursor):
        return foreign_page_token()
    if isinstance(error, domain.QueryTooSlow):
        detail = "The query took too long. Narrow it with since and until."
        return Problem(422, "query-too-slow", "Query too slow", detail)
    if isinstance(error, domain.InvalidValue):
        entry = InputError(error.location, error.pointer, error.keyword, error.limit)
        return invalid_input([entry], error.detail)
    if isinstance(error, domain.Untranslatable):
        entry = InputError("body", error.pointer, "translation", error.limit)
        return Problem(422, "untranslatable", "Untranslatable", error.detail, [entry])
    if isinstance(error, domain.BatchRefused):
        detail = f"{error.refused} of {len(error.outcomes)} lines can't be stored; nothing was."
        members = {"outcomes": error.outcomes}
        return Problem(422, "batch-refused", "Batch refused", detail, members=members)
    if isinstance(error, domain.PlanOutdated | domain.RetentionAtWork):
        return _of_retention(error)
    if isinstance(error, domain.NotConfigured):
        return unavailable(error.detail, retry_after=_RETRY_LATER)
    return None


def _of_retention(error: domain.PlanOutdated | domain.RetentionAtWork) -> Problem:
    if isinstance(error, domain.RetentionAtWork):
        detail = (
            "Another run of retention is at work. Nothing is committed until it has ended; "
            "GET /admin/retention/runs tells how far it is."
        )
        headers = {"Retry-After": str(_RETRY_MUCH_LATER)}
        return Problem(409, "retention-at-work", "Retention at work", detail, headers=headers)
    detail = (
        "The dry run is older than 24 hours, its plan_hash is another, or it says no longer what "
        "would be deleted. Nothing was deleted. See plan for what would be now, and commit that."
    )
    members = {"plan": error.plan}
    title = "Retention plan outdated"
    return Problem(409, "retention-plan-outdated", title, detail, members=members)


def _of_database(error: database.DatabaseError) -> Problem | None:
    if isinstance(error, database.StatementTimeout):
        return unavailable("The database took too long. Try again.", retry_after=_RETRY_LATER)
    if isinstance(error, database.PoolTimeout):
        return unavailable("The service is busy. Try again.", retry_after=_RETRY_SOON)
    if isinstance(error, database.CommitUnknown):
        detail = (
            "The connection to the database broke while the request was being committed, so it may "
            "have had its effect. Send it again with the same Idempotency-Key."
        )
        return unavailable(detail, retry_after=_RETRY_LATER)
    if isinstance(error, _NOTHING_NEW):
        detail = "The database takes nothing new now, as the log says; reading goes on. Try again."
        return unavailable(detail, retry_after=_RETRY_MUCH_LATER)
    if isinstance(error, database.DatabaseUnavailable):
        return unavailable("The database can't be had now. Try again.", retry_after=_RETRY_LATER)
    if isinstance(error, database.SerializationConflict | database.LockUnavailable):
        return unavailable("Another request was in the way. Try again.", retry_after=_RETRY_SOON)
    if isinstance(error, _UNSTORABLE):
        return invalid_input([InputError("body", "", "storable")], str(error))
    return None


_NOTHING_NEW = (
    database.StorageFull,
    database.DatabaseReadOnly,
    database.PartitionMissing,
)
_UNSTORABLE = (
    database.InvalidText,
    database.NumericOverflow,
    database.InvalidMoment,
    database.TooComplex,
)
