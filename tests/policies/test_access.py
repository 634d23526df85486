"""The role check: membership and nothing else."""

import pytest

from policies.access import ROLES, Role, may


@pytest.mark.parametrize("role", ROLES)
def test_role_may_only_what_names_it(role: Role) -> None:
    assert may(role, ROLES)
    assert may(role, [role])
    assert not may(role, [other for other in ROLES if other != role])
    assert not may(role, [])


def test_admin_is_not_implied_by_other_roles() -> None:
    assert not may("admin", {"viewer", "operator", "auditor"})
    assert set(ROLES) == {"viewer", "operator", "auditor", "admin"}
