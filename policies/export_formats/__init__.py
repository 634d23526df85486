"""The formats that reports are exported in: pure, and the same bytes for the same reports.

An export is written in parts, so that a worker that takes over goes on behind the last of them;
`assemble` then makes one file of these. Nothing here reads a clock, a database or a store.
"""

from policies.export_formats.columns import Parquet
from policies.export_formats.encoding import Encoding, Piece
from policies.export_formats.lines import JsonLines
from policies.export_formats.row import ExportedReport
from policies.export_formats.spreadsheet import Csv

__all__ = ["Encoding", "ExportedReport", "Piece", "encoding_of"]


def encoding_of(export_format: str, compression: str) -> Encoding:
    """Raises LookupError for a format that there is none of."""
    if export_format == "ndjson":
        return JsonLines(is_packed=compression == "gzip")
    if export_format == "csv":
        return Csv(is_packed=compression == "gzip")
    if export_format == "parquet":
        return Parquet()
    raise LookupError(f"no encoding of exports is called {export_format}")
