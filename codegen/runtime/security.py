"""Puts a service's authenticators behind Connexion's security step.

Reads credentials where the contract's schemes say they are; deciding on them is the service's part.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connexion.lifecycle import ConnexionRequest
from connexion.security import NO_VALUE, AbstractSecurityHandler
from starlette.datastructures import Headers, QueryParams

from .problems import malformed_request

SCHEME_NAME = "x-scheme-name"
# What mutualTLS, which OpenAPI 3.0 doesn't know, is called in the view that Connexion gets.
# `mutual` would be the HTTP scheme of RFC 8120.
_MUTUAL = "mutual-tls"


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential of a request. `roles` are those the operation's security requirement names.

    Of an HTTP scheme the value is what was sent behind its name: of `basic` base64 of
    `name:password`, of `digest` a list such as `username="…", nonce="…"`. Of `mutualTLS` it is
    empty: the connection was secured before it got here, and what the proxy says of the client's
    certificate stands in `headers`, if it lets none through that a caller made up.
    """

    value: str
    roles: tuple[str, ...]
    headers: Headers


# Returns who is calling, to be found in `Call.identities`; raises a Problem (401 or 403) otherwise.
# Runs on the event loop: it must not wait for anything.
Authenticator = Callable[[Credential], Any]


def security_map(
    authenticators: Mapping[str, Authenticator], schemes: Mapping[str, Any]
) -> dict[str, type[Any]]:
    """Connexion's `security_map` for authenticators by scheme name.

    It asks nobody about an HTTP scheme that isn't in there, and answers 401.
    """

    class ContractSecurity(AbstractSecurityHandler):  # type: ignore[misc]  # Connexion is untyped
        def get_fn(self, security_scheme: dict[str, Any], required_scopes: list[str]) -> Any:
            name = security_scheme[SCHEME_NAME]
            authenticate = authenticators[name]
            roles = tuple(required_scopes)

            def verify(request: ConnexionRequest) -> Any:
                value = credential_value(security_scheme, request)
                if value is None:
                    return NO_VALUE
                found = authenticate(Credential(value, roles, request.headers))
                return {"scheme": name, "identity": found}

            return verify

    named = [scheme["scheme"].lower() for scheme in schemes.values() if scheme["type"] == "http"]
    return dict.fromkeys(["apiKey", "oauth2", "openIdConnect", *named], ContractSecurity)


def credential_value(scheme: Mapping[str, Any], request: ConnexionRequest) -> str | None:
    """The credential where the scheme says it is, or None.

    Raises a 400 Problem for one that came twice: a proxy before us may have read the other.
    """
    if scheme["type"] == "apiKey":
        return _single(scheme["in"], scheme["name"], request)
    if scheme.get("scheme") == _MUTUAL:
        return ""
    kind, _, value = (_single("header", "authorization", request) or "").partition(" ")
    expected = scheme.get("scheme", "bearer").lower()
    return (value.strip() or None) if kind.lower() == expected else None


def _single(location: str, name: str, request: ConnexionRequest) -> str | None:
    if location == "cookie":
        value: str | None = request.cookies.get(name)
        return value
    if location == "header":
        found = request.headers.getlist(name)
    else:
        # Connexion's own `query_params` needs a parser that it hasn't got at this step.
        found = QueryParams(request.scope["query_string"]).getlist(name)
    if len(found) > 1:
        raise malformed_request(f"The {location} credential {name} may come once; it came again.")
    return found[0] if found else None


def challenge(schemes: Mapping[str, Any]) -> str:
    """A `WWW-Authenticate` value that names where credentials belong (RFC 9110, 11.6.1)."""
    asked = [scheme for scheme in schemes.values() if scheme.get("scheme") != _MUTUAL]
    return ", ".join(dict.fromkeys(map(_challenge, asked))) or "Bearer"


def _challenge(scheme: Mapping[str, Any]) -> str:
    if scheme["type"] == "apiKey":
        return f'ApiKey {scheme["in"]}="{scheme["name"]}"'
    kind = scheme.get("scheme", "bearer").capitalize()
    # RFC 7617 wants a realm of Basic.
    return 'Basic realm="api"' if kind == "Basic" else kind
