"""Exports of a tenant's reports beside what PostgreSQL's own tools make of the same rows."""
