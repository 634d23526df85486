"""The keyring of secrets that protect what is stored: how it is written, and what is made of a key.

Keys stay in memory; a development start keeps its own in a file that the owner alone can read. A
key is never used itself: each use has one of its own, derived from it.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import SecretStr

from db.key_uses import KeyIdentity
from service.private_files import write_private
from service.settings import Settings, SettingsError

_KEY_BYTES = 32
_DIGEST = b"collector original digest v1"
_CHECK = b"collector key check v1"
_KEY_ID = b"collector key id v1"
KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)


@dataclass(frozen=True)
class Keyring:
    """Keys by id, newest first. Never empty."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)

    @cached_property
    def identities(self) -> dict[str, KeyIdentity]:
        """Each key by its id, in order, and by what tells another key of the same id."""
        return {kid: KeyIdentity(kid, self.derived(kid, _CHECK)) for kid, _ in self.keys}

    @property
    def newest(self) -> KeyIdentity:
        return self.identities[self.keys[0][0]]

    def derived(self, kid: str, purpose: bytes) -> bytes:
        """A key of 32 bytes for one purpose; nothing of the keyring's own follows from it."""
        return hmac.digest(dict(self.keys)[kid], purpose, "sha256")

    def digest(self, content: bytes) -> str:
        """`kid:hex`, HMAC-SHA-256 of `content` under the newest key; tells nothing without it."""
        kid, _ = self.keys[0]
        return f"{kid}:{hmac.new(self.derived(kid, _DIGEST), content, hashlib.sha256).hexdigest()}"


def parse_keyring(text: str) -> Keyring:
    """Keyring of `kid:base64,…`. Raises SettingsError naming entries by place, never content."""
    keys: list[tuple[str, bytes]] = []
    mistakes = []
    for place, entry in enumerate(text.split(","), start=1):
        kid, _, encoded = entry.strip().partition(":")
        key = _decoded(encoded)
        if not KID.fullmatch(kid):
            mistakes.append(f"entry {place}: the key id may have 1 to 32 of A-Z a-z 0-9 . _ -")
        elif len(key) != _KEY_BYTES:
            mistakes.append(f"entry {place}: the key must be base64 of {_KEY_BYTES} bytes")
        elif kid in dict(keys):
            mistakes.append(f"entry {place}: this key id stands twice")
        keys.append((kid, key))
    if mistakes:
        raise SettingsError("ENCRYPTION_KEYS: " + "; ".join(mistakes))
    return Keyring(tuple(keys))


def keyring_entry(key: bytes, kid: str | None = None) -> str:
    """One key as `ENCRYPTION_KEYS` has it; without `kid` it is named after the key itself."""
    kid = kid or f"key-{hmac.digest(key, _KEY_ID, 'sha256').hex()[:12]}"
    return f"{kid}:{base64.b64encode(key).decode()}"


def new_entry() -> str:
    """A new key as `ENCRYPTION_KEYS` has it, under an id of its own."""
    return keyring_entry(secrets.token_bytes(_KEY_BYTES))


def configured_keyring(settings: Settings) -> str | None:
    """`ENCRYPTION_KEYS` text of the keyring that settings name; None where they name none."""
    current, previous = settings.encryption_key, settings.encryption_key_prev
    if settings.encryption_keys is not None:
        if current is not None or previous is not None:
            raise SettingsError(
                "ENCRYPTION_KEYS is set beside ENCRYPTION_KEY or ENCRYPTION_KEY_PREV; keep one form"
            )
        text = settings.encryption_keys.get_secret_value()
    elif current is None:
        if previous is not None:
            raise SettingsError("ENCRYPTION_KEY_PREV is set, but ENCRYPTION_KEY is not")
        return None
    else:
        single = {"ENCRYPTION_KEY": current, "ENCRYPTION_KEY_PREV": previous}
        text = ",".join(_single_entry(name, key) for name, key in single.items() if key is not None)
    parse_keyring(text)
    return text


def _single_entry(variable: str, secret: SecretStr) -> str:
    key = _decoded(secret.get_secret_value())
    if len(key) != _KEY_BYTES:
        raise SettingsError(f"{variable}: the key must be base64 of {_KEY_BYTES} bytes")
    return keyring_entry(key)


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return b""


def development_keyring(home: Path) -> str:
    """`ENCRYPTION_KEYS` text of the keyring kept in `home`, made on the first start."""
    path = home / "encryption-keys"
    try:
        text = path.read_text(encoding="ascii").strip()
        parse_keyring(text)
        return text
    except (UnicodeDecodeError, SettingsError):
        # Not `from` it: the error may hold the key.
        raise SettingsError(
            f"{path}: not a keyring; restore it from a copy, for without it what it protects is "
            "lost, or move it away to have a new one made"
        ) from None
    except FileNotFoundError:
        text = keyring_entry(secrets.token_bytes(_KEY_BYTES), "dev1")
        write_private(path, text)
        return text


def keyring_text(settings: Settings) -> str | None:
    """`ENCRYPTION_KEYS` text of the configured keyring, or of the one kept for development."""
    configured = configured_keyring(settings)
    if configured is not None or not settings.embedded:
        return configured
    return development_keyring(settings.collector_home)
