"""PostgreSQL: tables, migrations, the session and the queries of each tag.

Imports nothing of handlers, service, generated, policies or formats: rows come out, never
contract models.
"""
