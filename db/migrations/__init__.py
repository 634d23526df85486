"""Alembic's environment and revisions; run through `db.migrate`, never through its own command."""
