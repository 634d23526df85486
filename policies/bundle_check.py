"""Whether a bundle, or an attestation alone, is what it says: each finding in a sentence.

Reads no file and asks nobody: what is to be checked, and the keys that are trusted, are given.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from policies.attestation import Statement, StatementError, read_statement
from policies.bundle import ATTESTATION, FILES, MANIFEST, MARKDOWN, REPORT, manifest_text
from policies.dsse import IN_TOTO, EnvelopeError, parse_envelope
from policies.findings import Finding, Keys, signature_findings, wrong_ones
from policies.stored_zip import ArchiveError, Member, first_difference, read_members


@dataclass(frozen=True, slots=True)
class Checked:
    """All that was found. `statement` is what was signed, None where that can't be read."""

    statement: Statement | None
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What does not hold."""
        return wrong_ones(self.findings)


def check_bundle(archive: bytes, keys: Keys | None) -> Checked:
    """What holds of a bundle and what doesn't. Without `keys` nobody is trusted."""
    try:
        members = read_members(archive, FILES)
    except ArchiveError as error:
        return Checked(None, (Finding("archive", False, f"can't be read: {error}"),))
    report, markdown, manifest, attestation = members
    signed = check_attestation(attestation.content, keys)
    statement = signed.statement
    findings = [_check_archive(archive, members)]
    findings.append(_check_manifest(manifest, (report, markdown, attestation), statement))
    findings += signed.findings
    if statement is not None:
        findings += [check_subject(file.name, file.content, statement) for file in members[:2]]
        findings += _strangers(statement)
    return Checked(statement, tuple(findings))


def check_subject(name: str, content: bytes, statement: Statement) -> Finding:
    """Whether a file is the one that the statement is over."""
    digest = hashlib.sha256(content).hexdigest()
    if statement.digests.get(name) != digest:
        return Finding(name, False, "is not what was signed: its SHA-256 is another")
    return Finding(name, True, f"is what was signed: {len(content)} bytes, SHA-256 {digest}")


def _check_archive(archive: bytes, members: tuple[Member, ...]) -> Finding:
    difference = first_difference(archive, members)
    if difference is not None:
        words = f"is not as the collector wrote it: {difference}, something else stands there"
        return Finding("archive", False, words)
    names = ", ".join(member.name for member in members)
    return Finding("archive", True, f"is whole, and holds {names}")


def _check_manifest(
    manifest: Member, files: tuple[Member, ...], statement: Statement | None
) -> Finding:
    report_id = statement.report_id if statement else _report_id_in(manifest.content)
    if manifest_text(report_id, files) == manifest.content:
        return Finding(MANIFEST, True, "tells size and SHA-256 of each file as they are")
    wrong = [
        file.name
        for file in files
        if f'"{hashlib.sha256(file.content).hexdigest()}"'.encode() not in manifest.content
    ]
    told = f"its SHA-256 of {' and '.join(wrong)} is another" if wrong else "it was changed"
    return Finding(MANIFEST, False, f"is not the manifest of these files: {told}")


def _report_id_in(manifest: bytes) -> str:
    """The id as the manifest itself tells it, where the attestation can't be read."""
    told = manifest.partition(b'"report_id": "')[2].partition(b'"')[0]
    return told.decode("ascii", "replace")


def check_attestation(content: bytes, keys: Keys | None) -> Checked:
    """What holds of an envelope. Whether its files are what they were, `check_subject` tells."""
    try:
        envelope = parse_envelope(content)
        if envelope.payload_type != IN_TOTO:
            raise StatementError("its payload is of another type than an in-toto statement")
        statement = read_statement(envelope.payload)
    except (EnvelopeError, StatementError) as error:
        return Checked(None, (Finding(ATTESTATION, False, f"can't be read: {error}"),))
    found = signature_findings(envelope, ATTESTATION, statement.signed_at, keys)
    return Checked(statement, found)


def _strangers(statement: Statement) -> Iterator[Finding]:
    for name in sorted(statement.digests.keys() - {REPORT, MARKDOWN}):
        yield Finding(name, False, "was signed too, but is not in a bundle")
