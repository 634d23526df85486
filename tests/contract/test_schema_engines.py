"""jsonschema-rs, which the service asks, and jsonschema, the oracle, agree on the contract."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generated.runtime.schemas import ContractSchemas
from tests.support.contract import document
from tests.support.oracle import validator
from tests.support.reports import PREDECESSOR, judged

_SCHEMAS = ContractSchemas(copy.deepcopy(document()))
_NAMES = list(document()["components"]["schemas"])

_SUMMARY = {
    "id": "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11",
    "created_at": "2026-11-20T08:00:01.310Z",
    "severity": "block",
    "policy_version": "2026.11",
    "source": None,
    "stream": None,
    "counts": {"pass": 0, "warn": 1, "block": 1},
}
_BUCKET = {"start": "2026-11-20T08:00:00Z", "info": 0, "warn": 1, "block": 1, "total": 2}
_VALID: list[Any] = [
    PREDECESSOR,
    judged(("api", "warn", "info"), api="warn"),
    _SUMMARY,
    {"items": [_SUMMARY], "next_page_token": None, "total": {"count": 1, "exact": True}},
    {"window_h": 1, "bucket_m": 60, "buckets": [_BUCKET]},
    {"type": "/problems/not-found", "title": "t", "status": 404, "detail": "d", "instance": "i"},
    "checkout-api/main",
    "2026-11-20T08:00:00Z",
    "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11",
]
_TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "2026-02-29T00:00:00Z",
            "2024-02-29T00:00:00Z",
            "2026-11-20T08:00:60Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20t08:00:00z",
            "2026-11-20T08:00:00+24:00",
            "2026-11-20T08:00:00.1234567890Z",
            "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b1",
            "0190A6D2-7C1E-7D3B-9A54-2F6F0C1E8B11",
            "0190a6d27c1e7d3b9a542f6f0c1e8b11",
            "https://ci.example/a?b#c",
            "a\n",
            "pass",
            "block",
            "1",
        ]
    ),
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, 20_000, 20_001, 1.0, 1e13, -0.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
)
_ANY = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def _mutated(draw: st.DrawFn) -> Any:
    """A value that fits some schema, changed in up to three places, or any value at all."""
    value = copy.deepcopy(draw(st.sampled_from(_VALID)))
    for _ in range(draw(st.integers(0, 3))):
        value = _change(draw, value)
    return value


def _change(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(value)))
        if draw(st.booleans()):
            value[name] = _change(draw, value[name])
        elif draw(st.booleans()):
            del value[name]
        else:
            value[draw(_TEXTS)] = draw(_ANY)
        return value
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        value[place] = _change(draw, value[place])
        return value
    return draw(_ANY)


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(_NAMES), value=_mutated())
def test_engines_agree_on_a_changed_example(name: str, value: Any) -> None:
    _assert_agreed(name, value)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(_NAMES), value=_ANY)
def test_engines_agree_on_any_value(name: str, value: Any) -> None:
    _assert_agreed(name, value)


@pytest.mark.parametrize("name", _NAMES)
def test_engines_agree_on_the_contracts_own_examples(name: str) -> None:
    for value in _VALID:
        _assert_agreed(name, value)


def _assert_agreed(name: str, value: Any) -> None:
    """Through JSON, as the service gets it."""
    text = json.dumps(value)
    parsed = json.loads(text)
    pointer = f"/components/schemas/{name}"
    asked = not _SCHEMAS.errors(pointer, parsed, "body")
    assert asked == validator(pointer).is_valid(parsed)
