"""How a command ends that can't do its work: a sentence on standard error, and exit code 1."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from db.embedded import EmbeddedError
from db.errors import DatabaseError
from service.auth import ApiKeysError
from service.settings import SettingsError


@contextmanager
def told() -> Iterator[None]:
    """Says what went wrong in a sentence, and exits with 1."""
    try:
        yield
    except (SettingsError, ApiKeysError, EmbeddedError, DatabaseError) as error:
        raise click.ClickException(str(error)) from error
