"""Retention of half of a tenant's reports, and what the others who use the service feel of it."""
