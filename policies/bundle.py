"""What is in a report's bundle: its files, the manifest over them, and the archive they lie in.

All of it follows from a report, the rendering and the attestation; nothing here knows keys or time.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from policies.stored_zip import Member

REPORT: Final = "qc_report.json"
MARKDOWN: Final = "qc_report.md"
MANIFEST: Final = "manifest.json"
ATTESTATION: Final = "attestation.dsse.json"
FILES: Final = (REPORT, MARKDOWN, MANIFEST, ATTESTATION)
FORMAT: Final = "collector-bundle/1"


def manifest_text(report_id: str, files: Sequence[Member]) -> bytes:
    """The manifest of the other files of a bundle, in their order: size and SHA-256 of each."""
    document = {
        "format": FORMAT,
        "report_id": report_id,
        "files": [
            {
                "name": file.name,
                "size": len(file.content),
                "sha256": hashlib.sha256(file.content).hexdigest(),
            }
            for file in files
        ],
    }
    return json.dumps(document, indent=2).encode("ascii") + b"\n"


def subjects(report: bytes, markdown: bytes) -> tuple[Member, Member]:
    """The files that the attestation is over."""
    return Member(REPORT, report), Member(MARKDOWN, markdown)


def bundle_members(
    report: bytes, markdown: bytes, manifest: bytes, attestation: bytes
) -> tuple[Member, ...]:
    """The files of a bundle, in the archive's order."""
    return (
        *subjects(report, markdown),
        Member(MANIFEST, manifest),
        Member(ATTESTATION, attestation),
    )
