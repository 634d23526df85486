"""`collector push`: report files from a terminal or a CI job."""

import os
import sys
from pathlib import Path
from typing import Final

import click
import httpx2

from formats.registry import FORMATS, detect
from service.push import MEDIA_TYPES, Pushed, Pusher

_RANKS: Final = {"info": 0, "warn": 1, "block": 2}
_EXIT_FAILED: Final = 1
_EXIT_SEVERITY: Final = 3
_TIMEOUT: Final = httpx2.Timeout(30.0, connect=5.0)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
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
@click.option("--url", envvar="COLLECTOR_URL", default="http://127.0.0.1:9090", show_default=True)
@click.option("--tenant", envvar="TENANT_ID", required=True, help="Tenant, or TENANT_ID.")
@click.option(
    "--api-key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File that holds the API key; else the variable API_KEY.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress bar; print failures only.")
def push(
    files: tuple[Path, ...],
    format_name: str,
    stream: str | None,
    fail_on: str | None,
    url: str,
    tenant: str,
    api_key_file: Path | None,
    quiet: bool,
) -> None:
    """Send report files to a collector.

    Prints one line a file: severity, report id, file. A file that can't be sent is tried six
    times, over about a quarter of a minute; it is stored once, however often it is tried.

    \b
    Exit code: 0 all stored; 1 a file was not; 2 wrong usage; 3 see --fail-on.
    The API key is never an option, so that it does not show in the list of processes.

    \b
    Example:
      API_KEY=… TENANT_ID=demo collector push --fail-on block results.sarif junit.xml
    """
    headers = {"X-Api-Key": _api_key(api_key_file), "X-Tenant": tenant}
    with httpx2.Client(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
        pusher = Pusher(client)
        hidden = quiet or not sys.stderr.isatty()
        with click.progressbar(
            files, label="Pushing", file=sys.stderr, show_pos=True, hidden=hidden
        ) as bar:
            results = [_push_file(pusher, file, format_name, stream) for file in bar]
    for result in results:
        _report(result, quiet)
    sys.exit(_exit_code(results, fail_on))


def _api_key(file: Path | None) -> str:
    context = click.get_current_context()
    key = (
        file.read_text(encoding="utf-8").strip() if file else os.environ.get("API_KEY", "").strip()
    )
    if not key or not key.isascii() or not key.isprintable():
        context.fail("No usable API key: set API_KEY, or name a file with --api-key-file.")
    return key


def _push_file(pusher: Pusher, file: Path, format_name: str, stream: str | None) -> Pushed:
    try:
        content = file.read_bytes()
    except OSError as error:
        return Pushed(str(file), error=f"can't read it: {error.strerror}")
    found = detect(content) if format_name == "auto" else format_name
    if found is None:
        known = ", ".join(["qc", *FORMATS])
        return Pushed(
            str(file), error=f"its format isn't recognised; name it with --format ({known})"
        )
    if found == "qc" and stream is not None:
        return Pushed(str(file), error="a QC report names its own stream; send it without --stream")
    return pusher.push(str(file), content, found, stream)


def _report(result: Pushed, quiet: bool) -> None:
    if result.error is not None:
        click.echo(f"failed  {result.name}: {result.error}", err=True)
    elif not quiet:
        again = f"  (same as {result.duplicate_of})" if result.duplicate_of else ""
        click.echo(f"{result.severity:<6}  {result.report_id}  {result.name}{again}")


def _exit_code(results: list[Pushed], fail_on: str | None) -> int:
    if any(result.error is not None for result in results):
        return _EXIT_FAILED
    worst = max((_RANKS[result.severity or "info"] for result in results), default=0)
    return _EXIT_SEVERITY if fail_on is not None and worst >= _RANKS[fail_on] else 0
