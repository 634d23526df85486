"""`collector export`: many reports as one file, from asking for it to a file that is verified."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from generated.client import Client, ClientError, Retrying
from generated.models import Export, ExportRequest
from policies.exports import download_name
from policies.findings import Keys
from policies.published_keys import by_id, read_keys
from service.answers import reports, why
from service.export_download import Download, Downloaded, partial_beside
from service.export_request import FORMATS, export_request
from service.export_run import ExportRun
from service.screen import Screen
from service.server_options import credentials, server_options
from service.trusted_keys import trusted_keys

_RETRYING: Final = Retrying(attempts=4, total_seconds=120.0)
# Not 429: that a tenant's exports are all at work is nothing to be waited for in silence.
_ASKING: Final = Retrying(
    attempts=4, total_seconds=120.0, statuses=frozenset({409, 500, 502, 503, 504})
)
_EXIT_INTERRUPTED: Final = 130


@click.command()
@click.option(
    "--since",
    help="Only reports stored then or later. A date (its beginning, UTC), a time, or how long ago: "
    "2026-11-01, 2026-11-01T08:00Z, yesterday, 24h, 7d, 2w.",
)
@click.option(
    "--until",
    default="now",
    show_default=True,
    help="Only reports stored before that, in the same forms. At most 90 days after --since.",
)
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice(["info", "warn", "block"]),
    help="Only these; may be given several times.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="Without it the name of FILE says, else it is ndjson.",
)
@click.option(
    "--compression",
    type=click.Choice(["gzip", "none"]),
    help="Of ndjson and csv. Without it the name of FILE says (.gz or not), else it is gzip.",
)
@click.option("--include-raw", is_flag=True, help="With the reports' raw, decrypted.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Where to; what is there is replaced. Without it qc-reports-ID.… in this folder.",
)
@click.option(
    "--id",
    "export_id",
    type=click.UUID,
    metavar="ID",
    help="An export that was asked for before: wait for it, download it, or go on downloading.",
)
@click.option(
    "--keys",
    metavar="FILE_OR_URL",
    help="Public keys that are trusted to sign; without it those that the collector tells now.",
)
@click.option("--keep", is_flag=True, help="On Ctrl-C leave the export on the service.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@server_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar and no remarks.")
def export(
    since: str | None,
    until: str,
    severities: tuple[str, ...],
    format_name: str | None,
    compression: str | None,
    include_raw: bool,
    output: Path | None,
    export_id: UUID | None,
    keys: str | None,
    keep: bool,
    as_json: bool,
    url: str,
    tenant: str,
    api_key_file: Path | None,
    quiet: bool,
) -> None:
    """Have reports exported to FILE, and wait for it; verified, with its manifest beside it.

    Needs a key with the role auditor or admin. A worker of the service writes the file; this
    downloads it, goes on where a connection was cut, and holds every part against the signed
    manifest as it comes. FILE is there once all of it is right, and FILE.manifest.json with it, for
    `collector verify`.

    Ctrl-C cancels the export, unless --keep is given: then --id goes on with it.

    \b
    Exit code: 0 FILE is there and is what was signed; 1 it is not: refused, failed, cancelled,
    expired, out of reach; 2 wrong usage; 3 what came is not what was signed, or is by nobody that
    is trusted, and nothing of it is left; 130 interrupted.

    \b
    Examples:
      collector export --since 7d -o week.ndjson.gz
      collector export --since 30d --severity block -o blocked.csv
      collector export --since 90d --until today --include-raw -o quarter.parquet --keys keys.json
      collector export --since yesterday --until today --json
    """
    if (since is None) == (export_id is None):
        raise click.UsageError("give either --since, or the --id of an export that there is")
    if output is not None and not os.access(output.parent, os.W_OK):
        raise click.UsageError(f"--output: {output.parent} is no folder that can be written to")
    request = None
    if since is not None:
        request = export_request(
            datetime.now(UTC),
            since,
            until,
            severities,
            format_name,
            compression,
            include_raw,
            output,
        )
    given = credentials(tenant, api_key_file)
    trusted = None if keys is None else trusted_keys(keys)
    screen = Screen(is_quiet=quiet)
    with (
        _ended_as_interrupted(),
        Client(url, given, retrying=_RETRYING) as client,
        Client(url, given, retrying=_ASKING) as asking,
    ):
        run = ExportRun(client, asking, url, screen)
        target = output
        try:
            found = _asked(run, request, export_id, screen)
            target = output or Path(download_name(found.id, found.format, found.compression))
            done = run.finished(found)
            signers = _told_keys(client, url) if trusted is None else trusted
            downloaded = Download(client, url, signers, screen).into(target, done)
        except KeyboardInterrupt:
            _interrupted(run, keep, target)
            sys.exit(_EXIT_INTERRUPTED)
    click.echo(_as_json(downloaded) if as_json else _in_words(downloaded, trusted is None))


@contextmanager
def _ended_as_interrupted() -> Iterator[None]:
    """SIGTERM is as Ctrl-C: who ends it so would not want the service to go on either."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _asked(
    run: ExportRun, request: ExportRequest | None, export_id: UUID | None, screen: Screen
) -> Export:
    if request is None:
        if export_id is None:
            raise AssertionError("neither a request nor an id")
        return run.get(export_id)
    asked = run.ask(request)
    screen.say(f"Export {asked.id} of {reports(asked.progress.total)} was asked for.")
    return asked


def _told_keys(client: Client, url: str) -> Keys:
    try:
        listing = client.get_signing_keys().body
    except ClientError as error:
        raise click.ClickException(why(error, url)) from error
    return by_id(read_keys(listing.model_dump_json().encode()))


def _interrupted(run: ExportRun, keep: bool, target: Path | None) -> None:
    """Says what becomes of the export. A second Ctrl-C ends at once."""
    if keep and run.export_id is not None:
        named = f" -o {target}" if target else ""
        told = f"`collector export --id {run.export_id}{named}` goes on with it."
        click.echo(f"\nInterrupted. Export {run.export_id} is left as it is; {told}", err=True)
        return
    click.echo("\nInterrupted; cancelling the export …", err=True)
    click.echo(run.cancel(), err=True)
    if target is not None and run.export_id is not None:
        partial_beside(target, run.export_id).unlink(missing_ok=True)


def _in_words(done: Downloaded, is_told: bool) -> str:
    manifest = done.manifest
    lines = [
        f"{done.file}  {reports(manifest.records)}, {manifest.size:,} bytes, "
        f"SHA-256 {manifest.sha256}",
        f"{done.manifest_file}  the signature {done.signature}",
    ]
    if is_told:
        lines.append("The key is one that the collector tells; --keys names those that you trust.")
    return "\n".join(lines)


def _as_json(done: Downloaded) -> str:
    manifest = done.manifest
    return json.dumps(
        {
            "export_id": str(manifest.export_id),
            "file": str(done.file),
            "manifest": str(done.manifest_file),
            "format": manifest.format,
            "compression": manifest.compression,
            "since": manifest.since.isoformat(),
            "until": manifest.until.isoformat(),
            "records": manifest.records,
            "size": manifest.size,
            "sha256": manifest.sha256,
        }
    )
