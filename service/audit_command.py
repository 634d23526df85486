"""`collector audit`: a chain as a file, whether it is whole, and what to do after a restore."""

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from generated.client import Client, ClientError
from generated.models import AuditAnchor, AuditChainPart, AuditSegment
from handlers.errors import NotConfigured
from policies.audit_entries import Anchor, Entry, Origin, Segment
from policies.audit_export import ExportHead, ExportVerdict, export_lines, verify_export
from policies.checkpoints import CheckpointRow
from policies.published_keys import PublishedKey, PublishedKeysError, by_id, read_keys
from service.checkpoint_folder import CheckpointFolder
from service.checkpoints import declare_restore
from service.key_values import with_keys_revealed
from service.logs import configure_logging
from service.push import RETRYING
from service.server_options import credentials, server_options
from service.settings import load_settings
from service.signing import configured_signing, with_development_signing
from service.startup import maintenance_database
from service.telling import told


@click.group()
def audit() -> None:
    """The audit log: export a tenant's chain, verify it offline, declare a restore."""


@audit.command()
@click.option(
    "--output",
    "-o",
    type=click.File("wb", lazy=False),
    default="-",
    help="File; else standard output.",
)
@server_options
def export(output: BinaryIO, url: str, tenant: str, api_key_file: Path | None) -> None:
    """Write the tenant's whole audit chain, as it is stored, one JSON text a line.

    Needs an auditor's key, or an admin's. Each part that is read is an entry in the log itself.
    """
    with Client(url, credentials(tenant, api_key_file), retrying=RETRYING) as client:
        try:
            part = client.get_audit_chain(after=0).body
            head = ExportHead(part.tenant, str(part.epoch), _anchor(part.after), _anchor(part.head))
            for line in export_lines(head, _entries(client, part)):
                output.write(line)
        except ClientError as error:
            raise click.ClickException(str(error)) from error


def _entries(client: Client, part: AuditChainPart) -> Iterator[tuple[Entry, Segment | None]]:
    """What came and what comes after it, part by part."""
    while True:
        for each in part.entries:
            segment = _segment(each.segment) if each.segment else None
            yield Entry(each.seq, bytes.fromhex(each.hash), each.body), segment
        if part.next_after is None:
            return
        part = client.get_audit_chain(after=part.next_after).body


def _segment(segment: AuditSegment) -> Segment:
    origins = [Origin(each.reports, each.key_id, each.request_id) for each in segment.origins]
    return Segment(b64decode(segment.leaves), origins)


def _anchor(anchor: AuditAnchor) -> Anchor:
    return Anchor(anchor.seq, bytes.fromhex(anchor.hash))


@audit.command()
@click.argument("export_file", type=click.File("rb"), metavar="EXPORT")
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of checkpoints, as it is or a copy; without it only the chain is verified.",
)
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Public keys that checkpoints are signed by: /.well-known/collector-keys.json, or PEM.",
)
def verify(export_file: Iterator[bytes], checkpoints: Path | None, keys_file: Path | None) -> None:
    """Verify an exported chain; needs neither the service nor its database.

    \b
    Exit code: 0 all holds; 1 something does not, and standard output names it; 2 wrong usage.
    """
    if checkpoints is not None and keys_file is None:
        raise click.UsageError("--checkpoints needs --keys: whose signatures are to be believed?")
    keys = _keys(keys_file) if keys_file else ()
    verdict = verify_export(export_file, lambda tenant: _row(tenant, checkpoints, keys))
    for line in _sentences(verdict):
        click.echo(line)
    if verdict.findings:
        raise SystemExit(1)


def _keys(file: Path) -> tuple[PublishedKey, ...]:
    try:
        return read_keys(file.read_bytes())
    except PublishedKeysError as error:
        raise click.ClickException(f"{file}: {error}") from error


def _row(
    tenant: str, checkpoints: Path | None, keys: tuple[PublishedKey, ...]
) -> CheckpointRow | None:
    if checkpoints is None:
        return None
    row = CheckpointRow(tenant, by_id(keys))
    for number, content in CheckpointFolder(checkpoints).all():
        row.take(number, content)
    return row


def _sentences(verdict: ExportVerdict) -> Iterator[str]:
    head, check, row = verdict.head, verdict.check, verdict.row
    for finding in verdict.findings:
        yield f"NOT SO ({finding.fault.value}): {finding.detail}"
    if head is None or check is None:
        return
    yield (
        f"Tenant {head.tenant}, entries {check.after.seq + 1} to {check.last.seq}: "
        f"{check.entries} verified, which seal {check.sealed_reports} reports."
    )
    for drop in check.drops:
        yield f"Dropped by retention: all to entry {drop.through}, as entry {drop.told_by} tells."
    yield from _of_checkpoints(check.last.seq, row)
    if not verdict.findings:
        yield "All of this holds."


def _of_checkpoints(last: int, row: CheckpointRow | None) -> Iterator[str]:
    if row is None or row.first is None or row.newest is None:
        yield (
            "No checkpoint was looked at: a tail that was cut, or a chain written anew as a whole, "
            "would not show."
        )
        return
    yield (
        f"Checkpoints {row.first.number} of {row.first.at} to {row.newest.number} of "
        f"{row.newest.at}: {row.taken} of them."
    )
    for lost in row.lost:
        yield (
            f"Lost in the restore that checkpoint {lost.checkpoint} of {lost.at} declares: "
            f"{_entries_named(lost.first, lost.last)}."
        )
    covered = row.heads[-1].seq if row.heads else 0
    if covered < last:
        named = _entries_named(covered + 1, last)
        yield f"After the newest checkpoint came {named}."


def _entries_named(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


@audit.command(name="declare-restore")
def declare() -> None:
    """Declare that the database was restored from a backup, or promoted.

    It gets a new epoch, and a signed record among the checkpoints says that its chains go on from
    where they are: what earlier checkpoints name beyond is told as lost from then on. Needs
    MAINTENANCE_DATABASE_URL, or the embedded database, and SIGNING_KEY.
    """
    with told():
        settings = load_settings()
        configure_logging(settings.log_level)
        if settings.embedded:
            settings = with_development_signing(settings)
        settings = with_keys_revealed(settings, ["signing-key"])
        folder = CheckpointFolder(settings.checkpoint_folder)
        with maintenance_database(settings) as database:
            try:
                number = declare_restore(database, folder, configured_signing(settings))
            except (NotConfigured, OSError) as error:
                raise click.ClickException(_why(error)) from error
    click.echo(f"The database has a new epoch; checkpoint {number} is the record of it.")


def _why(error: NotConfigured | OSError) -> str:
    return error.detail if isinstance(error, NotConfigured) else str(error)
