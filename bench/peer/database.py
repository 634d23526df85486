"""The engine, and the caller's tenant's transaction as a dependency with yield.

`scope="function"` ends the transaction before the answer is sent: a report that is acknowledged
has been committed.
"""

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Final

from fastapi import Depends
from sqlalchemy import Connection, Engine, create_engine, text

from bench.peer.security import Caller

_SET_TENANT: Final = text("SELECT set_config('app.tenant_id', :tenant_id, true)")
_OPTIONS: Final = (
    "-c timezone=UTC -c statement_timeout=5000 -c idle_in_transaction_session_timeout=10000"
)


@lru_cache
def engine() -> Engine:
    return create_engine(
        os.environ["DATABASE_URL"],
        pool_size=int(os.environ["DB_POOL_SIZE"]),
        max_overflow=0,
        pool_timeout=2.0,
        connect_args={"application_name": "peer", "options": _OPTIONS},
    )


@lru_cache
def snapshot_engine() -> Engine:
    """The same pool, for transactions that read one snapshot."""
    return engine().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def writing_transaction(caller: Caller) -> Iterator[Connection]:
    with engine().begin() as connection:
        connection.execute(_SET_TENANT, {"tenant_id": caller.tenant_id})
        yield connection


def reading_transaction(caller: Caller) -> Iterator[Connection]:
    with snapshot_engine().begin() as connection:
        connection.execute(_SET_TENANT, {"tenant_id": caller.tenant_id})
        yield connection


Writing = Annotated[Connection, Depends(writing_transaction, scope="function")]
Reading = Annotated[Connection, Depends(reading_transaction, scope="function")]
