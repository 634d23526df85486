"""`collector keys`: the keys of a running system. Shows ids, and a key only when new."""

import time

import click

from db.key_uses import RegisteredKey, registered_keys
from service.key_making_command import (
    new,
    new_link_secret,
    new_signing_key,
    wrap,
)
from service.key_showing_command import retire_signing_key, show
from service.key_values import with_keys_revealed
from service.keyring import Keyring, keyring_text, parse_keyring
from service.logs import configure_logging
from service.rewrap import Outcome, Progress, Rewrap
from service.settings import Settings, SettingsError, load_settings
from service.startup import maintenance_database
from service.telling import told

_TELL_EVERY_SECONDS = 2.0
_SHOWN_UNREADABLE = 10
_MISSING = "missing"
_ANOTHER = "another key"


@click.group()
def keys() -> None:
    """Keys: make and wrap them, see which are in use, encrypt anew under the newest.

    \b
    To change the encryption key of running services:
      1. collector keys new       put the entry second in ENCRYPTION_KEYS everywhere, restart
      2.                          put it first everywhere, restart
      3. collector keys rewrap    with both keys in the keyring
      4. collector keys list      take the old key out once it isn't registered any more

    docs/keys.md has every key, and how each is changed.
    """


for making in (new, new_signing_key, new_link_secret, wrap, retire_signing_key, show):
    keys.add_command(making)


@keys.command(name="list")
def list_keys() -> None:
    """Print each key's id, its place in the keyring, and whether reports are under it.

    Ends with 1 if the keyring lacks a key that is registered.
    """
    with told():
        settings = with_keys_revealed(load_settings(), ["encryption-key"])
        text = keyring_text(settings)
        keyring = None if text is None else parse_keyring(text)
        with (
            maintenance_database(settings) as database,
            database.system_transaction(read_only=True) as tx,
        ):
            registered = registered_keys(tx)
    rows = _rows(keyring, registered)
    for kid, standing, reports, since in [("KEY ID", "KEYRING", "REPORTS", "SINCE"), *rows]:
        click.echo(f"{kid:<34}{standing:<13}{reports:<15}{since}".rstrip())
    if any(standing in (_MISSING, _ANOTHER) for _, standing, _, _ in rows):
        raise SystemExit(1)


def _rows(
    keyring: Keyring | None, registered: list[RegisteredKey]
) -> list[tuple[str, str, str, str]]:
    held = {} if keyring is None else keyring.identities
    of_register = {key.identity.kid: key for key in registered}
    rows = []
    for place, kid in enumerate([*held, *(kid for kid in of_register if kid not in held)]):
        use = of_register.get(kid)
        if kid not in held:
            standing = _MISSING
        elif use is not None and use.identity != held[kid]:
            standing = _ANOTHER
        else:
            standing = "older" if place else "newest"
        reports = "none" if use is None else "in use" if use.in_use else "being emptied"
        rows.append((kid, standing, reports, f"{use.since:%Y-%m-%d %H:%MZ}" if use else ""))
    return rows


@keys.command()
@click.option("--dry-run", is_flag=True, help="Count what would be encrypted anew; change nothing.")
def rewrap(dry_run: bool) -> None:
    """Encrypt every report's raw under the newest key.

    Takes what is under an older key, and what an earlier version stored in clear. Works beside
    running services. Ended at any point, even by kill -9, nothing is lost: run it again. Needs
    MAINTENANCE_DATABASE_URL, or the embedded database, and a keyring that holds every key.

    \b
    Exit code: 0 done; 1 something is still under an older key, and standard error says why.
    """
    with told():
        settings = with_keys_revealed(load_settings(), ["encryption-key"])
        configure_logging(settings.log_level)
        keyring = _required_keyring(settings)
        with maintenance_database(settings) as database:
            run = Rewrap(database, keyring, _Teller())
            if dry_run:
                _say_counted(run.count())
                return
            outcome = run.run()
    _say(keyring, outcome)
    if outcome.progress.unreadable or any(key.in_use for key in outcome.left):
        raise SystemExit(1)


def _required_keyring(settings: Settings) -> Keyring:
    text = keyring_text(settings)
    if text is None:
        raise SettingsError("ENCRYPTION_KEYS must be set: there is no key to encrypt with")
    return parse_keyring(text)


class _Teller:
    """Tells how far it is, every few seconds."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY_SECONDS:
            self._told = now
            click.echo(
                f"{progress.checked} reports checked, {progress.changed} encrypted anew …", err=True
            )


def _say_counted(progress: Progress) -> None:
    click.echo(f"{progress.checked} reports checked; nothing was changed.")
    for kid, count in sorted(progress.by_kid.items()):
        click.echo(f"{count} under {kid} would be encrypted anew.")
    click.echo(f"{progress.in_clear} in clear would be encrypted.")


def _say(keyring: Keyring, outcome: Outcome) -> None:
    progress = outcome.progress
    click.echo(f"{progress.checked} reports checked; the newest key is {keyring.newest.kid}.")
    for kid, count in sorted(progress.by_kid.items()):
        click.echo(f"{count} under {kid} were encrypted anew.")
    if progress.in_clear:
        click.echo(f"{progress.in_clear} in clear were encrypted.")
    for kid in outcome.freed:
        click.echo(f"Nothing is under {kid} any more: it may leave ENCRYPTION_KEYS.")
    for unreadable in progress.unreadable[:_SHOWN_UNREADABLE]:
        click.echo(f"Left as it is: {unreadable}.", err=True)
    if len(progress.unreadable) > _SHOWN_UNREADABLE:
        more = len(progress.unreadable) - _SHOWN_UNREADABLE
        click.echo(f"And {more} more, each an event of the log above.", err=True)
    for key in outcome.left:
        click.echo(
            f"{key.identity.kid} must stay in ENCRYPTION_KEYS: {_why(key, progress)}", err=True
        )


def _why(key: RegisteredKey, progress: Progress) -> str:
    kid = key.identity.kid
    if key.in_use:
        return (
            "a process still encrypts under it. Put the newest first in every process's "
            "ENCRYPTION_KEYS, restart them, and run this again."
        )
    if any(unreadable.kid == kid for unreadable in progress.unreadable):
        return "reports under it could not be read."
    return "another run is at work, and will say when it may go."
