"""Where exports lie in S3-compatible storage: what `EXPORT_STORE=s3://bucket/prefix` means.

Reads the usual `AWS_*` variables only to say what is wrong with them; the library reads them
itself. Connects to nothing.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

SCHEME: Final = "s3://"
# The first that is set counts, as it does for the library.
ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", re.ASCII)
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
_LONGEST_PREFIX: Final = 512


@dataclass(frozen=True, slots=True)
class S3Place:
    """`prefix` is empty or ends with a slash; all names begin with it."""

    bucket: str
    prefix: str


def parse_place(text: str) -> S3Place:
    """Raises ValueError, which repeats nothing of `text`: a login may stand in it by mistake."""
    bucket, _, prefix = text.removeprefix(SCHEME).partition("/")
    prefix = prefix.rstrip("/")
    if not text.startswith(SCHEME) or not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise ValueError(
            "neither a folder nor s3://bucket/prefix; a bucket's name is 3 to 63 of a-z, 0-9, . "
            "and -, and a login belongs into AWS_ACCESS_KEY_ID and its like"
        )
    pieces = prefix.split("/")
    if prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(pieces)):
        raise ValueError(
            "a prefix after the bucket is of A-Z, a-z, 0-9, . _ and -, without an empty piece"
        )
    if len(prefix) > _LONGEST_PREFIX:
        raise ValueError(f"a prefix after the bucket has at most {_LONGEST_PREFIX} characters")
    return S3Place(bucket, f"{prefix}/" if prefix else "")


def mistakes_of(environment: Mapping[str, str], *, http_is_fine: bool) -> Iterator[str]:
    """What is wrong with the variables that lead to the storage, each as a sentence."""
    for name in ENDPOINTS:
        if environment.get(name):
            yield from _endpoint_mistakes(name, environment[name], http_is_fine=http_is_fine)
            break
    pair = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    given = [name for name in pair if environment.get(name)]
    if len(given) == 1:
        [missing] = set(pair) - set(given)
        yield f"{given[0]} is set without {missing}"
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if environment.get(name) and not _REGION.fullmatch(environment[name]):
            yield f"{name} is no region, such as eu-central-1"


def _endpoint_mistakes(name: str, url: str, *, http_is_fine: bool) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        is_place = parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        is_place = None
    if not is_place or parts.scheme not in ("https", "http") or parts.username is not None:
        yield f"{name} is no address; write https://host or https://host:port, without a login"
    elif parts.query or parts.fragment or not url.isascii() or " " in url:
        yield f"{name} has more than an address: leave out what follows the path"
    elif parts.scheme == "http" and not (http_is_fine or _is_loopback(parts.hostname or "")):
        yield (
            f"{name} is http://, by which everyone on the way reads the reports; write https://, "
            "or set AWS_ALLOW_HTTP=true where the way is safe"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
