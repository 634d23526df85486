"""Where keys come from: a setting, a file that may change meanwhile, a development start."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from policies.access import ROLES
from service.auth import ApiKeysError, KeyTable, parse_api_keys
from service.key_source import (
    WatchedKeyFile,
    configured_keys,
    development_entries,
    development_keys,
)
from service.settings import Settings, SettingsError

_OLD = "k:t:viewer:the-old-secret"
_NEW = "k:t:viewer:the-new-secret"
# Longer than the second between two looks at the file.
_PATIENCE_SECONDS = 5.0


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _lets_in(keys: Callable[[], KeyTable], secret: str) -> bool:
    return keys().find(secret) is not None


def test_key_taken_out_of_the_file_is_revoked_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(_OLD)
    keys = WatchedKeyFile(path)
    assert _lets_in(keys, "the-old-secret")
    path.write_text(_NEW)
    _until(lambda: not _lets_in(keys, "the-old-secret"))
    assert _lets_in(keys, "the-new-secret")


def test_file_exchanged_as_a_mounted_secret_is_exchanged_is_noticed(tmp_path: Path) -> None:
    for name, text in (("first", _OLD), ("later", _NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "keys").write_text(text)
    (tmp_path / "data").symlink_to("first")
    (tmp_path / "keys").symlink_to("data/keys")
    keys = WatchedKeyFile(tmp_path / "keys")
    (tmp_path / "next").symlink_to("later")
    (tmp_path / "next").rename(tmp_path / "data")
    _until(lambda: _lets_in(keys, "the-new-secret"))


def test_last_keys_stay_while_the_file_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(_OLD)
    keys = WatchedKeyFile(path)
    time.sleep(1.05)
    path.write_text("half an ent")
    assert _lets_in(keys, "the-old-secret")
    path.unlink()
    time.sleep(1.05)
    assert _lets_in(keys, "the-old-secret")
    path.write_text(_NEW)
    _until(lambda: not _lets_in(keys, "the-old-secret"))


def test_pipe_in_the_place_of_the_file_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(_OLD)
    keys = WatchedKeyFile(path)
    path.unlink()
    os.mkfifo(path)
    time.sleep(1.1)
    assert _lets_in(keys, "the-old-secret")


def test_file_that_is_unusable_from_the_start_stops_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="API_KEYS_FILE: can't read the file: No such"):
        WatchedKeyFile(tmp_path / "nowhere")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        WatchedKeyFile(tmp_path / "bytes")
    (tmp_path / "bad").write_text("k:t")
    with pytest.raises(ApiKeysError, match="entry 1: has 2 fields"):
        WatchedKeyFile(tmp_path / "bad")


def test_keys_are_named_once_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(_OLD)
    assert configured_keys(Settings()) is None
    with pytest.raises(SettingsError, match="keep one"):
        configured_keys(Settings(api_keys=SecretStr(_OLD), api_keys_file=path))
    with pytest.raises(SettingsError, match="holds no entry"):
        configured_keys(Settings(api_keys=SecretStr(" , ")))
    for settings in (Settings(api_keys=SecretStr(_OLD)), Settings(api_keys_file=path)):
        keys = configured_keys(settings)
        assert keys is not None
        assert _lets_in(keys, "the-old-secret")


def test_development_start_makes_a_key_for_each_role_anew() -> None:
    keys, others = development_keys(), development_keys()
    assert tuple(keys) == ROLES
    assert len({*keys.values(), *others.values()}) == 2 * len(ROLES)
    entries = parse_api_keys(development_entries(keys))
    assert [(each.tenant_id, each.role, each.short) for each in entries] == [
        ("demo", role, False) for role in ROLES
    ]


def test_pipe_in_place_of_the_key_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keys")
    with pytest.raises(SettingsError, match="not a regular file"):
        WatchedKeyFile(tmp_path / "keys")
