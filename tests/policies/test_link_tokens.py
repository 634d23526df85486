"""Tokens of links: the same for the same grant, and no other text is taken for one."""

import base64
import hashlib
import json
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from policies.link_tokens import ForeignToken, Link, LinkTokens, fingerprint_of

_NEW, _OLD = "n" * 32, "o" * 32
_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_LINK = Link("acme", UUID(int=1), "bundle", UUID(int=2), _NOON, _NOON + timedelta(hours=1))
_CHARACTERS = string.ascii_letters + string.digits + "._-~ é\x00"

_links = st.builds(
    Link,
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=64),
    st.uuids(),
    st.just("bundle"),
    st.uuids(),
    st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)


@given(_links)
def test_token_is_read_back_as_its_link_and_is_always_the_same(link: Link) -> None:
    token = LinkTokens([_NEW]).token(link)
    assert LinkTokens([_NEW, _OLD]).token(link) == token
    assert LinkTokens([_NEW]).read(token) == link


def test_token_is_url_safe_and_has_no_need_to_be_long() -> None:
    token = LinkTokens([_NEW]).token(replace(_LINK, tenant_id="t" * 64))
    assert set(token) <= set(string.ascii_letters + string.digits + "._-")
    assert len(token) <= 512


@given(st.data())
def test_any_character_changed_added_or_left_out_makes_it_unknown(data: st.DataObject) -> None:
    tokens = LinkTokens([_NEW, _OLD])
    token = tokens.token(_LINK)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(_CHARACTERS).filter(lambda each: each != token[place]))
    changed = (
        token[:place] + other + token[place + 1 :],
        token[:place] + other + token[place:],
        token[:place] + token[place + 1 :],
    )
    for each in changed:
        with pytest.raises(ForeignToken):
            tokens.read(each)


def test_other_spelling_of_the_same_signature_is_unknown() -> None:
    tokens = LinkTokens([_NEW])
    token = tokens.token(_LINK)
    payload, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=")
    spellings = [
        signature[:-1] + last
        for last in string.ascii_letters + string.digits + "-_"
        if base64.urlsafe_b64decode(signature[:-1] + last + "=") == raw
    ]
    assert len(spellings) == 4
    for spelling in (*spellings, signature + "="):
        if spelling != signature:
            with pytest.raises(ForeignToken):
                tokens.read(f"{payload}.{spelling}")


def test_every_field_is_signed() -> None:
    tokens = LinkTokens([_NEW])
    others = [
        replace(_LINK, tenant_id="acme2"),
        replace(_LINK, object_id=UUID(int=9)),
        replace(_LINK, grant_id=UUID(int=9)),
        replace(_LINK, issued_at=_NOON + timedelta(seconds=1)),
        replace(_LINK, expires_at=_NOON + timedelta(hours=2)),
    ]
    signature = tokens.token(_LINK).rpartition(".")[2]
    for other in others:
        payload = tokens.token(other).rpartition(".")[0]
        with pytest.raises(ForeignToken):
            tokens.read(f"{payload}.{signature}")


def test_secret_before_still_reads_and_one_before_that_no_more() -> None:
    token = LinkTokens([_OLD]).token(_LINK)
    assert LinkTokens([_NEW, _OLD]).read(token) == _LINK
    with pytest.raises(ForeignToken):
        LinkTokens([_NEW]).read(token)


def test_token_stays_the_same_over_a_rotation_where_its_fingerprint_is_known() -> None:
    token = LinkTokens([_OLD]).token(_LINK)
    rotated = LinkTokens([_NEW, _OLD])
    assert rotated.token(_LINK, fingerprint_of(token)) == token
    assert rotated.token(_LINK) != token
    assert LinkTokens([_NEW]).token(_LINK, fingerprint_of(token)) == rotated.token(_LINK)


def test_fingerprint_is_what_sha256sum_prints_of_it() -> None:
    token = LinkTokens([_NEW]).token(_LINK)
    assert fingerprint_of(token) == hashlib.sha256(token.encode()).digest()


@pytest.mark.parametrize(
    "fields",
    [
        [2, "acme", str(UUID(int=1)), "bundle", str(UUID(int=2)), 1, 2],
        [1, "acme", str(UUID(int=1)), "sign", str(UUID(int=2)), 1, 2],
        [1, "acme", "no uuid", "bundle", str(UUID(int=2)), 1, 2],
        [1, "acme", str(UUID(int=1)), "bundle", str(UUID(int=2)), 1, 10**30],
        [1, "acme", 7, "bundle", str(UUID(int=2)), 1, 2],
        [1],
        {"version": 1},
    ],
)
def test_what_another_version_signs_for_another_purpose_is_unknown(fields: object) -> None:
    payload = base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=")
    signer = Signer(
        _NEW, salt="collector link v1", key_derivation="hmac", digest_method=hashlib.sha256
    )
    with pytest.raises(ForeignToken):
        LinkTokens([_NEW]).read(signer.sign(payload).decode())


@given(st.text(max_size=600))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(ForeignToken):
        LinkTokens([_NEW, _OLD]).read(text)


def test_tokens_without_a_secret_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        LinkTokens([])
