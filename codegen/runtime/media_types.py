"""Reads media types (RFC 9110, 8.3), which know no case, and their charset; nothing else."""

from collections.abc import Iterable
from functools import lru_cache

# JSON is UTF-8 (RFC 8259, 8.1), whether a sender says so or not; ASCII is a part of it.
UTF_8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
_JSON_LINES = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)


def is_json(media_type: str) -> bool:
    essence = _essence(media_type)
    return essence == "application/json" or essence.endswith("+json")


def is_problem(media_type: str) -> bool:
    """Whether a body says of itself that it is a problem (RFC 9457)."""
    return _essence(media_type) == "application/problem+json"


def is_json_lines(media_type: str) -> bool:
    """Whether it is one JSON value a line, which goes by several names as none is registered."""
    return _essence(media_type) in _JSON_LINES


def is_urlencoded(media_type: str) -> bool:
    return _essence(media_type) == "application/x-www-form-urlencoded"


def is_multipart(media_type: str) -> bool:
    """Whether it is a form of parts; other kinds of multipart are no forms."""
    return _essence(media_type) == "multipart/form-data"


def matches(declared: str, essence: str) -> bool:
    """Whether a media type, in small letters, is the declared one or in its range (`image/*`)."""
    known = _essence(declared)
    kind, _, rest = known.partition("/")
    return essence == known or (rest == "*" and kind in ("*", essence.partition("/")[0]))


def most_specific(declared: Iterable[str], essence: str) -> str | None:
    """Which of some declared media types and ranges one belongs to (RFC 9110, 12.5.1)."""
    found = [each for each in declared if matches(each, essence)]
    return min(found, key=lambda each: each.count("*"), default=None)


# A contract has few, and each is asked for again and again.
@lru_cache(maxsize=256)
def _essence(declared: str) -> str:
    """Of what a contract says, where any character may stand."""
    return media_type_of(declared.encode("latin-1", "replace"))[0]


def media_type_of(header: bytes) -> tuple[str, str]:
    """Media type and charset of a Content-Type, in small letters; an absent one is empty."""
    essence, *options = header.decode("latin-1").split(";")
    charset = ""
    for option in options:
        name, _, value = option.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return essence.strip().lower(), charset
