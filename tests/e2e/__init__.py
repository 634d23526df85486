"""Whole commands as users start them: real processes, real signals, a real PostgreSQL."""
