"""The smallest valid values of a contract's schemas, as far as a few rules make them.

What these rules don't know is left to the service to refuse, and counted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import find, strategies
from hypothesis.errors import HypothesisException

from codegen.runtime.document import alternatives, follow

_MAX_DEPTH = 8
_TEXTS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "uuid": "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11",
    "uri": "https://example.org/",
    "email": "a@example.org",
    "ipv4": "192.0.2.1",
}


def sample(document: Any, schema: Any, hidden: str = "readOnly") -> Any:
    """A value of the schema, without what may be left out, or is `hidden` in its direction."""
    return _Sampler(document, hidden).of(schema)


@dataclass(frozen=True, slots=True)
class _Sampler:
    document: Any
    hidden: str

    def of(self, schema: Any, depth: int = 0) -> Any:
        schema = follow(self.document, schema)
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            return None
        if "const" in schema or "enum" in schema:
            return schema["const"] if "const" in schema else schema["enum"][0]
        merged: Any = None
        for part in schema.get("allOf", ()):
            merged = _merged(merged, self.of(part, depth + 1))
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                merged = _merged(merged, self._alternative(schema[keyword], depth))
        declared = schema.get("type")
        names = declared if isinstance(declared, list) else [declared]
        if declared is None and {"properties", "required"} & schema.keys():
            names = ["object"]
        make = next((_MAKERS[name] for name in names if name in _MAKERS), None)
        value = merged if make is None else _merged(merged, make(self, schema, depth))
        is_joined = {"allOf", "anyOf", "oneOf"} & schema.keys()
        return self._completed(schema, value, depth) if is_joined else value

    def _completed(self, schema: Any, value: Any, depth: int) -> Any:
        """With members that one part requires, perhaps of a choice, and another declares."""
        if not isinstance(value, dict):
            return value
        declared: dict[str, Any] = {}
        for part in alternatives(self.document, schema):
            declared = {**part.get("properties", {}), **declared}
        missing = [name for name in value if value[name] is None and name in declared]
        return {**value, **{name: self.of(declared[name], depth + 1) for name in missing}}

    def _alternative(self, branches: list[Any], depth: int) -> Any:
        """The first that isn't null, unless it is deep."""
        followed = [follow(self.document, branch) for branch in branches]
        if depth > _MAX_DEPTH // 2 and any(one.get("type") == "null" for one in followed):
            return None
        wanted = [one for one in followed if one.get("type") != "null"]
        return self.of((wanted or followed)[0], depth + 1)


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            **one,
            **{
                name: value for name, value in other.items() if value is not None or name not in one
            },
        }
    return other if one is None else one


def _object(sampler: _Sampler, schema: Any, depth: int) -> Any:
    properties = schema.get("properties", {})
    value = {
        name: sampler.of(properties.get(name, {}), depth + 1)
        for name in schema.get("required", ())
        if not follow(sampler.document, properties.get(name, {})).get(sampler.hidden)
    }
    for number in range(schema.get("minProperties", 0) - len(value)):
        value[f"key{number}"] = sampler.of(schema.get("additionalProperties", {}), depth + 1)
    return value


def _array(sampler: _Sampler, schema: Any, depth: int) -> Any:
    count = schema.get("minItems", 0)
    return [sampler.of(schema.get("items", {}), depth + 1) for _ in range(count)]


def _string(sampler: _Sampler, schema: Any, depth: int) -> str:
    if "pattern" in schema:
        return _matching(schema["pattern"], schema)
    text = _TEXTS.get(schema.get("format", ""), "a")
    return text.ljust(schema.get("minLength", 0), "a")[: schema.get("maxLength")]


def _matching(pattern: str, schema: Any) -> str:
    lengths = range(schema.get("minLength", 0), schema.get("maxLength", 1 << 20) + 1)
    texts = strategies.from_regex(re.compile(pattern, re.ASCII))
    try:
        found: str = find(texts, lambda text: len(text) in lengths and "\n" not in text)
    except HypothesisException:
        return ""
    return found


def _number(sampler: _Sampler, schema: Any, depth: int) -> int:
    bound = schema.get("exclusiveMinimum", False)
    # Zero equals False.
    is_exclusive = bound is not False
    return int(schema.get("minimum", bound)) + is_exclusive


_MAKERS: dict[Any, Callable[[_Sampler, Any, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": lambda sampler, schema, depth: True,
}
