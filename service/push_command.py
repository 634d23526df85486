"""`collector push`: report files from a terminal or a CI job."""

import secrets
import sys
from pathlib import Path
from typing import Final

import click

from generated.client import Client
from service.push import MEDIA_TYPES, RETRYING, Pushed, Pusher
from service.push_gzip import Compression
from service.push_run import PushRun, sources
from service.server_options import credentials, server_options

_RANKS: Final = {"info": 0, "warn": 1, "block": 2}
_EXIT_FAILED: Final = 1
_EXIT_SEVERITY: Final = 3


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE_OR_FOLDER…"
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["auto", *MEDIA_TYPES]),
    default="auto",
    show_default=True,
    help="Format of the files; auto looks into each.",
)
@click.option("--stream", help="What was checked, such as checkout-api/main (tool formats only).")
@click.option(
    "--fail-on",
    type=click.Choice(["warn", "block"]),
    help="Exit with 3 if a report is this severe, or worse.",
)
@click.option("--ignore-unknown", is_flag=True, help="Pass over unknown formats in folders.")
@click.option(
    "--run",
    envvar="COLLECTOR_RUN",
    help="Names this push, such as by a build's number, so that it can be made once more.",
)
@server_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar; print failures only.")
def push(
    files: tuple[Path, ...],
    format_name: str,
    stream: str | None,
    fail_on: str | None,
    ignore_unknown: bool,
    run: str | None,
    url: str,
    tenant: str,
    api_key_file: Path | None,
    quiet: bool,
) -> None:
    """Send report files to a collector.

    Prints one line a report: severity, report id, file. What can't be sent is tried six times,
    over about a quarter of a minute; it is stored once, however often it is tried.

    Of a folder all files are sent, in order of their names, those below it too, and hidden ones
    left out. QC reports in it go in batches, and so do the lines of .ndjson and .jsonl files.

    A push that was interrupted can be made once more if it has a name, given by --run: within 24
    hours the same files of the same run are stored once, and their ids printed again. Without a
    name each push is another, and equal reports are stored as duplicates.

    \b
    Exit code: 0 all stored; 1 a file was not; 2 wrong usage; 3 see --fail-on.
    The API key is never an option, so that it does not show in the list of processes.

    \b
    Example:
      API_KEY=… TENANT_ID=demo collector push --run build-8841 --fail-on block scan.sarif reports/
    """
    given = credentials(tenant, api_key_file)
    with Client(url, given, auth=Compression(), retrying=RETRYING) as client:
        pusher = Pusher(client, url, run or secrets.token_hex(16))
        pushing = PushRun(pusher, format_name, stream, ignore_unknown)
        hidden = quiet or not sys.stderr.isatty()
        with click.progressbar(
            list(sources(iter(files))),
            label="Pushing",
            file=sys.stderr,
            show_pos=True,
            hidden=hidden,
        ) as bar:
            for source in bar:
                pushing.take(source)
            pushing.finish()
    for result in pushing.results:
        _report(result, quiet)
    sys.exit(_exit_code(pushing.results, fail_on))


def _report(result: Pushed, quiet: bool) -> None:
    if result.error is not None:
        click.echo(f"failed  {result.name}: {result.error}", err=True)
    elif not quiet:
        same = f"  (same as {result.duplicate_of})" if result.duplicate_of else ""
        before = "  (stored before)" if result.is_replay else ""
        click.echo(f"{result.severity:<6}  {result.report_id}  {result.name}{same}{before}")


def _exit_code(results: list[Pushed], fail_on: str | None) -> int:
    if any(result.error is not None for result in results):
        return _EXIT_FAILED
    worst = max((_RANKS[result.severity or "info"] for result in results), default=0)
    return _EXIT_SEVERITY if fail_on is not None and worst >= _RANKS[fail_on] else 0
