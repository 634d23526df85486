"""The commands of `collector keys` that tell of the keys in use: ids, public halves, no key.

They open keys as a start of the service does, and need no database.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import click
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from handlers.signing import Signing
from policies.published_keys import PublishedKey
from service.key_provider import KeyUse
from service.key_values import KEY_SETTINGS, KeyProviders, key_values, with_keys_revealed
from service.keyring import configured_keyring, parse_keyring
from service.settings import Settings, load_settings
from service.signing import configured_signing, link_secrets
from service.telling import told

_ROLL_OUT: Final = timedelta(hours=1)


@click.command()
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]),
    help="When the last process that signs with it has ended, in UTC; else in an hour.",
)
def retire_signing_key(until: datetime | None) -> None:
    """Print the public half of SIGNING_KEY as SIGNING_PUBLIC_KEYS has retired keys.

    Run it with the old key still set, and add what it prints to SIGNING_PUBLIC_KEYS in the same
    step in which SIGNING_KEY becomes the new one: what the old key signed stays good.
    """
    with told():
        signing = configured_signing(with_keys_revealed(load_settings(), ["signing-key"]))
    if signing.signer is None:
        raise click.ClickException("SIGNING_KEY must be set: it is what is retired")
    end = datetime.now(UTC) + _ROLL_OUT if until is None else until.replace(tzinfo=UTC)
    click.echo(_retired(signing.published[0], end))


def _retired(key: PublishedKey, until: datetime) -> str:
    pem = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    begin = "" if key.valid_from is None else f"valid-from: {_moment(key.valid_from)}\n"
    return f"{begin}valid-until: {_moment(until)}\n{pem.strip()}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@click.command()
def show() -> None:
    """Print which keys are set: their ids, and what each is wrapped by. Never a key.

    Opens each as a start would, and ends with 1 where a start would be refused for it.
    """
    with told():
        settings = load_settings()
        revealed = with_keys_revealed(settings)
        signing = configured_signing(revealed)
        link_secrets(revealed)
        rows = list(_rows(settings, _ids(revealed, signing)))
    retired = signing.published if signing.signer is None else signing.published[1:]
    rows += [("SIGNING_PUBLIC_KEYS", key.key_id, "public") for key in retired]
    for setting, key_id, wrapped_by in [("SETTING", "KEY ID", "WRAPPED BY"), *rows]:
        click.echo(f"{setting:<25}{key_id:<66}{wrapped_by}")


def _rows(
    settings: Settings, ids: dict[tuple[str, str | None], str]
) -> Iterator[tuple[str, str, str]]:
    providers = KeyProviders()
    for name in KEY_SETTINGS:
        for value in key_values(settings, name):
            wrapped_by = providers.reveal(value).wrapped_by or "nothing"
            yield value.use.setting, ids.get(_place(value.use), "-"), wrapped_by


def _ids(revealed: Settings, signing: Signing) -> dict[tuple[str, str | None], str]:
    """What each key is called; a secret of links has no name."""
    text = configured_keyring(revealed)
    kids = [] if text is None else [kid for kid, _ in parse_keyring(text).keys]
    found: dict[tuple[str, str | None], str] = {("ENCRYPTION_KEYS", kid): kid for kid in kids}
    single = zip(("ENCRYPTION_KEY", "ENCRYPTION_KEY_PREV"), kids, strict=False)
    found |= {(name, None): kid for name, kid in single}
    if signing.signer is not None:
        found["SIGNING_KEY", None] = signing.signer.key_id
    return found


def _place(use: KeyUse) -> tuple[str, str | None]:
    return use.setting, use.kid
