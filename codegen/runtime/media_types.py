"""Reads media types (RFC 9110, 8.3), which know no case, and their charset; nothing else."""

# JSON is UTF-8 (RFC 8259, 8.1), whether a sender says so or not; ASCII is a part of it.
UTF_8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
_JSON_LINES = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)


def is_json(media_type: str) -> bool:
    essence = media_type_of(media_type.encode("latin-1"))[0]
    return essence == "application/json" or essence.endswith("+json")


def is_json_lines(media_type: str) -> bool:
    """Whether it is one JSON value a line, which goes by several names as none is registered."""
    return media_type_of(media_type.encode("latin-1"))[0] in _JSON_LINES


def media_type_of(header: bytes) -> tuple[str, str]:
    """Media type and charset of a Content-Type, in small letters; an absent one is empty."""
    essence, *options = header.decode("latin-1").split(";")
    charset = ""
    for option in options:
        name, _, value = option.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return essence.strip().lower(), charset
