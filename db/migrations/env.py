"""Runs revisions on the connection that `db.migrate` hands over; opens none and reads no file."""

from alembic import context
from sqlalchemy import Connection

from db.tables import metadata


def _run() -> None:
    connection = context.config.attributes["connection"]
    if not isinstance(connection, Connection):
        raise TypeError("Migrations run through `collector migrate`, which supplies a connection.")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        version_table_schema="public",
    )
    with context.begin_transaction():
        context.run_migrations()


_run()
