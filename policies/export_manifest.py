"""What is signed of an export: what was asked for, and what became of it, byte for byte.

`parts` are consecutive ranges of the file that together are all of it, so that a download can be
checked as it comes and a break in it be placed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

PAYLOAD_TYPE: Final = "application/vnd.collector.export-manifest+json"
_VERSION: Final = 1


class ManifestError(ValueError):
    """What is no manifest as it is made here; the message says why."""


@dataclass(frozen=True, slots=True)
class ManifestPart:
    """`size` bytes of the file from `offset` on. `sha256` is hexadecimal; `records` are reports.

    Bytes that belong to no report, such as a Parquet file's footer, are in the parts as well.
    """

    offset: int
    size: int
    sha256: str
    records: int


@dataclass(frozen=True, slots=True)
class ExportManifest:
    """`since`, `until` (not in it), `first_id` and `end_id` (not in it) are the bounds that held.

    `severities` are those of the reports in it; `size` and `sha256` are of the whole file.
    """

    tenant_id: str
    export_id: UUID
    contract_version: str
    created_at: datetime
    finished_at: datetime
    created_by: str
    since: datetime
    until: datetime
    first_id: UUID
    end_id: UUID
    severities: tuple[str, ...]
    format: str
    compression: str
    include_raw: bool
    file_name: str
    records: int
    size: int
    sha256: str
    parts: tuple[ManifestPart, ...]


def manifest_text(manifest: ExportManifest) -> bytes:
    """The manifest as JSON, the same bytes for the same manifest."""
    document = {
        "version": _VERSION,
        "tenant": manifest.tenant_id,
        "export_id": str(manifest.export_id),
        "contract_version": manifest.contract_version,
        "created_at": _written(manifest.created_at),
        "finished_at": _written(manifest.finished_at),
        "created_by": manifest.created_by,
        "bounds": {
            "since": _written(manifest.since),
            "until": _written(manifest.until),
            "first_id": str(manifest.first_id),
            "end_id": str(manifest.end_id),
        },
        "filters": {"severity": list(manifest.severities), "include_raw": manifest.include_raw},
        "file": {
            "name": manifest.file_name,
            "format": manifest.format,
            "compression": manifest.compression,
            "records": manifest.records,
            "size": manifest.size,
            "sha256": manifest.sha256,
        },
        "parts": [
            {
                "offset": part.offset,
                "size": part.size,
                "sha256": part.sha256,
                "records": part.records,
            }
            for part in manifest.parts
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def read_manifest(payload: bytes) -> ExportManifest:
    """Raises ManifestError, for one whose parts don't make up the file too."""
    try:
        document = json.loads(payload)
        if document["version"] != _VERSION:
            raise ManifestError(f"its version is not {_VERSION}")
        manifest = _manifest(document)
        if manifest_text(manifest) != payload:
            raise ManifestError("it is not written as the collector writes one")
    except ManifestError:
        raise
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, OverflowError):
        raise ManifestError("it is no manifest as the collector makes it") from None
    _require_whole(manifest)
    return manifest


def _manifest(document: Mapping[str, Any]) -> ExportManifest:
    bounds, filters, file = document["bounds"], document["filters"], document["file"]
    return ExportManifest(
        tenant_id=str(document["tenant"]),
        export_id=UUID(document["export_id"]),
        contract_version=str(document["contract_version"]),
        created_at=_read(document["created_at"]),
        finished_at=_read(document["finished_at"]),
        created_by=str(document["created_by"]),
        since=_read(bounds["since"]),
        until=_read(bounds["until"]),
        first_id=UUID(bounds["first_id"]),
        end_id=UUID(bounds["end_id"]),
        severities=tuple(str(each) for each in filters["severity"]),
        include_raw=bool(filters["include_raw"]),
        file_name=str(file["name"]),
        format=str(file["format"]),
        compression=str(file["compression"]),
        records=int(file["records"]),
        size=int(file["size"]),
        sha256=str(file["sha256"]),
        parts=tuple(
            ManifestPart(
                int(part["offset"]), int(part["size"]), str(part["sha256"]), int(part["records"])
            )
            for part in document["parts"]
        ),
    )


def _require_whole(manifest: ExportManifest) -> None:
    end = records = 0
    for part in manifest.parts:
        if part.offset != end or part.size < 0 or part.records < 0:
            raise ManifestError("its parts don't follow each other")
        end, records = end + part.size, records + part.records
    if (end, records) != (manifest.size, manifest.records):
        raise ManifestError("its parts don't make up the file")


def _read(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ManifestError("a time in it has no time zone")
    return moment.astimezone(UTC)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
