"""The only door to PostgreSQL at run time: a pool, and transactions that belong to one tenant.

Everything a transaction needs is set for that transaction alone, in the round trip that begins
it, so neither our own pool nor a transaction pooler can carry it over to somebody else.
"""

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import psycopg2
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy import exc as sqlalchemy_errors

from db import errors
from db.ids import TenantId
from db.silence import Silence
from db.transaction import (
    Parameters,
    Row,
    Transaction,
    commit,
    give_back,
    is_closed,
    roll_back,
)
from db.writes import Writes

_SETTINGS: Final = (
    "SELECT set_config('app.tenant_id', %(tenant_id)s, true),"
    " set_config('timezone', 'UTC', true),"
    " set_config('statement_timeout', %(statement_timeout)s, true),"
    " set_config('lock_timeout', %(lock_timeout)s, true),"
    " set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, true),"
    " clock_timestamp()"
)
_BEGIN_WRITING: Final = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_SETTINGS}"
_BEGIN_READING: Final = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_SETTINGS}"
# Statements of one message are one transaction to the server, which ends with the message.
_ALONE: Final = f"{_SETTINGS}, set_config('transaction_read_only', 'on', true)"
_STANDBY_REFUSES_BEGIN: Final = "0A000"
# What the server's own time limits may be late by before its connection is cut.
_ANSWER_MARGIN_SECONDS: Final = 10.0
_PING_SECONDS: Final = 3.0
# Without these a peer that vanished is noticed after hours only.
_NETWORK: Final[dict[str, int]] = {
    "connect_timeout": 3,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Database:
    """A pool of connections of one login role. Make one per process; close it at the end."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        pool_timeout: float = 2.0,
        statement_timeout_ms: int = 5_000,
        lock_timeout_ms: int = 3_000,
        idle_in_transaction_timeout_ms: int = 10_000,
        application_name: str = "collector",
        on_statement: Callable[[str], None] | None = None,
    ) -> None:
        """`on_statement` gets the SQL of each round trip, parameters left out of it.

        A statement waits for a lock no longer than `lock_timeout_ms`. A round trip that takes ten
        seconds more than `statement_timeout_ms` costs the connection: nothing waits for ever.
        """
        parsed = make_url(url)
        defaults = {"application_name": application_name, "client_encoding": "utf8", **_NETWORK}
        self._engine = create_engine(
            parsed,
            # Autocommit keeps psycopg2 from sending a BEGIN of its own: ours carries more.
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_reset_on_return=None,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={n: value for n, value in defaults.items() if n not in parsed.query},
        )
        self._attempts = pool_size + 1
        self._statement_timeout = str(statement_timeout_ms)
        self._lock_timeout = str(lock_timeout_ms)
        self._idle_timeout = str(idle_in_transaction_timeout_ms)
        self._patience = statement_timeout_ms / 1000 + _ANSWER_MARGIN_SECONDS
        self._silence = Silence()
        self._writes = Writes()
        self.on_statement = on_statement
        _forget_connections_in_children(self._engine, self._silence)

    @contextmanager
    def tenant_transaction(
        self, tenant_id: TenantId, *, read_only: bool = False
    ) -> Iterator[Transaction]:
        """Open a transaction that sees and changes this tenant's rows alone.

        It commits at the end of the block and rolls back if the block raises. A read-only one
        sees a single snapshot; a writing one sees what each statement finds committed. Raises
        PoolTimeout, DatabaseUnavailable, or CommitUnknown if the connection dies in COMMIT.
        """
        _require_tenant(tenant_id)
        with self._transaction(tenant_id, read_only=read_only) as (transaction, _):
            yield transaction

    @contextmanager
    def tenant_snapshot(
        self, tenant_id: TenantId, sql: str, parameters: Parameters
    ) -> Iterator[tuple[Transaction, list[Row]]]:
        """Open a read-only tenant_transaction with the rows of its first statement.

        That one travels with BEGIN, which saves a round trip. Its last column is clock_timestamp(),
        and it always finds a row.
        """
        _require_tenant(tenant_id)
        first = (f"{_BEGIN_READING}; {sql}", parameters)
        with self._transaction(tenant_id, read_only=True, first=first) as (transaction, rows):
            yield transaction, rows

    @contextmanager
    def system_transaction(self, *, read_only: bool = False) -> Iterator[Transaction]:
        """Open a transaction of no tenant: tenants' rows show to roles with their own policies."""
        with self._transaction(TenantId(""), read_only=read_only) as (transaction, _):
            yield transaction

    def tenant_rows(
        self, tenant_id: TenantId, sql: str, parameters: Parameters | None = None
    ) -> list[Row]:
        """Run one reading statement in a transaction of its own, all in a single round trip.

        What a look at one thing needs, at a third of the round trips of `tenant_transaction`.
        `sql` and what is raised are as in Transaction.rows, and as in tenant_transaction.
        """
        _require_tenant(tenant_id)
        transaction, rows = self._first_rows(tenant_id, f"{_ALONE}; {sql}", parameters or {})
        self._give_back(transaction)
        return rows

    def ping(self, sql: str = "SELECT true") -> list[Row]:
        """Return what a statement without a tenant finds, if the database answers within seconds.

        It goes along in the one round trip. Raises DatabaseUnavailable if no answer comes.
        """
        statement = f"{_ALONE}; {sql}"
        transaction, rows = self._first_rows(TenantId(""), statement, {}, patience=_PING_SECONDS)
        self._give_back(transaction)
        return rows

    @property
    def refuses_writes(self) -> bool:
        """Whether it refused this process's last write for a reason that holds for every write."""
        return self._writes.are_refused

    def close(self) -> None:
        """Close idle connections; those in use close when they come back."""
        self._engine.dispose()

    @contextmanager
    def _transaction(
        self, tenant_id: TenantId, *, read_only: bool, first: tuple[str, Parameters] | None = None
    ) -> Iterator[tuple[Transaction, list[Row]]]:
        begin = _BEGIN_READING if read_only else _BEGIN_WRITING
        try:
            with self._open(tenant_id, *(first or (begin, {}))) as opened:
                yield opened
        except errors.DatabaseError as error:
            self._writes.failed(error)
            if isinstance(error, errors.DatabaseReadOnly):
                self._leave_server()
            raise
        if not read_only:
            self._writes.succeeded()

    @contextmanager
    def _open(
        self, tenant_id: TenantId, begin: str, parameters: Parameters
    ) -> Iterator[tuple[Transaction, list[Row]]]:
        transaction, rows = self._first_rows(tenant_id, begin, parameters)
        transaction.began_at = rows[0][-1]
        try:
            try:
                yield transaction, rows
            except BaseException:
                roll_back(transaction)
                raise
            commit(transaction)
        finally:
            self._give_back(transaction)

    def _first_rows(
        self, tenant_id: TenantId, sql: str, parameters: Parameters, patience: float | None = None
    ) -> tuple[Transaction, list[Row]]:
        """Send a message that sets up its transaction, on a connection that is alive."""
        parameters = {
            **parameters,
            "tenant_id": tenant_id,
            "statement_timeout": self._statement_timeout,
            "lock_timeout": self._lock_timeout,
            "idle_timeout": self._idle_timeout,
        }
        patience = patience or self._patience
        for attempt in range(1, self._attempts + 1):
            connection = self._connect()
            try:
                transaction = Transaction(
                    tenant_id, connection, self._silence, patience, self.on_statement
                )
                return transaction, transaction.rows(sql, parameters)
            except psycopg2.InterfaceError as error:
                failure = errors.from_driver(error)
                failure.__cause__ = error
            except errors.DatabaseError as error:
                failure = error
            except BaseException:
                give_back(connection)
                raise
            # Nothing of ours has run yet, so a connection that died while idle is replaced by
            # the next one; a server that's gone shows when that one cannot be opened.
            died = is_closed(connection)
            give_back(connection)
            if isinstance(failure, errors.DatabaseSilent):
                self._leave_server()
                raise failure
            if failure.sqlstate == _STANDBY_REFUSES_BEGIN:
                raise errors.DatabaseReadOnly(sqlstate=failure.sqlstate) from failure
            if not died or attempt == self._attempts:
                raise failure
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _give_back(self, transaction: Transaction) -> None:
        give_back(transaction.connection)
        if transaction.was_cut:
            self._leave_server()

    def _leave_server(self) -> None:
        """Drop all connections: the others lead to the same server, and would fail callers too."""
        self._engine.dispose()

    def _connect(self) -> Connection:
        try:
            return self._engine.connect()
        except (sqlalchemy_errors.TimeoutError, sqlalchemy_errors.DBAPIError) as error:
            raise errors.from_driver(error) from error


def _require_tenant(tenant_id: TenantId) -> None:
    if not tenant_id:
        raise ValueError("A tenant transaction needs a tenant; the id given is empty.")


def _forget_connections_in_children(engine: Engine, silence: Silence) -> None:
    # Two processes on one socket would read each other's answers; the parent keeps using it.
    reference = weakref.ref(engine)
    watched = weakref.ref(silence)

    def forget() -> None:
        inherited = reference()
        if inherited is not None:
            inherited.dispose(close=False)
        waiting = watched()
        if waiting is not None:
            waiting.forget()

    os.register_at_fork(after_in_child=forget)
