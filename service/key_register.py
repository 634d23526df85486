"""Compares the keyring with the register of keys that reports are sealed under, before serving.

A key that is needed and missing, or another one under its id, stops the start: found out later, it
would be reports that can't be read.
"""

from collections.abc import Iterable

from db.key_uses import KeyIdentity, register_key, registered_keys
from db.session import Database
from service.keyring import Keyring
from service.settings import SettingsError


def register_keyring(database: Database, keyring: Keyring | None) -> None:
    """Registers the newest key. Raises SettingsError naming each key that is missing or another."""
    with database.system_transaction() as tx:
        # Before the comparison: of two that register one id at once, the second sees the first.
        if keyring is not None:
            register_key(tx, keyring.newest)
        require_keys(keyring, (key.identity for key in registered_keys(tx)))


def require_keys(keyring: Keyring | None, registered: Iterable[KeyIdentity]) -> None:
    """Raises SettingsError naming each registered key that is missing or another."""
    held = {} if keyring is None else keyring.identities
    registered = list(registered)
    missing = sorted({key.kid for key in registered if key.kid not in held})
    others = sorted({key.kid for key in registered if held.get(key.kid, key) != key})
    mistakes = []
    if missing:
        mistakes.append(
            f"ENCRYPTION_KEYS: reports are encrypted under {', '.join(missing)}, which the keyring "
            "lacks; put it back, after the newest. An old key may go once `collector keys rewrap`, "
            "run with both, has said so"
        )
    if others:
        mistakes.append(
            f"ENCRYPTION_KEYS: {', '.join(others)} is another key than the one that reports are "
            "encrypted under; put that one back, and give the new one an id of its own"
        )
    if mistakes:
        raise SettingsError("\n".join(mistakes))
