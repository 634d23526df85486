"""API keys: how they are written, what is wrong with them, who they let in."""

import hashlib
import re
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from db.ids import TenantId
from generated.runtime.problems import Problem
from generated.runtime.security import Credential
from handlers.context import Principal
from policies.access import ROLES, Role
from service.auth import ApiKeysError, Authentication, KeyTable, parse_api_keys

_LONG = "a-secret-that-is-long-enough"
_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
_SECRETS = st.text(
    st.characters(exclude_characters=":,\n\r", exclude_categories=["Cs", "Zs", "Cc"]), min_size=1
).filter(lambda secret: not secret.startswith("sha256$") and secret == secret.strip())


def _mistakes(text: str) -> str:
    with pytest.raises(ApiKeysError) as raised:
        parse_api_keys(text)
    return str(raised.value).removeprefix("API_KEYS: ")


def _principal(text: str, secret: str, tenant: str, roles: tuple[str, ...] = ROLES) -> Principal:
    table = KeyTable(parse_api_keys(text))
    authentication = Authentication(lambda: table, today=lambda: date(2026, 11, 20))
    credential = Credential(secret, roles, Headers({"x-tenant": tenant}))
    return authentication.principal(credential)


@given(key_id=_NAMES, tenant=_NAMES, role=st.sampled_from(ROLES), secret=_SECRETS)
def test_entry_lets_its_secret_in_as_its_role_for_its_tenant(
    key_id: str, tenant: str, role: Role, secret: str
) -> None:
    text = f"{key_id}:{tenant}:{role}:{secret}"
    assert _principal(text, secret, tenant) == Principal(TenantId(tenant), key_id, role)


@given(st.lists(st.tuples(_NAMES, _NAMES, st.sampled_from(ROLES)), unique_by=lambda e: e[0]))
def test_entries_are_read_one_by_one_whatever_separates_them(
    entries: list[tuple[str, str, Role]],
) -> None:
    written = [f"{key_id}:{tenant}:{role}:{_LONG}{key_id}" for key_id, tenant, role in entries]
    expected = [(key_id, tenant, role) for key_id, tenant, role in entries]
    for separator in (",", "\n", " ,\n", ",# a comment\n"):
        read = parse_api_keys(separator.join(written))
        assert [(each.key_id, each.tenant_id, each.role) for each in read] == expected


@given(st.text())
def test_any_text_is_read_or_refused_and_never_fails_otherwise(text: str) -> None:
    with suppress(ApiKeysError):
        parse_api_keys(text)


@given(st.from_regex(r"[A-Za-z0-9]{12,30}", fullmatch=True))
def test_mistakes_name_entries_by_place_and_never_by_content(secret: str) -> None:
    text = f"{secret},k:t:admin:{secret}:{secret},{secret}!:t:admin:x,k:t:{secret}:y"
    mistakes = _mistakes(text)
    assert [f"entry {place}:" in mistakes for place in (1, 2, 3, 4)] == [True] * 4
    assert secret not in mistakes


def test_every_mistake_is_named_at_once() -> None:
    text = ",".join(
        [
            "one:two",
            "-:t:admin:s",
            "k:t t:admin:s",
            "k:t:root:s",
            "k:t:admin:",
            "k:t:admin:sha256$abc",
            "k:t:admin:s:tomorrow",
            "a:b:c:d:e:f",
        ]
    )
    said = _mistakes(text)
    assert re.findall(r"entry (\d)", said) == [str(place) for place in range(1, 9)]
    assert "entry 1: has 2 fields; write key_id:tenant:role:secret[:expires-on]" in said


def test_contradictions_between_entries_are_named() -> None:
    assert _mistakes("k:t:admin:one,k:u:admin:two") == (
        "key_id k stands with two secrets; give each its own id"
    )
    assert _mistakes("k:t:admin:one,l:t:viewer:one") == "key_id l has the secret of k"
    assert _mistakes("k:t:admin:one,k:t:viewer:one") == "key_id k stands twice for one tenant"


def test_digest_may_stand_for_the_secret() -> None:
    digest = hashlib.sha256(_LONG.encode()).hexdigest()
    text = f"k:t:viewer:sha256${digest}"
    assert _principal(text, _LONG, "t").key_id == "k"
    for wrong in (digest, f"sha256${digest}", _LONG + "x"):
        with pytest.raises(Problem) as refused:
            _principal(text, wrong, "t")
        assert refused.value.status == 401


def test_predecessors_entry_gets_a_key_id_of_its_own() -> None:
    [entry] = parse_api_keys("acme:the-old-key:operator")
    assert (entry.tenant_id, entry.role) == ("acme", "operator")
    assert entry.key_id.startswith("key-")
    assert "old" not in entry.key_id
    assert parse_api_keys("acme:the-old-key:operator")[0].key_id == entry.key_id
    assert _principal("acme:the-old-key:operator", "the-old-key", "acme").role == "operator"


def test_key_is_refused_from_the_day_it_expires_on() -> None:
    assert _principal("k:t:viewer:s:2026-11-21", "s", "t").role == "viewer"
    for day in ("2026-11-20", "2026-11-19"):
        with pytest.raises(Problem) as refused:
            _principal(f"k:t:viewer:s:{day}", "s", "t")
        assert (refused.value.status, refused.value.headers["WWW-Authenticate"]) == (
            401,
            'ApiKey header="X-Api-Key"',
        )


def test_key_that_expired_for_one_tenant_lives_on_for_another() -> None:
    text = "k:t:viewer:s:2026-11-20,k:u:admin:s"
    assert _principal(text, "s", "u").role == "admin"
    with pytest.raises(Problem) as refused:
        _principal(text, "s", "t")
    assert refused.value.status == 403


def test_operation_that_names_no_role_is_closed_to_everyone() -> None:
    with pytest.raises(Problem) as refused:
        _principal("k:t:admin:s", "s", "t", roles=())
    assert refused.value.status == 403


@given(st.text())
def test_any_presented_secret_is_looked_up_without_failing(secret: str) -> None:
    table = KeyTable(parse_api_keys("k:t:admin:right"))
    assert (table.find(secret) is None) == (secret != "right")


def test_short_secrets_are_marked_and_digests_are_not() -> None:
    digest = hashlib.sha256(b"s").hexdigest()
    read = parse_api_keys(f"a:t:admin:short,b:t:admin:{_LONG},c:t:admin:sha256${digest}")
    assert [each.short for each in read] == [True, False, False]


def test_no_secret_is_kept_in_memory() -> None:
    entries = parse_api_keys(f"k:t:admin:{_LONG}")
    assert _LONG not in repr(entries)
    assert _LONG not in repr(vars(KeyTable(entries)))
