"""A report as an export has it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class ExportedReport(NamedTuple):
    """`document` is the report's canonical JSON text; `redaction` is JSON text too, or None.

    `sha256` is of the report with its raw, whether or not the document has it.
    """

    id: UUID
    created_at: datetime
    severity: str
    policy_version: str | None
    source: str | None
    stream: str | None
    pass_count: int
    warn_count: int
    block_count: int
    inconsistencies: int
    duplicate_of: UUID | None
    sha256: bytes
    redaction: str | None
    document: bytes
