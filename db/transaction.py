"""One open transaction: its statements, and how it ends so that its connection can be used again.

`db.session` opens them; nothing else does.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import psycopg2
from psycopg2 import extensions
from sqlalchemy import Connection

from db import audit, errors, journal
from db.audit import AuditEvent
from db.ids import ReportId, TenantId, ids_of_ticks, tick_of
from db.revisions import BUMP, RevisionClass
from db.silence import Silence

Row = tuple[Any, ...]
Parameters = Mapping[str, object]

_SLOTS: Final = 16


class Transaction:
    """One open transaction of one tenant; valid inside its `with` block, in one thread."""

    __slots__ = (
        "_bumps",
        "_cursor",
        "_events",
        "_journal",
        "_last_tick",
        "_on_statement",
        "_patience",
        "_savepoint",
        "_silence",
        "began_at",
        "connection",
        "tenant_id",
        "was_cut",
    )

    began_at: datetime
    """The database's clock when the transaction began; what a read-only one sees is older."""

    def __init__(
        self,
        tenant_id: TenantId,
        connection: Connection,
        silence: Silence,
        patience: float,
        on_statement: Callable[[str], None] | None,
    ) -> None:
        self.tenant_id = tenant_id
        self.connection = connection
        """For libraries that want SQLAlchemy's own; never commit, roll back or close it."""
        self._cursor = driver_connection(connection).cursor()
        self._silence = silence
        self._patience = patience
        self.was_cut = False
        """Whether a round trip took longer than `patience` seconds, which cost the connection."""
        self._on_statement = on_statement
        self._bumps: set[RevisionClass] = set()
        self._events: list[AuditEvent] = []
        self._journal: list[tuple[str, str, bytes]] = []
        self._savepoint = (0, 0)
        self._last_tick = 0

    def new_report_id(self) -> ReportId:
        """Make the id of a report to store in this transaction, greater than those it made before.

        Its moment is the beginning of the transaction, and past that a millisecond for each 4096
        ids: less than storing as many takes, so that no id lies in the future at the commit.
        """
        return self.new_report_ids(1)[0]

    def new_report_ids(self, count: int) -> list[ReportId]:
        """Make the ids of reports to store in this transaction, each greater than the last.

        Asks the database nothing: it may be done while another thread runs a statement.
        """
        first = max(self._last_tick + 1, tick_of(self.began_at))
        self._last_tick = first + count - 1
        return ids_of_ticks(first, count)

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement in a round trip; return all its rows, or none if it returns none.

        `sql` is constant text with `%(name)s` parameters. Raises db.errors.DatabaseError, one of
        which is DatabaseSilent: no answer came in the time that the session allows.
        """
        try:
            self._ask(sql, parameters)
        except (psycopg2.Error, ValueError) as error:
            failure = errors.DatabaseSilent() if self.was_cut else errors.from_driver(error)
            raise failure from error
        return self._cursor.fetchall() if self._cursor.description is not None else []

    def row(self, sql: str, parameters: Parameters | None = None) -> Row | None:
        """Like `rows`, for a statement of at most one row."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def changed_rows(self, sql: str, parameters: Parameters | None = None) -> int:
        """Like `rows`, but return how many rows were inserted, updated or deleted."""
        self.rows(sql, parameters)
        changed: int = self._cursor.rowcount
        return changed

    def set_savepoint(self) -> None:
        """Mark where `return_to_savepoint` leads back to; a later mark replaces this one."""
        self.rows("SAVEPOINT marked")
        self._savepoint = len(self._events), len(self._journal)

    def return_to_savepoint(self) -> None:
        """Undo all since the mark, and free what was locked since; the transaction goes on."""
        self.rows("ROLLBACK TO SAVEPOINT marked")
        events, journal_rows = self._savepoint
        del self._events[events:], self._journal[journal_rows:]

    def bump_at_commit(self, revision_class: RevisionClass) -> None:
        """Note that data of this class changed; its revision moves as the last statement.

        Last, because the slot's row stays locked until the commit.
        """
        self._bumps.add(revision_class)

    def audit_at_commit(self, event: AuditEvent) -> None:
        """Note an entry for the tenant's audit chain; see `db.audit.record`."""
        self._events.append(event)

    def journal_at_commit(self, key_id: str, request_id: str, leaves: bytes) -> None:
        """Note reports that were stored: all that one request stored make one row of the journal.

        `leaves` is what `db.journal.leaves_of` makes of them.
        """
        self._journal.append((key_id, request_id, leaves))

    def finish(self) -> None:
        """Write the journal, bump revisions, append to the audit chain, and commit: all in one
        round trip. For the session alone.
        """
        statements = [*self._journal_rows(), *self._revision_bumps(), *self._audit_entries()]
        # Already interpolated: without parameters psycopg2 leaves percent signs alone.
        self._ask("; ".join([*statements, "COMMIT"]), None)
        if self._cursor.statusmessage != "COMMIT":
            # PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, and no error.
            raise errors.TransactionFailed

    def _journal_rows(self) -> Iterator[str]:
        by_request: dict[tuple[str, str], list[bytes]] = {}
        for key_id, request_id, leaves in self._journal:
            by_request.setdefault((key_id, request_id), []).append(leaves)
        for (key_id, request_id), parts in by_request.items():
            row = journal.row(key_id, request_id, b"".join(parts))
            yield self._interpolated(journal.INSERT, row)

    def _revision_bumps(self) -> Iterator[str]:
        # A fixed order of classes keeps two transactions that bump several from a deadlock.
        for revision_class in sorted(self._bumps):
            slot = secrets.randbelow(_SLOTS)
            yield self._interpolated(BUMP, {"class": revision_class.value, "slot": slot})

    def _audit_entries(self) -> Iterator[str]:
        # Last, because the head of the chain stays locked until the commit; and in the same order
        # in every transaction, which keeps them from a deadlock.
        if self._events:
            yield self._interpolated(audit.APPEND, {"events": audit.encoded(self._events)})

    def _interpolated(self, sql: str, parameters: Parameters) -> str:
        return self._cursor.mogrify(sql, {**parameters, "tenant_id": self.tenant_id}).decode()

    def _ask(self, sql: str, parameters: Parameters | None) -> None:
        if self._on_statement is not None:
            self._on_statement(sql)
        try:
            self._await_answer(sql, parameters)
        except psycopg2.DatabaseError as error:
            if errors.is_of_the_connection(error):
                # The driver doesn't notice each time, and would take it for one that lives.
                self._cursor.connection.close()
            raise

    def _await_answer(self, sql: str, parameters: Parameters | None) -> None:
        number = self._silence.begin(self._cursor.connection, self._patience)
        try:
            self._cursor.execute(sql, parameters)
        finally:
            self.was_cut = self._silence.end(number)


def driver_connection(connection: Connection) -> extensions.connection:
    driven = connection.connection.driver_connection
    if not isinstance(driven, extensions.connection):
        raise TypeError("The database URL must name the psycopg2 driver: postgresql+psycopg2://…")
    return driven


def is_closed(connection: Connection) -> bool:
    return driver_connection(connection).closed != 0


def commit(transaction: Transaction) -> None:
    try:
        transaction.finish()
    except psycopg2.Error as error:
        failure = errors.from_driver(error)
        if is_closed(transaction.connection):
            failure = errors.CommitUnknown(sqlstate=failure.sqlstate)
        else:
            roll_back(transaction)
        raise failure from error


def roll_back(transaction: Transaction) -> None:
    driven = driver_connection(transaction.connection)
    if driven.closed:
        return
    if driven.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE:
        return
    try:
        transaction.rows("ROLLBACK")
    except errors.DatabaseError:
        # The server rolls back by itself when the connection closes, which giving it back does.
        driven.close()


def give_back(connection: Connection) -> None:
    """Return a connection to the pool, or drop it unless it's certainly outside a transaction."""
    driven = driver_connection(connection)
    status = driven.info.transaction_status
    if driven.closed or status != extensions.TRANSACTION_STATUS_IDLE:
        connection.invalidate()
    connection.close()
