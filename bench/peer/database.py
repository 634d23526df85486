"""The caller's tenant's transaction as a dependency with yield.

`scope="function"` ends the transaction before the answer is sent: a report that is acknowledged
has been committed.
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy import Connection

from bench.peer.security import Caller
from bench.store import transactions


def writing_transaction(caller: Caller) -> Iterator[Connection]:
    with transactions.writing(caller.tenant_id) as connection:
        yield connection


def reading_transaction(caller: Caller) -> Iterator[Connection]:
    with transactions.reading(caller.tenant_id) as connection:
        yield connection


Writing = Annotated[Connection, Depends(writing_transaction, scope="function")]
Reading = Annotated[Connection, Depends(reading_transaction, scope="function")]
