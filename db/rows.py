"""Rows as the driver hands them out, and as the rest of the program takes them."""

from typing import Any

from db.transaction import Row


def with_bytes(row: Row) -> list[Any]:
    """The values of a row, with bytes where psycopg2 hands bytea out as a memoryview."""
    return [bytes(value) if isinstance(value, memoryview) else value for value in row]
