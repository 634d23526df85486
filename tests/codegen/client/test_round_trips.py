"""Values go through the client, over the wire and through the server, and come back equal."""

import datetime
import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.round_trips.callers import Awaiting, Blocking, Caller
from tests.codegen.client.conftest import PostOffice

SEGMENT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
# What lists keep apart is refused in their items: see below.
ITEM = st.text(st.characters(codec="utf-8", exclude_characters=" |,"), min_size=1, max_size=8)
LATIN = st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "S"]), max_size=8)
INTEGERS = st.integers(-(10**30), 10**30)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SIZES = st.sampled_from(["small", "large"])
DAYS = st.dates(datetime.date(1, 1, 1))
TIMES = st.datetimes(
    datetime.datetime(1900, 1, 1),
    timezones=st.just(datetime.UTC),
)
WINDOW = st.fixed_dictionaries(
    {}, optional={"first": INTEGERS, "last": INTEGERS, "sizes": st.lists(SIZES, min_size=1)}
).filter(bool)
PARAMETERS = st.fixed_dictionaries(
    {"word": SEGMENT.filter(lambda text: text not in (".", "..")), "number": INTEGERS},
    optional={
        "words": st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1),
        "codes": st.lists(INTEGERS, min_size=1),
        "spaced": st.lists(ITEM, min_size=1),
        "piped": st.lists(ITEM, min_size=1),
        "window": WINDOW,
        "flag": st.booleans(),
        "ratio": FLOATS | INTEGERS,
        "day": DAYS,
        "at": TIMES,
        "id": st.uuids(),
        "size": SIZES,
        "x_note": LATIN,
        "x_numbers": st.lists(FLOATS, min_size=1),
        "crumb": LATIN.filter(lambda text: ";" not in text and '"' not in text),
    },
)
OWNERS = st.fixed_dictionaries(
    {"name": st.text(max_size=10) | st.none()}, optional={"class": st.text(max_size=5)}
)


def loads(parts: st.SearchStrategy[list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"label": st.text(max_size=20), "parts": parts},
        optional={
            "weight.kg": st.floats(-1_000_000, 1_000_000),
            "fragile": st.booleans(),
            "size": SIZES,
            "kind": st.just("load"),
            "packed-on": DAYS.map(str),
            "id": st.uuids().map(str),
            "marks": st.lists(
                st.integers(-1000, 1000) | st.from_regex("[a-z]{0,5}", fullmatch=True), max_size=3
            ),
            "counts": st.dictionaries(st.text(max_size=5), st.integers(0, 99), max_size=3),
            "owner": OWNERS | st.none(),
        },
    )


LABELS = st.fixed_dictionaries(
    {"text": st.text()},
    optional={
        "words": st.lists(st.text(max_size=100), min_size=1, max_size=10),
        "codes": st.lists(st.integers(-(10**15), 10**15), min_size=2, max_size=10),
        "window": WINDOW,
        "owner": OWNERS,
        "day": DAYS.map(str),
        "fragile": st.booleans(),
    },
)
FILE_NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
LOADS = st.recursive(
    loads(st.just([])), lambda inner: loads(st.lists(inner, max_size=2)), max_leaves=4
)


@pytest.fixture(scope="module", params=[Blocking, Awaiting], ids=["blocking", "awaiting"])
def lasting(request: pytest.FixtureRequest, running: PostOffice) -> Iterator[Caller]:
    with request.param(running.client, running.url) as caller:
        yield caller


def read(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, datetime.date) else value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=PARAMETERS)
def test_parameters_of_every_place_and_style_come_back(
    running: PostOffice, lasting: Caller, values: dict[str, Any]
) -> None:
    window = {"window": running.models.Window(**values["window"])} if "window" in values else {}
    told = lasting.call("echo_parameters", **{**values, **window}).body
    assert told == {name: read(value) for name, value in values.items()}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=LOADS)
def test_bodies_come_back(running: PostOffice, lasting: Caller, values: dict[str, Any]) -> None:
    load = running.models.Load.model_validate(values)
    told = lasting.call("echo_body", body=load).body
    assert isinstance(told, running.models.Load)
    assert told == load


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    values=LABELS,
    media_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded"]),
)
def test_forms_come_back_as_json_does(
    running: PostOffice, lasting: Caller, values: dict[str, Any], media_type: str
) -> None:
    label = running.models.Label.model_validate(values)
    told = lasting.call("echo_form", body=label, content_type=media_type).body["form"]
    assert running.models.Label.model_validate(told) == label


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=LABELS, content=st.binary(max_size=300_000), filename=FILE_NAMES)
def test_forms_with_files_come_back(
    running: PostOffice, lasting: Caller, values: dict[str, Any], content: bytes, filename: str
) -> None:
    picture = running.files.FilePart.of(content, filename, "image/png")
    fields: dict[str, Any] = {}
    for name in {"text", "words", "owner"} & values.keys():
        fields[name] = values[name]
    label = running.models.LabelWithFile.model_validate({**fields, "picture": picture})
    told = lasting.call("echo_form", body=label, content_type="multipart/form-data").body
    assert told["file"] == {
        "filename": filename,
        "type": "image/png",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    sent = running.models.Label.model_validate(fields).model_dump(mode="json", by_alias=True)
    del told["form"]["picture"]
    assert told["form"] == sent


@pytest.mark.parametrize(
    "values",
    [
        {"word": ""},
        {"word": ".."},
        {"codes": []},
        {"spaced": ["a b"]},
        {"piped": ["a|b"]},
        {"x_note": "a\nb"},
        {"x_note": " a"},
        {"x_note": "€"},
        {"crumb": "a;b"},
        {"crumb": '"a"'},
    ],
)
def test_what_would_be_read_otherwise_is_refused_before_it_is_sent(
    running: PostOffice, lasting: Caller, values: dict[str, Any]
) -> None:
    before = len(running.gate.seen)
    with pytest.raises(ValueError, match="parameter"):
        lasting.call("echo_parameters", **{"word": "a", "number": 1, **values})
    assert len(running.gate.seen) == before
