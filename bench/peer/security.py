"""API key, tenant, role and rate limit, as FastAPI dependencies.

They wait for nothing, so they are `async def`, which spares them the thread pool.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request, Response, Security
from fastapi.security import APIKeyHeader

from bench.callers import Principal, callers_with
from bench.rates import counted

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
    callers = callers_with(api_key)
    if callers is None:
        raise HTTPException(401, "The API key is unknown.", {"WWW-Authenticate": "ApiKey"})
    if x_tenant not in callers:
        raise HTTPException(403, "The API key is not of the tenant in X-Tenant.")
    return callers[x_tenant]


Caller = Annotated[Principal, Depends(principal)]


def require(*roles: str) -> Callable[[Principal, Request, Response], Awaitable[None]]:
    """A dependency that refuses callers of other roles, and who asks too much."""

    async def check(caller: Caller, request: Request, response: Response) -> None:
        if caller.role not in roles:
            raise HTTPException(403, "The key's role may not do this.")
        response.headers.update(await counted(caller, request.method))

    return check
