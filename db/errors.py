"""What can go wrong with the database, without a word of HTTP, and the mapping from SQLSTATE.

Messages are constant per class: they never contain parameters, SQL or the server's own text,
which may quote a row. The driver's error stays in `__cause__` for the log.
"""

from typing import Final

import psycopg2
from sqlalchemy import exc as sqlalchemy_errors


class DatabaseError(Exception):
    """Anything the database refused or could not do; `sqlstate` is None where none arrived."""

    message = "The database refused a statement for a reason this program does not expect."

    def __init__(self, message: str | None = None, *, sqlstate: str | None = None) -> None:
        super().__init__(message or self.message)
        self.sqlstate = sqlstate


class DatabaseUnavailable(DatabaseError):
    message = "The database cannot be reached or is not taking work; try again shortly."


class CommitUnknown(DatabaseUnavailable):
    """The connection died during COMMIT; only asking again shows whether it took effect."""

    message = (
        "The connection was lost while committing, so it is unknown whether the change was kept; "
        "repeat the request with the same idempotency key."
    )


class DatabaseSilent(DatabaseUnavailable):
    message = "The database did not answer in time, so the connection to it was cut; try again."


class DatabaseReadOnly(DatabaseUnavailable):
    message = (
        "The database takes no writes: it is a standby or was made read-only; see that the URL "
        "names the primary."
    )


class StorageFull(DatabaseUnavailable):
    message = "The database's disk is full, so it stores nothing new; free space on it."


class PoolTimeout(DatabaseUnavailable):
    message = "All database connections of this process are in use; try again shortly."


class PartitionMissing(DatabaseUnavailable):
    message = (
        "No partition of reports covers the present time; run `collector migrate`, and see that "
        "a worker runs."
    )


class StatementTimeout(DatabaseError):
    message = "The statement took longer than its time limit; ask for a narrower window."


class LockUnavailable(DatabaseError):
    message = "Another transaction holds a lock that was not released in time; try again."


class SerializationConflict(DatabaseError):
    message = "The transaction collided with a concurrent one and had no effect; try again."


class TransactionFailed(DatabaseError):
    message = "The transaction went on after an error of its own and was rolled back."


class InvalidText(DatabaseError):
    message = "A text value cannot be stored: it has a NUL, a lone surrogate or a malformed form."


class NumericOverflow(DatabaseError):
    message = "A number is outside the range of its column."


class InvalidMoment(DatabaseError):
    message = "A date or time is outside the range that can be stored."


class TooComplex(DatabaseError):
    message = "A value or query is nested or sized beyond what the database can process."


class ConstraintViolated(DatabaseError):
    message = "A value breaks a rule of its table."


class AccessRefused(DatabaseError):
    message = "The database role may not do this, or the row belongs to another tenant."


class RoleNotIsolated(DatabaseError):
    """Row level security does not bind the connected role."""


class MigrationFailed(DatabaseError):
    """For operators: the message quotes the server's own, which DDL fills with names alone."""


class SchemaOutOfDate(DatabaseError):
    """The database is at another revision than this program."""


_BY_STATE: Final[dict[str, type[DatabaseError]]] = {
    "22P02": InvalidText,
    "22P05": InvalidText,
    "22021": InvalidText,
    "22032": InvalidText,
    "22003": NumericOverflow,
    "22007": InvalidMoment,
    "22008": InvalidMoment,
    "22009": InvalidMoment,
    "25006": DatabaseReadOnly,
    "25P02": TransactionFailed,
    "25P03": StatementTimeout,
    "25P04": StatementTimeout,
    "42501": AccessRefused,
    "53100": StorageFull,
    "55P03": LockUnavailable,
    "57014": StatementTimeout,
    "57P01": DatabaseUnavailable,
    "57P02": DatabaseUnavailable,
    "57P03": DatabaseUnavailable,
    "57P04": DatabaseUnavailable,
    "57P05": DatabaseUnavailable,
}
_BY_STATE_CLASS: Final[dict[str, type[DatabaseError]]] = {
    "08": DatabaseUnavailable,
    "23": ConstraintViolated,
    "28": DatabaseUnavailable,
    "3D": DatabaseUnavailable,
    "40": SerializationConflict,
    "53": DatabaseUnavailable,
    "54": TooComplex,
    "58": DatabaseUnavailable,
}
_CHECK_VIOLATION = "23514"


def is_of_the_connection(error: psycopg2.Error) -> bool:
    """Whether the driver speaks of a connection that broke, not the server of a statement.

    Mostly that is an OperationalError, but a bare DatabaseError where libpq has no words for it.
    """
    kinds = (psycopg2.OperationalError, psycopg2.InterfaceError)
    return error.pgcode is None and (
        isinstance(error, kinds) or type(error) is psycopg2.DatabaseError
    )


def from_driver(error: BaseException) -> DatabaseError:
    """Return the error to raise `from error`, by SQLSTATE where the server sent one.

    Takes what psycopg2 and SQLAlchemy raise, and the ValueError by which psycopg2 refuses text
    it can't encode.
    """
    if isinstance(error, sqlalchemy_errors.TimeoutError):
        return PoolTimeout()
    if isinstance(error, sqlalchemy_errors.DBAPIError) and error.orig is not None:
        return from_driver(error.orig)
    if isinstance(error, ValueError):
        return InvalidText()
    if not isinstance(error, psycopg2.Error):
        return DatabaseError()
    state = error.pgcode
    if state is None:
        return DatabaseUnavailable() if is_of_the_connection(error) else DatabaseError()
    if state == _CHECK_VIOLATION and error.diag.constraint_name is None:
        # A row that fits no partition is reported as a check violation that names no constraint.
        return PartitionMissing(sqlstate=state)
    kind = _BY_STATE.get(state) or _BY_STATE_CLASS.get(state[:2], DatabaseError)
    return kind(sqlstate=state)
