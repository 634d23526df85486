"""`collector verify`: whether a bundle or an attestation is what it says, without a collector.

Needs no database, no setting and, with keys in a file, no network.
"""

import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import httpx2

from policies.attestation import Statement
from policies.bundle import REPORT
from policies.bundle_check import (
    Checked,
    Finding,
    check_attestation,
    check_bundle,
    check_subject,
)
from policies.published_keys import PublishedKey, PublishedKeysError, by_id, read_keys

WELL_KNOWN: Final = "/.well-known/collector-keys.json"
_EXIT_WRONG: Final = 1
_EXIT_UNKNOWN: Final = 3
_MARKS: Final = {True: "ok", False: "WRONG", None: "unknown"}
_FETCH_SECONDS: Final = 10
_EXISTING: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("file", type=_EXISTING)
@click.option(
    "--keys",
    metavar="FILE_OR_URL",
    help="Public keys that are trusted: a listing as the collector publishes it, PEM, or its URL.",
)
@click.option("--report", type=_EXISTING, help="The report that an attestation alone is over.")
def verify(file: Path, keys: str | None, report: Path | None) -> None:
    """Check a bundle (.zip), or an attestation (.dsse.json) by itself.

    Prints one line for each thing looked at, and what it comes to. Who signed is known only by
    --keys: fetch the listing when nothing is in doubt, and keep it.

    \b
    Exit code: 0 all holds; 1 something does not; 2 it can't be checked (wrong usage, no such file,
    no such keys); 3 nothing is wrong, but without --keys nobody knows who signed.

    \b
    Example:
      collector verify bundle.zip --keys collector-keys.json
    """
    trusted = None if keys is None else by_id(_keys(keys))
    content = file.read_bytes()
    if content.lstrip()[:1] == b"{":
        checked = check_attestation(content, trusted)
        if checked.statement is not None:
            found = _its_report(checked.statement, report)
            checked = Checked(checked.statement, (*checked.findings, *found))
    elif report is not None:
        raise click.UsageError("--report is for an attestation alone; a bundle holds its report")
    else:
        checked = check_bundle(content, trusted)
    for finding in checked.findings:
        click.echo(f"{_MARKS[finding.holds]:<8}{finding.subject} {finding.words}")
    sys.exit(_conclude(checked))


def _its_report(statement: Statement, report: Path | None) -> tuple[Finding, ...]:
    if report is None:
        click.echo(f"The attestation alone: {REPORT} is looked at where --report names it.")
        return ()
    return (check_subject(REPORT, report.read_bytes(), statement),)


def _conclude(checked: Checked) -> int:
    """Says what it comes to. Nothing of a statement is told unless it was rightly signed."""
    if checked.wrong or checked.statement is None:
        names = dict.fromkeys(finding.subject for finding in checked.wrong)
        click.echo(f"\nNot verified: wrong is {', '.join(names)}.")
        return _EXIT_WRONG
    if any(finding.holds is None for finding in checked.findings):
        click.echo("\nNot verified: nothing is wrong, but who signed can't be said without --keys.")
        return _EXIT_UNKNOWN
    click.echo(f"\nVerified: {_told(checked.statement)}")
    return 0


def _told(statement: Statement) -> str:
    return (
        f"report {statement.report_id} of tenant {statement.tenant_id}, received "
        f"{statement.received_at:%Y-%m-%d %H:%M:%S} UTC, came to {statement.result}; signed "
        f"{statement.signed_at:%Y-%m-%d %H:%M:%S} UTC."
    )


def _keys(where: str) -> tuple[PublishedKey, ...]:
    try:
        if where.startswith(("https://", "http://")):
            return read_keys(_fetched(where))
        return read_keys(Path(where).read_bytes())
    except OSError as error:
        raise click.UsageError(f"--keys: can't read the file: {error.strerror}") from error
    except PublishedKeysError as error:
        raise click.UsageError(f"--keys: {error}") from error


def _fetched(url: str) -> bytes:
    """What a URL answers; of a collector's own address, its listing."""
    if urlsplit(url).path in ("", "/"):
        url = url.rstrip("/") + WELL_KNOWN
    try:
        response = httpx2.get(url, timeout=_FETCH_SECONDS, follow_redirects=True)
    except (httpx2.TransportError, httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise click.UsageError(f"--keys: no answer ({type(error).__name__})") from error
    if response.status_code != 200:
        raise click.UsageError(f"--keys: the answer is {response.status_code}, not 200")
    return response.content
