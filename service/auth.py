"""Who is calling: API keys, tenants, roles. Decides from memory; touches no database.

A secret is never kept: only a keyed digest of it, made with a key of this process.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import cast

from db.ids import TenantId
from generated.runtime.problems import Problem, forbidden, unauthenticated
from generated.runtime.security import Authenticator, Credential
from handlers.context import Principal
from handlers.errors import NotConfigured
from policies.access import ROLES, Role, may
from policies.link_tokens import ForeignToken, Link, LinkTokens

CHALLENGE = 'ApiKey header="X-Api-Key"'
LINK_CHALLENGE = 'ApiKey query="token"'
LINK_SCHEMES = ("BundleToken", "ExportToken")
SHORT_SECRET = 24
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_DIGEST = re.compile(r"sha256\$([0-9a-f]{64})", re.ASCII)
_LAYOUT = "key_id:tenant:role:secret[:expires-on]"


class ApiKeysError(Exception):
    """API keys that can't be used; the message names entries by place, never by content."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key of one tenant. `digest` is the SHA-256 of the secret; `expires_on` the first day
    (UTC) on which it is refused."""

    key_id: str
    tenant_id: TenantId
    role: Role
    digest: bytes
    expires_on: date | None = None
    short: bool = False


def parse_api_keys(text: str) -> list[KeyEntry]:
    """The entries of `API_KEYS`. Raises ApiKeysError that names every bad one."""
    entries: list[KeyEntry] = []
    mistakes: list[str] = []
    parts = [part.strip() for part in re.split(r"[,\n]", text)]
    for place, part in enumerate((part for part in parts if part and part[0] != "#"), start=1):
        try:
            entries.append(_parse_entry(part))
        except ValueError as mistake:
            mistakes.append(f"entry {place}: {mistake}")
    mistakes.extend(_contradictions(entries))
    if mistakes:
        raise ApiKeysError("API_KEYS: " + "; ".join(mistakes))
    return entries


def _parse_entry(entry: str) -> KeyEntry:
    fields = entry.split(":")
    if len(fields) == 3:
        # The predecessor's layout has no key id; a short keyed digest stands for one.
        tenant, secret, role = fields
        derived = hmac.new(tenant.encode(), secret.encode(), hashlib.sha256).hexdigest()
        fields = [f"key-{derived[:12]}", tenant, role, secret]
    if len(fields) not in (4, 5):
        raise ValueError(f"has {len(fields)} fields; write {_LAYOUT}")
    key_id, tenant, role, secret = fields[:4]
    for name, value in (("key_id", key_id), ("tenant", tenant)):
        if not _NAME.fullmatch(value):
            raise ValueError(f"the {name} may have 1 to 64 of A-Z a-z 0-9 . _ -")
    if role not in ROLES:
        raise ValueError(f"the role must be one of {', '.join(ROLES)}")
    if not secret:
        raise ValueError("the secret is empty")
    hashed = _DIGEST.fullmatch(secret)
    if secret.startswith("sha256$") and not hashed:
        raise ValueError("sha256$ must be followed by 64 lower-case hexadecimal digits")
    digest = bytes.fromhex(hashed[1]) if hashed else hashlib.sha256(secret.encode()).digest()
    expires_on = _expiry(fields[4]) if len(fields) == 5 else None
    short = not hashed and len(secret) < SHORT_SECRET
    return KeyEntry(key_id, TenantId(tenant), role, digest, expires_on, short)


def _expiry(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("the expiry must be a date such as 2027-01-31") from None


def _contradictions(entries: Iterable[KeyEntry]) -> list[str]:
    secret_of: dict[str, bytes] = {}
    owner_of: dict[bytes, str] = {}
    seen: set[tuple[str, str]] = set()
    mistakes = []
    for entry in entries:
        if secret_of.setdefault(entry.key_id, entry.digest) != entry.digest:
            mistakes.append(f"key_id {entry.key_id} stands with two secrets; give each its own id")
        if owner_of.setdefault(entry.digest, entry.key_id) != entry.key_id:
            mistakes.append(f"key_id {entry.key_id} has the secret of {owner_of[entry.digest]}")
        if (entry.key_id, entry.tenant_id) in seen:
            mistakes.append(f"key_id {entry.key_id} stands twice for one tenant")
        seen.add((entry.key_id, entry.tenant_id))
    return mistakes


class KeyTable:
    """Looks keys up without comparing secrets: by a keyed digest that a caller can't aim at."""

    def __init__(self, entries: Iterable[KeyEntry]) -> None:
        self._blind = secrets.token_bytes(32)
        self._entries: dict[bytes, dict[str, KeyEntry]] = {}
        for entry in entries:
            by_tenant = self._entries.setdefault(self._place(entry.digest), {})
            by_tenant[entry.tenant_id] = entry

    def _place(self, digest: bytes) -> bytes:
        return hmac.digest(self._blind, digest, "sha256")

    def find(self, secret: str) -> Mapping[str, KeyEntry] | None:
        """The entries of a presented secret by tenant, or None for an unknown one."""
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        return self._entries.get(self._place(digest))


class Refusal(StrEnum):
    """Why a caller was refused, for the audit log."""

    UNAUTHENTICATED = "unauthenticated"
    FOREIGN_TENANT = "foreign_tenant"
    ROLE = "role"
    LINK = "link"


@dataclass(eq=False)
class Denied(Problem):
    """The 403 of a known key. The caller is told no more than by any other problem.

    `tenant_id` and `role` are those that the key stands for; of a foreign tenant's there are none.
    """

    refusal: Refusal = Refusal.FOREIGN_TENANT
    key_id: str = ""
    tenant_id: str = ""
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and the secret that showed it: for this request alone, to be kept nowhere."""

    principal: Principal
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever has a link, and what the link says. Whether it still works, the handler finds out."""

    principal: Principal
    link: Link


class Authentication:
    """The contract's security schemes: `ApiKey`, `Tenant`, and those of links' tokens.

    `keys` is asked on each request, so that a changed key file takes effect without a restart.
    Without `links` no token can be checked.
    """

    def __init__(
        self,
        keys: Callable[[], KeyTable],
        today: Callable[[], date] | None = None,
        links: LinkTokens | None = None,
    ) -> None:
        self._keys = keys
        self._links = links
        self._today = today or (lambda: datetime.now(UTC).date())

    def authenticators(self) -> dict[str, Authenticator]:
        return {
            "ApiKey": self.caller,
            "Tenant": lambda credential: None,
            **dict.fromkeys(LINK_SCHEMES, self.bearer),
        }

    def caller(self, credential: Credential) -> Caller:
        """Raises a 401 or 403 Problem for anyone who may not call the operation."""
        return Caller(self.principal(credential), credential.value)

    def principal(self, credential: Credential) -> Principal:
        """Raises a 401 or 403 Problem for anyone who may not call the operation."""
        entries = self._keys().find(credential.value)
        if entries is None:
            raise unauthenticated(CHALLENGE, "The API key is unknown.")
        live = {t: e for t, e in entries.items() if not self._expired(e)}
        if not live:
            raise unauthenticated(CHALLENGE, "The API key has expired.")
        entry = live.get(credential.headers.get("x-tenant", ""))
        if entry is None:
            detail = "The API key is not of the tenant in X-Tenant."
            raise _denied(detail, Refusal.FOREIGN_TENANT, next(iter(live.values())))
        if not may(entry.role, credential.roles):
            needed = " or ".join(credential.roles)
            detail = f"The key's role is {entry.role}; this operation is for {needed}."
            raise _denied(detail, Refusal.ROLE, entry)
        return Principal(entry.tenant_id, entry.key_id, entry.role)

    def bearer(self, credential: Credential) -> Bearer:
        """Raises a 401 Problem for a token that was not made here, or NotConfigured."""
        if self._links is None:
            raise NotConfigured("Links can't be used: EXPORT_SIGN_SECRET is not set.")
        try:
            link = self._links.read(credential.value)
        except ForeignToken:
            raise unauthenticated(LINK_CHALLENGE, "The link's token is unknown.") from None
        principal = Principal(TenantId(link.tenant_id), f"link:{link.grant_id}", "bearer")
        return Bearer(principal, link)

    def _expired(self, entry: KeyEntry) -> bool:
        return entry.expires_on is not None and self._today() >= entry.expires_on


def _denied(detail: str, refusal: Refusal, entry: KeyEntry) -> Denied:
    told = forbidden(detail)
    fields = (told.status, told.slug, told.title, told.detail)
    if refusal is Refusal.ROLE:
        return Denied(
            *fields,
            refusal=refusal,
            key_id=entry.key_id,
            tenant_id=entry.tenant_id,
            role=entry.role,
        )
    return Denied(*fields, refusal=refusal, key_id=entry.key_id)


def principal_of(identities: Mapping[str, object]) -> Principal | None:
    """The caller of a request, None for a public operation."""
    caller = cast(Caller | Bearer | None, identities.get("ApiKey") or _bearer_of(identities))
    return None if caller is None else caller.principal


def link_of(identities: Mapping[str, object]) -> Link | None:
    """The link that the caller came by."""
    bearer = _bearer_of(identities)
    return None if bearer is None else bearer.link


def secret_of(identities: Mapping[str, object]) -> str | None:
    """The key that the caller has shown, so that it can be taken out of what the caller sends."""
    caller = cast(Caller | None, identities.get("ApiKey"))
    return None if caller is None else caller.secret


def _bearer_of(identities: Mapping[str, object]) -> Bearer | None:
    found = (identities.get(scheme) for scheme in LINK_SCHEMES)
    return cast(Bearer | None, next((each for each in found if each is not None), None))
