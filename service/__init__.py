"""Composition root: wires contract, handlers and database into a running service.

The only package that knows settings and logging.
"""

from importlib.metadata import version

VERSION = version("collector")
