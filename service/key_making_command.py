"""The commands of `collector keys` that make keys and wrap them; they store nothing.

A key is printed only when it is new and nothing wraps it.
"""

import secrets
from collections.abc import Callable
from typing import Final

import click

from service.aws_kms import AwsKms
from service.key_provider import KeyUnavailable, KeyUse, Purpose
from service.key_values import (
    KEY_SETTINGS,
    KeyProviders,
    KeyValue,
    rewritten,
    with_keys_revealed,
)
from service.keyring import configured_keyring, new_entry
from service.settings import Settings, SettingsError, load_settings
from service.signing import configured_signing, link_secrets
from service.signing import new_link_secret as made_link_secret
from service.signing import new_signing_key as made_signing_key
from service.telling import told

_REQUIRE_USABLE: Final[dict[Purpose, Callable[[Settings], object]]] = {
    "encryption-key": configured_keyring,
    "signing-key": configured_signing,
    "link-secret": link_secrets,
}
_BY_KMS = click.option(
    "--kms",
    metavar="KEY",
    help="Wrap it by this key of AWS KMS: an id, an ARN or alias/NAME.",
)


@click.command()
@_BY_KMS
def new(kms: str | None) -> None:
    """Print a new key as an entry of ENCRYPTION_KEYS. It is stored nowhere.

    With --kms it is made by AWS KMS and printed wrapped; nobody sees it, this command included.
    """
    if kms is None:
        click.echo(new_entry())
    else:
        use = KeyUse("ENCRYPTION_KEYS", "encryption-key", f"key-{secrets.token_hex(6)}")
        click.echo(f"{use.kid}:{_wrapped(use, lambda: AwsKms().new_key(use, kms))}")
    click.echo(
        "Keep a copy where backups of the database are not. Put it second in ENCRYPTION_KEYS of "
        "every process first, and only then first: each must be able to read what another wrote.",
        err=True,
    )


@click.command()
@_BY_KMS
def new_signing_key(kms: str | None) -> None:
    """Print a new SIGNING_KEY. It is stored nowhere; with --kms it is printed wrapped."""
    click.echo(_made(made_signing_key().strip(), KeyUse("SIGNING_KEY", "signing-key"), kms))
    click.echo(
        "Before it replaces another one: `collector keys retire-signing-key` with the old one set "
        "prints what SIGNING_PUBLIC_KEYS must hold from then on.",
        err=True,
    )


@click.command()
@_BY_KMS
def new_link_secret(kms: str | None) -> None:
    """Print a new EXPORT_SIGN_SECRET. It is stored nowhere; with --kms it is printed wrapped."""
    click.echo(_made(made_link_secret(), KeyUse("EXPORT_SIGN_SECRET", "link-secret"), kms))
    click.echo(
        "The old one becomes EXPORT_SIGN_SECRET_PREV: links that were given out go on working.",
        err=True,
    )


@click.command()
@click.argument("setting", type=click.Choice([name.upper() for name in KEY_SETTINGS]))
@click.option("--kms", metavar="KEY", required=True, help="Key of AWS KMS: id, ARN or alias/NAME.")
def wrap(setting: str, kms: str) -> None:
    """Print what SETTING holds, wrapped by a key of AWS KMS.

    Takes it as the service would, from SETTING or SETTING_FILE, in plain or wrapped already: then
    it is wrapped anew, which is how the KMS key is changed. The key itself stays the same.
    """
    providers, wrapper = KeyProviders(), AwsKms()

    def wrapped(value: KeyValue) -> str:
        text = providers.reveal(value).text
        return _wrapped(value.use, lambda: wrapper.wrap(text, value.use, kms))

    with told():
        settings = load_settings()
        if getattr(settings, setting.lower()) is None:
            raise SettingsError(f"{setting} must be set, or {setting}_FILE: it is what is wrapped")
        # What can't be used should be found out before it is wrapped, when it can still be read.
        revealed = with_keys_revealed(settings, [KEY_SETTINGS[setting.lower()]])
        _REQUIRE_USABLE[KEY_SETTINGS[setting.lower()]](revealed)
        click.echo(rewritten(settings, setting.lower(), wrapped))


def _made(key: str, use: KeyUse, kms: str | None) -> str:
    return key if kms is None else _wrapped(use, lambda: AwsKms().wrap(key, use, kms))


def _wrapped(use: KeyUse, ask: Callable[[], str]) -> str:
    try:
        return ask()
    except KeyUnavailable as error:
        raise click.ClickException(f"{use.place}: {error}") from None
