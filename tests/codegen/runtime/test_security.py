"""Credentials are found where the schemes say, and requirements combine as OpenAPI has it."""

import base64
import json
from typing import Any

import httpx2
import pytest

from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.hooks import Call
from codegen.runtime.problems import forbidden, unauthenticated, unavailable
from codegen.runtime.security import Authenticator, Credential, challenge

from .small_service import Caller, Service, operation, result, slug

SCHEMES: dict[str, Any] = {
    "InHeader": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "InQuery": {"type": "apiKey", "in": "query", "name": "key"},
    "InCookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    "Token": {"type": "http", "scheme": "Bearer"},
    "Password": {"type": "http", "scheme": "basic"},
    "Digested": {"type": "http", "scheme": "DIGEST"},
    "Mutual": {"type": "http", "scheme": "Mutual"},
    "OAuth": {"type": "oauth2", "flows": {}},
    "OpenId": {"type": "openIdConnect", "openIdConnectUrl": "/openid"},
    "scheme": {"type": "apiKey", "in": "header", "name": "X-Other"},
}
BASIC = base64.b64encode(b"ann:pass").decode()
WAYS: dict[str, dict[str, Any]] = {
    "InHeader": {"headers": {"X-KEY": "good"}},
    "InQuery": {"params": {"key": "good"}},
    "InCookie": {"headers": {"Cookie": "a=b; session=good"}},
    "Token": {"headers": {"Authorization": "bEARER  good"}},
    "Password": {"headers": {"Authorization": f"Basic {BASIC}"}},
    "Digested": {"headers": {"Authorization": "Digest good"}},
    "Mutual": {"headers": {"Authorization": "Mutual good"}},
    "OAuth": {"headers": {"Authorization": "Bearer good"}},
    "OpenId": {"headers": {"Authorization": "Bearer good"}},
    "scheme": {"headers": {"X-Other": "good"}},
}


def accept(credential: Credential) -> str:
    """The roles that were asked for, to be seen in the answer."""
    if credential.value == "broken":
        raise unavailable("The directory of keys can't be reached.", retry_after=1)
    if credential.value not in ("good", BASIC):
        raise unauthenticated("Test", "This is unknown.")
    if "admin" in credential.roles:
        raise forbidden("This is for others.")
    return ",".join(credential.roles)


def trust(credential: Credential) -> str:
    """As behind a proxy that sets this header, and lets nobody else set it."""
    if credential.headers.get("x-client-verified") != "SUCCESS":
        raise unauthenticated("Certificate", "No certificate was shown.")
    return "known by its certificate"


def tell(call: Call) -> Any:
    return result(EncodedJson(json.dumps(dict(call.identities)).encode()))


def ask(*security: dict[str, tuple[str, ...]], **options: Any) -> httpx2.Response:
    authenticators: dict[str, Authenticator] = dict.fromkeys(SCHEMES, accept)
    service = Service(
        [operation(security=security)],
        {"ask": tell},
        schemes=SCHEMES,
        authenticators=authenticators,
    )
    with Caller(service) as caller:
        answer = caller.ask(**options)
    (record,) = service.records
    if answer.status_code == 200:
        assert record.identities == answer.json()
    return answer


@pytest.mark.parametrize("scheme", WAYS)
def test_a_credential_is_found_in_its_place(scheme: str) -> None:
    answer = ask({scheme: ("reader", "writer")}, **WAYS[scheme])
    assert (answer.status_code, answer.json()) == (200, {scheme: "reader,writer"})


@pytest.mark.parametrize("scheme", WAYS)
def test_a_missing_credential_is_a_401(scheme: str) -> None:
    for options in ({}, {"headers": {"Authorization": "Unknown good"}, "params": {}}):
        answer = ask({scheme: ()}, **options)
        assert (answer.status_code, slug(answer)) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == challenge({scheme: SCHEMES[scheme]})


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "good", "Bearergood", "Basic good"])
def test_a_malformed_authorization_header_is_no_credential(value: str) -> None:
    assert ask({"Token": ()}, headers={"Authorization": value}).status_code == 401


def test_a_wrong_credential_is_what_the_authenticator_says() -> None:
    answer = ask({"InHeader": ()}, headers={"X-Key": "bad"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "This is unknown.")
    assert answer.headers["www-authenticate"] == "Test"
    answer = ask({"InHeader": ("admin",)}, **WAYS["InHeader"])
    assert (answer.status_code, slug(answer)) == (403, "forbidden")
    answer = ask({"InHeader": ()}, headers={"X-Key": "broken"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("scheme", "sent"),
    [
        ("InHeader", {"headers": [("X-Key", "good"), ("x-key", "other")]}),
        ("InHeader", {"headers": [("X-Key", "good"), ("X-Key", "good")]}),
        ("InQuery", {"params": [("key", "good"), ("key", "other")]}),
        ("Token", {"headers": [("Authorization", "Bearer good"), ("Authorization", "Basic a")]}),
    ],
)
def test_credential_that_comes_twice_is_refused_whichever_a_proxy_may_have_read(
    scheme: str, sent: dict[str, Any]
) -> None:
    answer = ask({scheme: ()}, **sent)
    assert (answer.status_code, slug(answer)) == (400, "malformed-request")
    assert "good" not in answer.text


def test_any_one_of_the_alternatives_is_enough() -> None:
    either: tuple[dict[str, tuple[str, ...]], ...] = ({"InHeader": ("a",)}, {"Token": ("b",)})
    assert ask(*either, **WAYS["InHeader"]).json() == {"InHeader": "a"}
    assert ask(*either, **WAYS["Token"]).json() == {"Token": "b"}
    both = {"X-Key": "bad", "Authorization": "Bearer good"}
    assert ask(*either, headers=both).json() == {"Token": "b"}
    assert ask(*either).status_code == 401


def test_of_several_refusals_forbidden_is_the_most_telling() -> None:
    either: tuple[dict[str, tuple[str, ...]], ...] = ({"InHeader": ("admin",)}, {"Token": ()})
    headers = {"X-Key": "good", "Authorization": "Bearer bad"}
    assert ask(*either, headers=headers).status_code == 403


def test_a_combination_needs_all_of_its_schemes() -> None:
    both: dict[str, tuple[str, ...]] = {"InHeader": ("a",), "Token": (), "scheme": ("c",)}
    headers = {"X-Key": "good", "Authorization": "Bearer good", "X-Other": "good"}
    expected = {"InHeader": "a", "Token": "", "scheme": "c"}
    assert ask(both, headers=headers).json() == expected
    for name in headers:
        rest = {key: value for key, value in headers.items() if key != name}
        assert ask(both, headers=rest).status_code == 401
        assert ask(both, headers={**headers, name: "Bearer bad"}).status_code == 401


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_optional_credentials_count_wherever_the_empty_alternative_stands(
    order: tuple[int, int],
) -> None:
    choices: list[dict[str, tuple[str, ...]]] = [{}, {"InHeader": ("a",)}]
    security = [choices[place] for place in order]
    assert ask(*security).json() == {}
    assert ask(*security, **WAYS["InHeader"]).json() == {"InHeader": "a"}


def test_an_operation_without_a_requirement_asks_nobody() -> None:
    assert ask(headers={"X-Key": "broken"}).json() == {}


def test_a_failing_authenticator_is_a_500_and_lets_nobody_in() -> None:
    def fail(credential: Credential) -> str:
        raise KeyError(credential.value)

    service = Service(
        [operation(security=({"InHeader": ()},))],
        schemes={"InHeader": SCHEMES["InHeader"]},
        authenticators={"InHeader": fail},
    )
    with Caller(service) as caller:
        answer = caller.ask(headers={"X-Key": "s3cret"})
    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert "s3cret" not in answer.text


def test_a_scheme_without_an_authenticator_stops_the_start() -> None:
    with pytest.raises(KeyError, match="InHeader"):
        Service(schemes={"InHeader": SCHEMES["InHeader"]}).application()


def test_the_credential_in_the_query_is_no_unknown_parameter() -> None:
    assert ask({"InQuery": ()}, params={"key": "good", "evil": "1"}).status_code == 422


def test_challenges_name_the_places_of_credentials() -> None:
    assert challenge(SCHEMES) == (
        'ApiKey header="X-Key", ApiKey query="key", ApiKey cookie="session", Bearer, '
        'Basic realm="api", Digest, Mutual, ApiKey header="X-Other"'
    )
    assert challenge({}) == "Bearer"


def test_client_certificates_are_told_by_the_authenticator_from_what_the_proxy_says() -> None:
    service = Service(
        [operation(security=({"Certificate": ()},))],
        {"ask": tell},
        schemes={"Certificate": {"type": "http", "scheme": "mutual-tls"}},
        authenticators={"Certificate": trust},
    )
    with Caller(service) as caller:
        assert caller.ask().status_code == 401
        known = caller.ask(headers={"X-Client-Verified": "SUCCESS"})
    assert known.json() == {"Certificate": "known by its certificate"}
