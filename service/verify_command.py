"""`collector verify`: whether a bundle, an attestation or an export is what it says, offline.

Needs no collector, no database, no setting and, with keys in a file, no network.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import click

from policies.attestation import Statement
from policies.bundle import REPORT
from policies.bundle_check import Checked, check_attestation, check_bundle, check_subject
from policies.dsse import EnvelopeError, parse_envelope
from policies.export_check import check_export
from policies.export_manifest import PAYLOAD_TYPE, ExportManifest
from policies.findings import Finding, Keys
from service.answers import reports
from service.trusted_keys import trusted_keys

_EXIT_WRONG: Final = 1
_EXIT_UNKNOWN: Final = 3
_MARKS: Final = {True: "ok", False: "WRONG", None: "unknown"}
_EXISTING: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
# A file that is packed by gzip, and one in Parquet.
_OF_EXPORTS: Final = (b"\x1f\x8b", b"PAR1")
_PIECE_BYTES: Final = 1024 * 1024
_MOST_OF_A_MANIFEST: Final = 16 * _PIECE_BYTES


def manifest_beside(file: Path) -> Path:
    """Where the manifest of an export's file is kept."""
    return file.with_name(f"{file.name}.manifest.json")


@click.command()
@click.argument("file", type=_EXISTING)
@click.option(
    "--keys",
    metavar="FILE_OR_URL",
    help="Public keys that are trusted: a listing as the collector publishes it, PEM, or its URL.",
)
@click.option("--report", type=_EXISTING, help="The report that an attestation alone is over.")
@click.option(
    "--manifest",
    type=_EXISTING,
    help="The manifest of an export; else FILE.manifest.json, where that is there.",
)
def verify(file: Path, keys: str | None, report: Path | None, manifest: Path | None) -> None:
    """Check a bundle (.zip), an attestation (.dsse.json) by itself, or an export's file.

    Prints one line for each thing looked at, and what it comes to. Who signed is known only by
    --keys: fetch the listing when nothing is in doubt, and keep it.

    \b
    Exit code: 0 all holds; 1 something does not; 2 it can't be checked (wrong usage, no such file,
    no such keys); 3 nothing is wrong, but without --keys nobody knows who signed.

    \b
    Examples:
      collector verify bundle.zip --keys collector-keys.json
      collector verify november.csv.gz --manifest november.csv.gz.manifest.json --keys keys.json
    """
    trusted = None if keys is None else trusted_keys(keys)
    if manifest is None and manifest_beside(file).is_file():
        manifest = manifest_beside(file)
    if manifest is not None:
        if report is not None:
            raise click.UsageError("--report is for an attestation alone, and this is an export")
        sys.exit(_verify_export(file, manifest, trusted))
    sys.exit(_verify_bundle(file, report, trusted))


def _verify_bundle(file: Path, report: Path | None, trusted: Keys | None) -> int:
    with file.open("rb") as opened:
        begins = opened.read(4)
    if begins.startswith(_OF_EXPORTS):
        raise click.UsageError(f"{file.name} is no bundle; if it is an export, name its --manifest")
    content = file.read_bytes()
    if _is_manifest(content):
        raise click.UsageError(
            f"{file.name} is the manifest of an export; name the export's file, and this by "
            "--manifest"
        )
    if content.lstrip()[:1] == b"{":
        checked = check_attestation(content, trusted)
        if checked.statement is not None:
            found = _its_report(checked.statement, report)
            checked = Checked(checked.statement, (*checked.findings, *found))
    elif report is not None:
        raise click.UsageError("--report is for an attestation alone; a bundle holds its report")
    else:
        checked = check_bundle(content, trusted)
    told = None if checked.statement is None else _told(checked.statement)
    return _conclude(checked.findings, told)


def _is_manifest(content: bytes) -> bool:
    if len(content) > _MOST_OF_A_MANIFEST:
        return False
    try:
        return parse_envelope(content).payload_type == PAYLOAD_TYPE
    except EnvelopeError:
        return False


def _verify_export(file: Path, manifest: Path, trusted: Keys | None) -> int:
    if manifest.stat().st_size > _MOST_OF_A_MANIFEST:
        raise click.UsageError(f"--manifest: {manifest.name} is too large to be a manifest")
    with file.open("rb") as opened:
        checked = check_export(file.name, _pieces(opened), manifest.read_bytes(), trusted)
    told = None if checked.manifest is None else _told_of_export(checked.manifest)
    return _conclude(checked.findings, told)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _its_report(statement: Statement, report: Path | None) -> tuple[Finding, ...]:
    if report is None:
        click.echo(f"The attestation alone: {REPORT} is looked at where --report names it.")
        return ()
    return (check_subject(REPORT, report.read_bytes(), statement),)


def _conclude(findings: tuple[Finding, ...], told: str | None) -> int:
    """Says what it comes to. Nothing that was signed is `told` unless it was rightly signed."""
    for finding in findings:
        click.echo(f"{_MARKS[finding.holds]:<8}{finding.subject} {finding.words}")
    wrong = [finding.subject for finding in findings if finding.holds is False]
    if wrong or told is None:
        if told is None:
            click.echo("Of an export's file, the manifest is named by --manifest.")
        click.echo(f"\nNot verified: wrong is {', '.join(dict.fromkeys(wrong))}.")
        return _EXIT_WRONG
    if any(finding.holds is None for finding in findings):
        click.echo("\nNot verified: nothing is wrong, but who signed can't be said without --keys.")
        return _EXIT_UNKNOWN
    click.echo(f"\nVerified: {told}")
    return 0


def _told(statement: Statement) -> str:
    return (
        f"report {statement.report_id} of tenant {statement.tenant_id}, received "
        f"{statement.received_at:%Y-%m-%d %H:%M:%S} UTC, came to {statement.result}; signed "
        f"{statement.signed_at:%Y-%m-%d %H:%M:%S} UTC."
    )


def _told_of_export(manifest: ExportManifest) -> str:
    with_raw = "with" if manifest.include_raw else "without"
    return (
        f"export {manifest.export_id} of tenant {manifest.tenant_id}, {reports(manifest.records)} "
        f"({', '.join(manifest.severities)}; {with_raw} raw) stored from "
        f"{manifest.since:%Y-%m-%d %H:%M:%S} to {manifest.until:%Y-%m-%d %H:%M:%S} UTC; signed "
        f"{manifest.finished_at:%Y-%m-%d %H:%M:%S} UTC."
    )
