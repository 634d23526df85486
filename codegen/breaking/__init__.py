"""Tells how a contract changed: what breaks whom, and which version it asks for."""
