"""The key that evidence is signed with, and the public keys that are told to everyone.

The key stays in memory; a development start keeps its own in a file that the owner alone can read.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretStr
from typing_extensions import override

from handlers.signing import Signer, Signing
from policies.link_tokens import LinkTokens
from policies.published_keys import (
    PemBlock,
    PublishedKey,
    PublishedKeysError,
    key_id_of,
    pem_blocks,
    public_keys_of_pem,
)
from service.key_values import is_wrapped
from service.private_files import write_private
from service.settings import Settings, SettingsError

MOST_RETIRED_KEYS: Final = 99
LEAST_SECRET_CHARACTERS: Final = 32


class KeyInMemory(Signer):
    """Signs with an Ed25519 key that this process holds."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._key_id = key_id_of(key.public_key())

    @property
    @override
    def key_id(self) -> str:
        return self._key_id

    @override
    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def configured_signing(settings: Settings) -> Signing:
    """The signing that settings ask for. Raises SettingsError that never repeats a key."""
    retired = _retired_keys(settings.signing_public_keys)
    if settings.signing_key is None:
        return Signing(None, retired)
    key, block = _private_key(settings.signing_key.get_secret_value())
    own = PublishedKey(key.public_key(), block.valid_from)
    if own.key_id in {one.key_id for one in retired}:
        raise SettingsError("SIGNING_PUBLIC_KEYS: the key of SIGNING_KEY stands there as retired")
    return Signing(KeyInMemory(key), (own, *retired))


def link_secrets(settings: Settings) -> tuple[str, ...]:
    """The secrets of links, newest first; empty where none is configured. Raises SettingsError."""
    current, previous = settings.export_sign_secret, settings.export_sign_secret_prev
    if current is None:
        if previous is not None:
            raise SettingsError("EXPORT_SIGN_SECRET_PREV is set, but EXPORT_SIGN_SECRET is not")
        return ()
    given = {"EXPORT_SIGN_SECRET": current, "EXPORT_SIGN_SECRET_PREV": previous}
    found = {name: secret.get_secret_value() for name, secret in given.items() if secret}
    for name, secret in found.items():
        if is_wrapped(secret):
            # It is no secret, and long enough to pass for one.
            raise AssertionError(f"{name} has not been revealed")
        if len(secret) < LEAST_SECRET_CHARACTERS:
            raise SettingsError(
                f"{name}: has {len(secret)} characters; a secret needs {LEAST_SECRET_CHARACTERS}, "
                "such as `openssl rand -hex 32` prints"
            )
    return tuple(found.values())


def configured_links(settings: Settings) -> LinkTokens | None:
    """Raises SettingsError."""
    found = link_secrets(settings)
    return LinkTokens(found) if found else None


def with_development_signing(settings: Settings) -> Settings:
    """Settings in which what signing needs is there: what is missing is made and kept at home."""
    made: dict[str, SecretStr] = {}
    if settings.signing_key is None:
        made["signing_key"] = SecretStr(
            _kept(settings.collector_home / "signing-key", new_signing_key)
        )
    if settings.export_sign_secret is None and settings.export_sign_secret_prev is None:
        path = settings.collector_home / "export-sign-secret"
        made["export_sign_secret"] = SecretStr(_kept(path, new_link_secret))
    return settings.model_copy(update=made)


def new_link_secret() -> str:
    return secrets.token_urlsafe(32)


def _kept(path: Path, make: Callable[[], str]) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        text = make().strip()
        write_private(path, text)
        return text


def new_signing_key() -> str:
    """A new key as `SIGNING_KEY` has it, after a line that says since when."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return f"valid-from: {datetime.now(UTC).isoformat(timespec='seconds')}\n{pem}"


def _private_key(text: str) -> tuple[Ed25519PrivateKey, PemBlock]:
    blocks = _blocks("SIGNING_KEY", text)
    if len(blocks) != 1:
        raise SettingsError(f"SIGNING_KEY: must be one key in PEM, not {len(blocks)} blocks")
    block = blocks[0]
    if block.valid_until is not None:
        raise SettingsError("SIGNING_KEY: the key that signs has no valid-until yet")
    try:
        key = load_pem_private_key(block.pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not `from` it: the error may hold a part of the key.
        raise SettingsError(
            "SIGNING_KEY: not a private key in PEM without a password; `openssl genpkey -algorithm "
            "ed25519` makes one"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError("SIGNING_KEY: not an Ed25519 key")
    return key, block


def _blocks(variable: str, text: str) -> list[PemBlock]:
    try:
        return list(pem_blocks(text))
    except PublishedKeysError as error:
        raise SettingsError(f"{variable}: {error}") from None


def _retired_keys(text: str | None) -> tuple[PublishedKey, ...]:
    if text is None or not text.strip():
        return ()
    try:
        keys = public_keys_of_pem(text)
    except PublishedKeysError as error:
        raise SettingsError(f"SIGNING_PUBLIC_KEYS: {error}") from None
    mistakes = [
        f"key {place}: put a line `valid-until: 2026-11-20T08:00:00Z` before it"
        for place, key in enumerate(keys, start=1)
        if key.valid_until is None
    ]
    if len(keys) > MOST_RETIRED_KEYS:
        mistakes.append(f"holds {len(keys)} keys; {MOST_RETIRED_KEYS} can be published")
    if len({key.key_id for key in keys}) < len(keys):
        mistakes.append("a key stands there twice")
    if mistakes:
        raise SettingsError("SIGNING_PUBLIC_KEYS: " + "; ".join(mistakes))
    return keys
