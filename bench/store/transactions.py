"""The engine, and transactions that see one tenant's rows alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, text

_SET_TENANT: Final = text("SELECT set_config('app.tenant_id', :tenant_id, true)")
_OPTIONS: Final = (
    "-c timezone=UTC -c statement_timeout=5000 -c idle_in_transaction_session_timeout=10000"
)


@lru_cache
def _engine() -> Engine:
    return create_engine(
        os.environ["DATABASE_URL"],
        pool_size=int(os.environ["DB_POOL_SIZE"]),
        max_overflow=0,
        pool_timeout=2.0,
        connect_args={"application_name": "peer", "options": _OPTIONS},
    )


@lru_cache
def _snapshot_engine() -> Engine:
    """The same pool, for transactions that read one snapshot."""
    return _engine().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@contextmanager
def writing(tenant_id: str) -> Iterator[Connection]:
    with _engine().begin() as connection:
        connection.execute(_SET_TENANT, {"tenant_id": tenant_id})
        yield connection


@contextmanager
def reading(tenant_id: str) -> Iterator[Connection]:
    with _snapshot_engine().begin() as connection:
        connection.execute(_SET_TENANT, {"tenant_id": tenant_id})
        yield connection
