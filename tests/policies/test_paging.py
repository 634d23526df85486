"""Page tokens: what one list seals, no other list opens."""

import base64
import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies import paging
from policies.paging import (
    MAX_CURSOR_BYTES,
    MAX_TOKEN_CHARACTERS,
    ForeignPageToken,
    seal,
    unseal,
)

_URL_SAFE = string.ascii_letters + string.digits + "-_"
_LIST = ("list_reports", "tenant-a", "severity=block")
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_lists = st.tuples(_text, _text, _text)


def refused(token: str, list_: tuple[str, str, str] = _LIST) -> bool:
    try:
        unseal(*list_, token)
    except ForeignPageToken:
        return True
    return False


@given(_lists, _text)
def test_list_opens_its_own_token(list_: tuple[str, str, str], cursor: str) -> None:
    token = seal(*list_, cursor)
    assert unseal(*list_, token) == cursor
    assert seal(*list_, cursor) == token
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert len(token) <= MAX_TOKEN_CHARACTERS


@given(_lists, _lists, _text)
def test_another_list_does_not_open_it(
    sealed: tuple[str, str, str], opened: tuple[str, str, str], cursor: str
) -> None:
    assume(sealed != opened)
    assert refused(seal(*sealed, cursor), opened)


@pytest.mark.parametrize(
    "other",
    [
        ("list_exports", "tenant-a", "severity=block"),
        ("list_reports", "tenant-b", "severity=block"),
        ("list_reports", "tenant-a", ""),
        ("list_reportst", "enant-a", "severity=block"),
        ("list_reports", "tenant-aseverity=block", ""),
    ],
)
def test_token_of_another_operation_tenant_or_filter_is_refused(
    other: tuple[str, str, str],
) -> None:
    assert refused(seal(*_LIST, "cursor"), other)
    assert refused(seal(*other, "cursor"))


@given(_text, st.data())
def test_token_with_any_character_changed_is_refused(cursor: str, data: st.DataObject) -> None:
    token = seal(*_LIST, cursor)
    position = data.draw(st.integers(0, len(token) - 1))
    replacement = data.draw(st.sampled_from(_URL_SAFE + "+/= \n%é\x00"))
    assume(replacement != token[position])
    assert refused(token[:position] + replacement + token[position + 1 :])


def test_every_change_of_every_character_is_refused() -> None:
    token = seal(*_LIST, "0197c1d2-aaaa")
    for position, original in enumerate(token):
        for replacement in _URL_SAFE:
            changed = token[:position] + replacement + token[position + 1 :]
            assert refused(changed) == (replacement != original)


@given(_text, st.data())
def test_token_cut_or_lengthened_is_refused(cursor: str, data: st.DataObject) -> None:
    token = seal(*_LIST, cursor)
    assert refused(token[: data.draw(st.integers(0, len(token) - 1))])
    assert refused(token + data.draw(st.text(_URL_SAFE + "=", min_size=1, max_size=5)))
    assert refused(data.draw(st.sampled_from(" \t\n=")) + token)


@given(st.text(st.characters(), max_size=60) | st.text(_URL_SAFE + "=", max_size=60))
def test_garbage_is_refused_and_raises_nothing_else(garbage: str) -> None:
    assert refused(garbage)


@pytest.mark.parametrize("cursor_length", [0, 1, 2, 3])
def test_other_spellings_of_the_same_bytes_are_refused(cursor_length: int) -> None:
    token = seal(*_LIST, "c" * cursor_length)
    padded = token + "=" * (-len(token) % 4)
    assert refused(padded) == (padded != token)
    assert refused(token + "====")
    assert refused(token[:5] + "\n" + token[5:])
    assert refused(token[:5] + "!" + token[5:])
    opened = base64.urlsafe_b64decode(padded)
    standard = base64.b64encode(opened).rstrip(b"=").decode()
    assert refused(standard) == (standard != token)


def test_bits_left_over_in_the_last_character_are_refused() -> None:
    token = seal(*_LIST, "")
    spellings = [token[:-1] + last for last in _URL_SAFE]
    assert [spelling for spelling in spellings if not refused(spelling)] == [token]


def test_token_of_another_version_is_refused() -> None:
    token = seal(*_LIST, "cursor")
    opened = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert opened[0] == 1
    opened[0] = 2
    assert refused(base64.urlsafe_b64encode(bytes(opened)).rstrip(b"=").decode())


def test_cursor_is_bounded_and_a_longer_token_refused_unread() -> None:
    longest = seal(*_LIST, "c" * MAX_CURSOR_BYTES)
    assert len(longest) == MAX_TOKEN_CHARACTERS
    assert unseal(*_LIST, longest) == "c" * MAX_CURSOR_BYTES
    assert refused(longest + "A")
    assert refused("A" * 10_000_000)
    with pytest.raises(ValueError, match="at most 512 bytes, this one 514"):
        seal(*_LIST, "é" * 257)


def test_token_over_its_length_is_refused_even_when_its_digest_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paging, "MAX_CURSOR_BYTES", MAX_CURSOR_BYTES + 1)
    assert refused(seal(*_LIST, "c" * (MAX_CURSOR_BYTES + 1)))


def test_unpaired_surrogates_are_refused_as_foreign() -> None:
    assert refused("\ud800" * 30)
    assert refused(seal(*_LIST, "cursor"), ("list_reports", "\ud800", ""))


def test_refusal_does_not_repeat_the_token() -> None:
    with pytest.raises(ForeignPageToken) as raised:
        unseal(*_LIST, "hunter2")
    assert "hunter2" not in str(raised.value)
