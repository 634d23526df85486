"""Who calls a peer: keys by their digest, from the same setting as the service's."""

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Principal:
    tenant_id: str
    key_id: str
    role: str


@lru_cache
def _known() -> dict[bytes, dict[str, Principal]]:
    found: dict[bytes, dict[str, Principal]] = {}
    for entry in os.environ["API_KEYS"].split(","):
        key_id, tenant, role, secret = entry.split(":")
        by_tenant = found.setdefault(hashlib.sha256(secret.encode()).digest(), {})
        by_tenant[tenant] = Principal(tenant, key_id, role)
    return found


def callers_with(api_key: str) -> dict[str, Principal] | None:
    """Whom a key stands for, by tenant; None for an unknown one."""
    return _known().get(hashlib.sha256(api_key.encode()).digest())
