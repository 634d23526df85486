"""What we keep of each job; the queue's own tables are its library's."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    PrimaryKeyConstraint,
    Table,
)

from db.tables.columns import length, metadata, moment, words

job_outcomes: Final = Table(
    "job_outcomes",
    metadata,
    Column("job_id", BigInteger, nullable=False, autoincrement=False),
    Column("had_effect", Boolean, nullable=False),
    Column("failure", words()),
    Column("failed_at", moment()),
    PrimaryKeyConstraint("job_id", name="job_outcomes_pkey"),
    length("job_outcomes", "failure", 1000),
)
