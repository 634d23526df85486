"""Whether an export's file and its manifest are what was signed: each finding in a sentence.

Reads no file and asks nobody: the file is given in pieces, as they come off a disk or a network,
and so are the keys that are trusted.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from policies.dsse import EnvelopeError, parse_envelope
from policies.export_manifest import (
    PAYLOAD_TYPE,
    ExportManifest,
    ManifestError,
    ManifestPart,
    read_manifest,
)
from policies.findings import Finding, Keys, signature_findings, wrong_ones

MANIFEST: Final = "manifest"


@dataclass(frozen=True, slots=True)
class CheckedExport:
    """All that was found. `manifest` is what was signed, None where that can't be read."""

    manifest: ExportManifest | None
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What does not hold."""
        return wrong_ones(self.findings)


def check_export(
    name: str, pieces: Iterable[bytes], envelope: bytes, keys: Keys | None
) -> CheckedExport:
    """What holds of the file called `name`, of these bytes, and of its manifest's envelope.

    Without `keys` nobody is trusted. No more than a piece is in memory.
    """
    checked = check_manifest(envelope, keys)
    if checked.manifest is None:
        return checked
    file = FileCheck(checked.manifest)
    for piece in pieces:
        file.take(piece)
    return CheckedExport(checked.manifest, (*checked.findings, file.finding(name)))


def check_manifest(envelope: bytes, keys: Keys | None) -> CheckedExport:
    """What holds of a manifest's envelope alone."""
    try:
        parsed = parse_envelope(envelope)
        if parsed.payload_type != PAYLOAD_TYPE:
            raise ManifestError("its payload is of another type than an export's manifest")
        manifest = read_manifest(parsed.payload)
    except (EnvelopeError, ManifestError) as error:
        return CheckedExport(None, (Finding(MANIFEST, False, f"can't be read: {error}"),))
    found = signature_findings(parsed, f"the {MANIFEST}", manifest.finished_at, keys)
    return CheckedExport(manifest, found)


class FileCheck:
    """Holds a file against its manifest, piece by piece from its beginning."""

    def __init__(self, manifest: ExportManifest) -> None:
        self._manifest = manifest
        self._whole = hashlib.sha256()
        self._part = hashlib.sha256()
        self._place = 0
        self._missing = manifest.parts[0].size if manifest.parts else 0
        self.size = 0
        self.first_wrong: int | None = None
        """The place, from 1, of the first part that differs; None as long as there is none."""
        self._end_parts()

    def take(self, piece: bytes) -> None:
        """The bytes that come next. Those beyond the file's end are counted."""
        self.size += len(piece)
        self._whole.update(piece)
        rest = memoryview(piece)
        while rest and self._place < len(self._manifest.parts):
            now, rest = rest[: self._missing], rest[self._missing :]
            self._part.update(now)
            self._missing -= len(now)
            self._end_parts()

    def _end_parts(self) -> None:
        """Goes on to the next part that has any bytes, if this one is complete."""
        parts = self._manifest.parts
        while self._place < len(parts) and not self._missing:
            if self._part.hexdigest() != parts[self._place].sha256 and self.first_wrong is None:
                self.first_wrong = self._place + 1
            self._place += 1
            self._part = hashlib.sha256()
            if self._place < len(parts):
                self._missing = parts[self._place].size

    def finding(self, name: str) -> Finding:
        """What it comes to, now that nothing more comes; `name` is what the file is called."""
        difference = self._difference()
        if difference is not None:
            return Finding(name, False, f"is not what was signed: {difference}")
        manifest = self._manifest
        words = (
            f"is what was signed: {manifest.size:,} bytes in {len(manifest.parts)} "
            f"part{'' if len(manifest.parts) == 1 else 's'}, SHA-256 {manifest.sha256}"
        )
        return Finding(name, True, words)

    def _difference(self) -> str | None:
        """The first thing that differs."""
        size, parts = self._manifest.size, self._manifest.parts
        if self.first_wrong is not None:
            return f"the first part that differs is {self._named(self.first_wrong)}"
        if self.size < size:
            told = f"it is cut short, {self.size:,} of {size:,} bytes are there"
            cut = self._place + 1
            return f"{told}; it ends in {self._named(cut)}" if cut <= len(parts) else told
        if self.size > size:
            return f"{self.size - size:,} bytes stand behind its {size:,}"
        if self._whole.hexdigest() != self._manifest.sha256:
            return "its SHA-256 is another, though its parts' are right"
        return None

    def _named(self, number: int) -> str:
        part: ManifestPart = self._manifest.parts[number - 1]
        bounds = f"bytes {part.offset:,} to {part.offset + part.size - 1:,}"
        return f"part {number} of {len(self._manifest.parts)}, {bounds if part.size else 'empty'}"
