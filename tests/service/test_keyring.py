"""The keyring: how it is written, what is wrong with it, and the digest under its newest key."""

import base64
import hashlib
import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.keyring import Keyring, development_keyring, parse_keyring
from service.settings import SettingsError

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
