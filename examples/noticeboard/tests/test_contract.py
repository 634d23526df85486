"""Fuzzing: Schemathesis makes requests of the contract, right and wrong, and checks each answer."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings

CONTRACT = schemathesis.openapi.from_path("openapi.yaml")


@CONTRACT.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_operation_keeps_the_contract(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url)
