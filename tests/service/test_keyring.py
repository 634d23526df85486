"""The keyring: how it is written, what is wrong with it, and the digest under its newest key."""

import base64
import hashlib
import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from service.keyring import (
    Keyring,
    configured_keyring,
    development_keyring,
    new_entry,
    parse_keyring,
)
from service.settings import Settings, SettingsError

_A, _B = bytes(32), bytes(range(32))


def _entry(kid: str, key: bytes) -> str:
    return f"{kid}:{base64.b64encode(key).decode()}"


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4))
def test_keys_are_kept_in_the_order_written(keys: list[bytes]) -> None:
    written = [(f"k{place}", key) for place, key in enumerate(keys)]
    text = " , ".join(_entry(kid, key) for kid, key in written)
    assert parse_keyring(text).keys == tuple(written)


def test_every_mistake_is_named_by_place_and_no_key_repeated() -> None:
    secret = base64.b64encode(b"fluffy-kitten").decode()
    text = f"a:{secret},:{secret},{_entry('b', _A)},{_entry('b', _B)},c,d:***{secret}"
    with pytest.raises(SettingsError) as raised:
        parse_keyring(text)
    said = str(raised.value)
    assert [place for place in range(1, 7) if f"entry {place}:" in said] == [1, 2, 4, 5, 6]
    assert secret not in said


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^ENCRYPTION_KEYS: entry 1"):
        parse_keyring(text)


def test_digest_is_keyed_by_the_newest_key_and_names_it() -> None:
    ring = Keyring((("new", _B), ("old", _A)))
    own = hmac.digest(_B, b"collector original digest v1", "sha256")
    expected = hmac.new(own, b"content", hashlib.sha256).hexdigest()
    assert ring.digest(b"content") == f"new:{expected}"
    assert ring.digest(b"content") != Keyring((("new", _A),)).digest(b"content")
    assert hashlib.sha256(b"content").hexdigest() not in ring.digest(b"content")


def _single(key: bytes) -> SecretStr:
    return SecretStr(base64.b64encode(key).decode())


def test_single_keys_make_a_keyring_with_ids_made_from_them() -> None:
    before = configured_keyring(Settings(encryption_key=_single(_A)))
    after = configured_keyring(
        Settings(encryption_key=_single(_B), encryption_key_prev=_single(_A))
    )
    assert before is not None
    assert after is not None
    [(kid, key)] = parse_keyring(before).keys
    assert key == _A
    assert [key for _, key in parse_keyring(after).keys] == [_B, _A]
    # The one before is found again under the id that it wrote with.
    assert parse_keyring(after).keys[1][0] == kid
    assert base64.b64encode(_A).decode()[:8] not in kid


def test_no_key_configured_is_no_keyring() -> None:
    assert configured_keyring(Settings()) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"encryption_key_prev": _single(_A)}, "ENCRYPTION_KEY is not"),
        ({"encryption_key": SecretStr("c2hvcnQtc2VjcmV0")}, "ENCRYPTION_KEY: .*32 bytes"),
        (
            {"encryption_key": _single(_A), "encryption_key_prev": SecretStr("c2hvcnQtc2VjcmV0")},
            "ENCRYPTION_KEY_PREV: .*32 bytes",
        ),
        (
            {"encryption_keys": SecretStr(_entry("a", _A)), "encryption_key": _single(_B)},
            "keep one form",
        ),
        ({"encryption_key": _single(_A), "encryption_key_prev": _single(_A)}, "stands twice"),
    ],
)
def test_single_keys_that_make_no_keyring_are_named_and_not_repeated(
    given: dict[str, SecretStr], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        configured_keyring(Settings(**given))  # type: ignore[arg-type]  # the names are fields
    for secret in given.values():
        assert secret.get_secret_value() not in str(raised.value)


def test_new_entries_are_keyrings_of_one_and_all_different() -> None:
    entries = {new_entry() for _ in range(20)}
    assert len({parse_keyring(entry).keys for entry in entries}) == 20


def test_development_keyring_is_made_once_and_readable_by_the_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = development_keyring(home)
    assert development_keyring(home) == first
    assert stat.S_IMODE((home / "encryption-keys").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["encryption-keys"]
    assert len(parse_keyring(first).keys) == 1


@pytest.mark.parametrize("damaged", [b"dev1:damaged", b"", b"dev1:\xff"])
def test_damaged_development_keyring_is_named_and_not_replaced(
    damaged: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "encryption-keys"
    path.write_bytes(damaged)
    with pytest.raises(SettingsError, match=str(path)):
        development_keyring(tmp_path)
    assert path.read_bytes() == damaged
