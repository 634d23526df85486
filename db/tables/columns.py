"""What the tables are made of: their collection, and columns and checks that recur."""

from typing import Final

from sqlalchemy import CheckConstraint, DateTime, MetaData, Text

metadata: Final = MetaData()


def words() -> Text:
    """Text compared byte by byte: an index survives an upgrade of the system's collations."""
    return Text(collation="C")


def moment() -> DateTime:
    return DateTime(timezone=True)


def length(table: str, column: str, limit: int, *, least: int = 1) -> CheckConstraint:
    return CheckConstraint(
        f"char_length({column}) BETWEEN {least} AND {limit}", name=f"{table}_{column}_length"
    )


def digest(table: str, column: str) -> CheckConstraint:
    return CheckConstraint(f"octet_length({column}) = 32", name=f"{table}_{column}_length")
