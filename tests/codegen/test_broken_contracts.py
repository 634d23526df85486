"""However a contract is broken, what comes is findings with a place, never a traceback."""

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.diagnostics import ContractError, Findings
from codegen.render import load

from .conftest import HERE, LIBRARY

CONTRACTS = [
    yaml.safe_load((LIBRARY / "openapi.yaml").read_text()),
    json.loads((HERE / "contracts" / "petstore-expanded.json").read_text()),
]
SCALARS = [None, True, 0, -1, "", "x"]
CONTAINERS = [[], ["x"], {}, {"x": 1}, {"type": "object"}, {"type": []}, [{}], [[]], {"": {}}]
REFERENCES = [{"$ref": target} for target in ("#", "#/paths", "x.yaml", 1)]
JUNK = st.sampled_from([*SCALARS, *CONTAINERS, *REFERENCES])


def pointers(value: Any, inside: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    found = [(*inside, key) for key in keys]
    return found + [deeper for key in keys for deeper in pointers(value[key], (*inside, key))]


PLACES = [(which, place) for which, one in enumerate(CONTRACTS) for place in pointers(one)]


def broken(which: int, place: tuple[str | int, ...], junk: Any) -> bytes:
    contract = copy.deepcopy(CONTRACTS[which])
    holder = contract
    for token in place[:-1]:
        holder = holder[token]
    holder[place[-1]] = junk
    return json.dumps(contract, default=str).encode()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), JUNK)
def test_any_value_in_any_place_gives_a_contract_or_findings(
    spot: tuple[int, tuple[str | int, ...]], junk: Any
) -> None:
    data = broken(*spot, junk)

    def read(path: Path) -> bytes:
        if path.name == "openapi.json":
            return data
        raise FileNotFoundError(2, "No such file or directory", str(path))

    with suppress(ContractError):
        load(Path("openapi.json"), "openapi.json", Findings(), read)


def test_reference_that_leads_back_to_itself_is_named() -> None:
    contract = copy.deepcopy(CONTRACTS[0])
    contract["components"]["parameters"] = {"A": {"$ref": "#/components/parameters/A"}}
    contract["paths"]["/books"]["get"]["parameters"].append({"$ref": "#/components/parameters/A"})
    data = json.dumps(contract, default=str).encode()
    with pytest.raises(ContractError, match="CG010 this \\$ref leads back to itself"):
        load(Path("openapi.json"), "openapi.json", Findings(), lambda path: data)
