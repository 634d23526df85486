"""The public keys that a person names as trusted: from a file, or from where a collector tells."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import httpx2

from policies.published_keys import PublishedKey, PublishedKeysError, by_id, read_keys

WELL_KNOWN: Final = "/.well-known/collector-keys.json"
_FETCH_SECONDS: Final = 10


def trusted_keys(where: str) -> dict[str, PublishedKey]:
    """By key id, from a file or URL. Raises click.UsageError, which speaks of --keys."""
    try:
        if where.startswith(("https://", "http://")):
            return by_id(read_keys(_fetched(where)))
        return by_id(read_keys(Path(where).read_bytes()))
    except OSError as error:
        raise click.UsageError(f"--keys: can't read the file: {error.strerror}") from error
    except PublishedKeysError as error:
        raise click.UsageError(f"--keys: {error}") from error


def _fetched(url: str) -> bytes:
    """What a URL answers; of a collector's own address, its listing."""
    if urlsplit(url).path in ("", "/"):
        url = url.rstrip("/") + WELL_KNOWN
    try:
        response = httpx2.get(url, timeout=_FETCH_SECONDS, follow_redirects=True)
    except (httpx2.TransportError, httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise click.UsageError(f"--keys: no answer ({type(error).__name__})") from error
    if response.status_code != 200:
        raise click.UsageError(f"--keys: the answer is {response.status_code}, not 200")
    return response.content
