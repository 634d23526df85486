"""Tests of db, on a real PostgreSQL."""
