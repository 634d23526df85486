"""Each way to write a parameter: the client writes it, the server reads it, and it is the same.

What the wire can't carry the client refuses; what that is, is told here once more, in other words.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty
from pydantic import TypeAdapter
from typing_extensions import override

from bench.round_trips.callers import Awaiting, Blocking, Caller
from bench.round_trips.echo import Echo, echoing
from bench.round_trips.package import Package, package_of
from tests.codegen.round_trips.parameter_contract import Way, contract, ways

WAYS = {way.operation: way for way in ways()}
SEPARATORS = {
    ("label", True): ".",
    ("matrix", True): ";",
    ("spaceDelimited", False): " ",
    ("pipeDelimited", False): "|",
}
# Of these each item has a place of its own.
REPEATED = [("query", "form", True), ("query", "deepObject", True)]
LATIN_1 = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Ready:
    """An operation of the package: what its argument is called and made by, and its answer."""

    argument: str
    adapter: TypeAdapter[Any]
    answer: Any


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("ways")
    spec = folder / "openapi.json"
    spec.write_text(json.dumps(contract(list(WAYS.values()))))
    return package_of(spec, folder, "ways_to_write")


class Known(dict[str, Ready]):
    """By operation id."""

    @override
    def __repr__(self) -> str:
        # Hypothesis shows all arguments of what fails. It warns of a long one, and as an error here
        # that would hide the failure itself, behind an error about its drawing.
        return f"{len(self)} operations"


@pytest.fixture(scope="module")
def ready(package: Package) -> Known:
    found = Known()
    for operation in package.contract.operations:
        [parameter] = operation.parameters
        [response] = operation.responses
        made = getattr(package.module(f"routes.{operation.tag}"), str(response.class_name))
        adapter = TypeAdapter(package.type_of(parameter.annotation))
        found[operation.id] = Ready(parameter.argument, adapter, made())
    return found


@pytest.fixture(scope="module")
def echo(package: Package) -> Iterator[Echo]:
    with echoing(package) as echo:
        yield echo


@pytest.fixture(scope="module", params=[Blocking, Awaiting], ids=["blocking", "awaiting"])
def caller(request: pytest.FixtureRequest, package: Package, echo: Echo) -> Iterator[Caller]:
    with request.param(package.module("client"), echo.url) as caller:
        yield caller


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(list(WAYS)))
def test_a_parameter_comes_back_in_each_way_to_write_it(
    ready: Known, echo: Echo, caller: Caller, data: st.DataObject, operation: str
) -> None:
    way, known = WAYS[operation], ready[operation]
    value = known.adapter.validate_python(data.draw(way.values))
    sent = known.adapter.dump_python(value, mode="json", by_alias=True)
    echo.answer = known.answer
    echo.calls.clear()
    if not can_be_carried(way, sent):
        with pytest.raises(ValueError, match="parameter"):
            caller.call(operation, **{known.argument: value})
        assert not echo.calls
    else:
        caller.call(operation, **{known.argument: value})
        assert echo.taken() == [(operation, {known.argument: value})]


def test_what_hypothesis_shows_of_a_failure_is_short(ready: Known, echo: Echo) -> None:
    assert len(pretty(ready)) < 100
    assert len(pretty(echo)) < 1000


def written(value: Any) -> Iterator[str]:
    """The texts of a value: of its items, or of the names and values of its members."""
    if isinstance(value, dict):
        value = [one for member in value.items() for one in member]
    if isinstance(value, list):
        for item in value:
            yield from written(item)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    else:
        yield str(value)


def can_be_carried(way: Way, value: Any) -> bool:
    """Whether the parameter can be written so that it is read as what it is."""
    texts = list(written(value))
    if isinstance(value, dict) and not all(can_be_a_name(way, name) for name in value):
        return False
    is_scalar = way.shape != "object" and not way.shape.endswith("_array")
    separator = SEPARATORS.get((way.style, way.explode), ",")
    is_repeated = is_scalar or (way.location, way.style, way.explode) in REPEATED
    if not texts or (not is_repeated and any(separator in text for text in texts)):
        return False
    if way.location == "path" and way.style != "matrix" and not isinstance(value, dict):
        whole = separator.join(texts)
        return whole not in ("", *((".", "..") if way.style == "simple" else (".",)))
    if way.location not in ("header", "cookie"):
        return True
    if (way.location, way.explode) == ("cookie", True) and len(texts) > 1:
        return False
    pieces = texts if way.location == "header" else [separator.join(texts)]
    return all(can_stand_in_a_header(way, piece) for piece in pieces)


def can_be_a_name(way: Way, name: str) -> bool:
    if way.style == "deepObject":
        return name != "" and not {"[", "]"} & set(name)
    return not way.explode or way.location == "query" or "=" not in name


def can_stand_in_a_header(way: Way, text: str) -> bool:
    is_cut = text != text.strip(" \t")
    is_read_otherwise = way.location == "cookie" and (";" in text or re.fullmatch('".*"', text))
    return bool(LATIN_1.fullmatch(text)) and not is_cut and not is_read_otherwise
