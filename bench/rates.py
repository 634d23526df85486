"""The peers' rate limits: the service's own counting, so that it is not what is compared.

Set so high that nobody is ever refused.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, cast

from bench.callers import Principal
from db.ids import TenantId
from generated.operations import INGEST_QC, LIST_REPORTS
from generated.runtime.quota import Arrival
from handlers.context import Principal as ServicePrincipal
from policies.access import Role
from service.auth import Caller
from service.rate_limits import RateLimits, configured_limits
from service.settings import Settings

# Reads and writes are counted apart, and nothing else of an operation matters.
_LIKE: Final = {"GET": LIST_REPORTS, "POST": INGEST_QC}


@lru_cache
def _limits() -> RateLimits:
    return configured_limits(Settings())


async def counted(caller: Principal, method: str) -> Mapping[str, str]:
    """The headers that tell what is left. Raises a Problem of the service's where nothing is."""
    principal = ServicePrincipal(TenantId(caller.tenant_id), caller.key_id, cast(Role, caller.role))
    identities = {"ApiKey": Caller(principal, "")}
    return await _limits().admit(Arrival(_LIKE[method], identities))
