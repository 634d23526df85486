"""What an export may be: its limits, what its file is called, and where its pieces lie in a store.

Knows no database, no store and no clock.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

Format = Literal["ndjson", "csv", "parquet"]
Compression = Literal["gzip", "none"]

LONGEST_WINDOW: Final = timedelta(days=90)
MOST_REPORTS: Final = 1_000_000
COUNTED_AT_MOST: Final = 5_000_000
"""Of more than may be exported, so many are still told of exactly."""
MOST_AT_WORK: Final = 3
"""Exports of one tenant that wait or are being written."""

WRITE_TASK: Final = "write_export"
DELETE_TASK: Final = "delete_export_files"
"""What the worker's jobs are called."""

_SEVERITIES: Final = ("info", "warn", "block")


@dataclass(frozen=True, slots=True)
class TooMuch:
    """A limit that what was asked for is over. `detail` names it and the size asked for."""

    pointer: str
    keyword: str
    limit: str
    detail: str


def check_window(since: datetime, until: datetime) -> TooMuch | None:
    """What is wrong with a window, None if nothing is."""
    if until <= since:
        detail = "until is not after since; an export needs a window of time."
        return TooMuch("/until", "after", "since", detail)
    if until - since > LONGEST_WINDOW:
        limit = LONGEST_WINDOW.days
        days = (until - since) / timedelta(days=1)
        detail = (
            f"The window is {_rounded_up(days)} days long; an export may have {limit}. Ask for "
            "several exports, each of a part of it."
        )
        return TooMuch("/until", "maxDays", str(limit), detail)
    return None


def check_count(count: int, *, exact: bool) -> TooMuch | None:
    """What is wrong with exporting so many reports; not `exact`, there are more than `count`."""
    if count <= MOST_REPORTS and exact:
        return None
    told = f"{count:,}" if exact else f"more than {count:,}"
    detail = (
        f"There are {told} such reports; an export may have {MOST_REPORTS:,}. Ask for several "
        "exports, each of a shorter window."
    )
    return TooMuch("", "maxReports", str(MOST_REPORTS), detail)


def compression_of(export_format: Format, asked: Compression | None) -> Compression | TooMuch:
    """How the file is compressed as a whole."""
    if export_format != "parquet":
        return asked or "gzip"
    if asked == "gzip":
        detail = "Parquet compresses its columns itself; leave compression out, or ask for none."
        return TooMuch("/compression", "const", '"none"', detail)
    return "none"


def severities_of(asked: Sequence[str] | None) -> tuple[str, ...]:
    """The severities of an export, mildest first; all of them where none was asked for."""
    return tuple(each for each in _SEVERITIES if asked is None or each in asked)


def extension(export_format: str, compression: str) -> str:
    return f"{export_format}.gz" if compression == "gzip" else export_format


def download_name(export_id: UUID, export_format: str, compression: str) -> str:
    """The name that the file is saved under."""
    return f"qc-reports-{export_id}.{extension(export_format, compression)}"


def folder_name(tenant_id: str, export_id: UUID) -> str:
    """What the names of all that an export has in a store begin with.

    A digest stands for the tenant: names are seen by whoever runs the store.
    """
    tenant = hashlib.sha256(tenant_id.encode()).hexdigest()[:32]
    return f"{tenant}/{export_id}/"


def parts_prefix(folder: str) -> str:
    """What the names of all parts begin with, and the file's does not."""
    return f"{folder}part-"


def part_name(folder: str, number: int) -> str:
    """`number` counts from 1."""
    return f"{parts_prefix(folder)}{number:06}"


def file_name(folder: str, export_format: str, compression: str) -> str:
    """The name of the whole file in a store."""
    return f"{folder}export.{extension(export_format, compression)}"


def export_id_in(name: str) -> UUID | None:
    """The export that something in a store is of; None for what no export has written."""
    pieces = name.split("/")
    if len(pieces) != 3:
        return None
    try:
        return UUID(pieces[1])
    except ValueError:
        return None


def _rounded_up(days: float) -> str:
    """With two decimals, so that what is barely over doesn't read as if it were not."""
    return f"{-(-days * 100 // 1) / 100:g}"
