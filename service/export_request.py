"""What `collector export` asks for: its options as a request, what isn't given by FILE's name."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click

from generated.models import ExportRequest
from policies.exports import LONGEST_WINDOW
from policies.moments import MomentError, moment

_AHEAD: Final = timedelta(hours=1)
FORMATS: Final = ("ndjson", "csv", "parquet")
_OF_SUFFIX: Final = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".parquet": "parquet",
}


def export_request(
    now: datetime,
    since: str,
    until: str,
    severities: Sequence[str],
    format_name: str | None,
    compression: str | None,
    include_raw: bool,
    file: Path | None,
) -> ExportRequest:
    """Raises click.UsageError for times that can't be read."""
    begin, end = _moment("--since", since, now), _moment("--until", until, now)
    if until == "now":
        # The service's own clock says when that is, and takes a later time for it.
        end = max(end, min(end + _AHEAD, begin + LONGEST_WINDOW))
    chosen = format_name or _format_of(file) or "ndjson"
    packed = compression or _compression_of(file, chosen)
    # What isn't given is left out: null would be something else.
    optional = {
        "severity": list(dict.fromkeys(severities)) or None,
        "compression": packed,
        "include_raw": include_raw or None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return ExportRequest.model_validate({"since": begin, "until": end, "format": chosen, **given})


def _moment(option: str, text: str, now: datetime) -> datetime:
    try:
        return moment(text, now)
    except MomentError as error:
        raise click.UsageError(f"{option}: {error}") from error


def _format_of(file: Path | None) -> str | None:
    if file is None:
        return None
    return _OF_SUFFIX.get(Path(file.name.lower().removesuffix(".gz")).suffix)


def _compression_of(file: Path | None, format_name: str) -> str | None:
    """None leaves it to the service."""
    if file is None or format_name == "parquet" or _format_of(file) is None:
        return None
    return "gzip" if file.name.lower().endswith(".gz") else "none"
