"""Credentials of a client, put where the contract's security schemes want them. Shows none."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal
from urllib.parse import quote

from typing_extensions import override

from .client_errors import UnusableCredential
from .operation import Operation

# A function is asked before each attempt, so that it can answer with a token that is still good.
Secret = str | Callable[[], str]
Place = Literal["header", "query", "cookie", "authorization"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A security scheme. `name` is of the header, query parameter or cookie, or the kind of
    `Authorization`."""

    field: str
    place: Place
    name: str


@dataclass(slots=True)
class Presented:
    """What a request carries besides what was asked. `query` is encoded already."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    query: str = field(default="", repr=False)


class CredentialSet:
    """What the emitted `Credentials` has from here: a field for each of SCHEMES."""

    __slots__ = ()
    SCHEMES: ClassVar[Mapping[str, Scheme]] = {}

    @override
    def __repr__(self) -> str:
        known = (scheme.field for scheme in self.SCHEMES.values())
        given = ", ".join(f"{name}=…" for name in known if getattr(self, name) is not None)
        return f"{type(self).__name__}({given})"

    def present(self, operation: Operation, *, must: bool = True) -> Presented:
        """What the first alternative asks for that can be had whole.

        Where there is none such, UnusableCredential is raised if there must be.
        """
        presented = Presented()
        for name in self._chosen(operation, must):
            scheme = self.SCHEMES[name]
            secret = getattr(self, scheme.field)
            value = secret() if callable(secret) else secret
            if not value or not value.isascii() or not value.isprintable():
                reason = f"the credential {scheme.field} is empty, or has characters beyond ASCII"
                raise UnusableCredential(operation.id, reason)
            _add(presented, scheme, value)
        return presented

    def _chosen(self, operation: Operation, must: bool) -> list[str]:
        """Names of schemes. What a client's transport does itself (mutual TLS) is none of ours."""
        alternatives = [
            [name for name in alternative if name in self.SCHEMES]
            for alternative in operation.security
        ]
        for alternative in sorted(alternatives, key=lambda names: not names):
            if all(getattr(self, self.SCHEMES[name].field) is not None for name in alternative):
                return alternative
        if not alternatives or not must:
            return []
        asked = " or ".join(
            " and ".join(self.SCHEMES[name].field for name in names) for names in alternatives
        )
        raise UnusableCredential(operation.id, f"it asks for the credentials {asked}; give them")


def _add(presented: Presented, scheme: Scheme, value: str) -> None:
    if scheme.place == "header":
        presented.headers[scheme.name] = value
    elif scheme.place == "cookie":
        presented.cookies[scheme.name] = value
    elif scheme.place == "query":
        pair = f"{quote(scheme.name, safe='')}={quote(value, safe='')}"
        presented.query = f"{presented.query}&{pair}" if presented.query else pair
    else:
        is_basic = scheme.name == "Basic"
        sent = base64.b64encode(value.encode()).decode() if is_basic else value
        presented.headers["Authorization"] = f"{scheme.name} {sent}"
