"""Where API keys come from: a setting, a watched file, or made up for a development start."""

import secrets
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from db.ids import TenantId
from policies.access import ROLES
from service.auth import ApiKeysError, KeyEntry, KeyTable, parse_api_keys
from service.settings import Settings, SettingsError

_LOOK_EVERY_SECONDS = 1.0
DEVELOPMENT_TENANT = TenantId("demo")

_log = structlog.get_logger(__name__)


def warn_of_short_secrets(entries: list[KeyEntry]) -> None:
    for entry in entries:
        if entry.short:
            _log.warning("api_key_secret_is_short", key_id=entry.key_id, advice="use 32 characters")


class WatchedKeyFile:
    """The keys in a file, read again when it changes. While it is unusable, the last ones stay."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp = self._read_stamp()
        self._table = self._load()
        self._looked = time.monotonic()

    def __call__(self) -> KeyTable:
        now = time.monotonic()
        if now - self._looked >= _LOOK_EVERY_SECONDS:
            with self._lock:
                self._looked = now
                self._reload_if_changed()
        return self._table

    def _reload_if_changed(self) -> None:
        try:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._table = self._load()
                self._stamp = stamp
                _log.info("api_keys_reloaded")
        except (SettingsError, ApiKeysError) as error:
            _log.error("api_keys_file_unusable", reason=str(error), effect="the last keys stay")

    def _read_stamp(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise SettingsError(f"API_KEYS_FILE: can't read the file: {error.strerror}") from error
        if not stat.S_ISREG(status.st_mode):
            # A pipe would hold the reader, and with it every request, until somebody writes.
            raise SettingsError("API_KEYS_FILE: not a regular file")
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _load(self) -> KeyTable:
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError("API_KEYS_FILE: can't read the file as UTF-8 text") from error
        entries = parse_api_keys(text)
        warn_of_short_secrets(entries)
        return KeyTable(entries)


def configured_keys(settings: Settings) -> Callable[[], KeyTable] | None:
    """The keys that settings name; None where they name none."""
    if settings.api_keys is not None and settings.api_keys_file is not None:
        raise SettingsError("API_KEYS and API_KEYS_FILE are both set; keep one")
    if settings.api_keys_file is not None:
        return WatchedKeyFile(settings.api_keys_file)
    if settings.api_keys is not None:
        entries = parse_api_keys(settings.api_keys.get_secret_value())
        if not entries:
            raise SettingsError("API_KEYS: holds no entry")
        warn_of_short_secrets(entries)
        table = KeyTable(entries)
        return lambda: table
    return None


def development_keys() -> dict[str, str]:
    """One new secret a role, for this start only."""
    return {role: secrets.token_urlsafe(24) for role in ROLES}


def development_entries(keys: dict[str, str]) -> str:
    """`API_KEYS` text of development keys, all of the tenant `demo`."""
    return ",".join(
        f"dev-{role}:{DEVELOPMENT_TENANT}:{role}:{secret}" for role, secret in keys.items()
    )
