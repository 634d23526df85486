"""Who may call an operation: the roles there are, and the one question asked of them.

Which roles an operation allows stands in the contract, never here.
"""

from collections.abc import Collection
from typing import Final, Literal

Role = Literal["viewer", "operator", "auditor", "admin"]
BearerRole = Literal["bearer"]
"""Whoever has a link: no key is of this role, and no operation for keys admits it."""

ROLES: Final[tuple[Role, ...]] = ("viewer", "operator", "auditor", "admin")


def may(role: Role | BearerRole, allowed_roles: Collection[str]) -> bool:
    """Tell whether `role` is among the allowed ones; no role implies another.

    An operation that allows no role is closed to everyone.
    """
    return role in allowed_roles
