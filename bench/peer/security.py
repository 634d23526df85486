"""API key, tenant and role, as FastAPI dependencies.

They wait for nothing, so they are `async def`, which spares them the thread pool.
"""

import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Security
from fastapi.security import APIKeyHeader


@dataclass(frozen=True, slots=True)
class Principal:
    tenant_id: str
    key_id: str
    role: str


@lru_cache
def known_keys() -> dict[bytes, dict[str, Principal]]:
    """Callers by the digest of their key, then by tenant."""
    found: dict[bytes, dict[str, Principal]] = {}
    for entry in os.environ["API_KEYS"].split(","):
        key_id, tenant, role, secret = entry.split(":")
        by_tenant = found.setdefault(hashlib.sha256(secret.encode()).digest(), {})
        by_tenant[tenant] = Principal(tenant, key_id, role)
    return found


_key_header = APIKeyHeader(name="X-Api-Key", auto_error=False)


async def principal(
    api_key: Annotated[str | None, Security(_key_header)],
    x_tenant: Annotated[str | None, Header()] = None,
) -> Principal:
    """The caller, or 401 or 403."""
    if api_key is None or x_tenant is None:
        raise HTTPException(
            401, "This operation needs credentials.", {"WWW-Authenticate": "ApiKey"}
        )
    callers = known_keys().get(hashlib.sha256(api_key.encode()).digest())
    if callers is None:
        raise HTTPException(401, "The API key is unknown.", {"WWW-Authenticate": "ApiKey"})
    if x_tenant not in callers:
        raise HTTPException(403, "The API key is not of the tenant in X-Tenant.")
    return callers[x_tenant]


Caller = Annotated[Principal, Depends(principal)]


def require(*roles: str) -> Callable[[Principal], Awaitable[None]]:
    """A dependency that refuses callers of other roles."""

    async def check(caller: Caller) -> None:
        if caller.role not in roles:
            raise HTTPException(403, "The key's role may not do this.")

    return check
