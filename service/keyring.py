"""The keyring of secrets that protect what is stored: parsing, and the keyed digest of originals.

Keys stay in memory; a development start keeps its own in a file that the owner alone can read.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from service.settings import SettingsError

_KEY_BYTES = 32
_KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id, newest first. Never empty."""

    keys: tuple[tuple[str, bytes], ...]

    def digest(self, content: bytes) -> str:
        """`kid:hex`, HMAC-SHA-256 of `content` under the newest key; tells nothing without it."""
        kid, key = self.keys[0]
        own = hmac.digest(key, b"collector original digest v1", "sha256")
        return f"{kid}:{hmac.new(own, content, hashlib.sha256).hexdigest()}"


def parse_keyring(text: str) -> Keyring:
    """Keyring of `kid:base64,…`. Raises SettingsError naming entries by place, never content."""
    keys: list[tuple[str, bytes]] = []
    mistakes = []
    for place, entry in enumerate(text.split(","), start=1):
        kid, _, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not _KID.fullmatch(kid):
            mistakes.append(f"entry {place}: the key id may have 1 to 32 of A-Z a-z 0-9 . _ -")
        elif len(key) != _KEY_BYTES:
            mistakes.append(f"entry {place}: the key must be base64 of {_KEY_BYTES} bytes")
        elif kid in dict(keys):
            mistakes.append(f"entry {place}: this key id stands twice")
        keys.append((kid, key))
    if mistakes:
        raise SettingsError("ENCRYPTION_KEYS: " + "; ".join(mistakes))
    return Keyring(tuple(keys))


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
        text = f"dev1:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"
        _write_private(path, text)
        return text


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
