"""How the peers of this benchmark keep reports: SQLAlchemy Core over the service's own tables.

Both peers use it, as what is compared is how they take and answer requests; the service itself
never does.
"""
