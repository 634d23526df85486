"""A contract of some size whose schemas lean on each other in many ways, and edits of it."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Contract = dict[str, Any]
Edit = Callable[[Contract], None]
COUNT = 72
TEXT: dict[str, Any] = {"type": "string"}


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def thing(number: int) -> dict[str, Any]:
    """One of nine kinds of schemas; `Owner`, inside of several, wants one name for all."""
    other = f"Thing{(number * 7 + 3) % COUNT}"
    base = f"Thing{number // 9 * 9}"
    kinds: list[dict[str, Any]] = [
        {"type": "object", "required": ["id"], "properties": {"id": TEXT, "kind": TEXT}},
        {"type": "object", "properties": {"other": reference(other), "count": {"type": "integer"}}},
        {"type": "string", "enum": ["a", "b"], "description": "A choice."},
        {"type": "array", "items": reference(base)},
        {
            "allOf": [reference(base), {"properties": {"owner": {"type": "object",
             "properties": {"name": TEXT, "number": {"const": number}}}}}],
            "required": ["kind"],
        },
        {"oneOf": [TEXT, {"type": "array", "items": reference(f"Thing{number}")}]},
        {"type": "object", "properties": {"when": {"type": "string", "format": "date"},
         "inside": {"type": "object", "properties": {"x": reference(other)}}}},
        {"type": "object", "required": ["tell"], "properties": {"tell": TEXT, "up": reference(
            f"Thing{number // 9 * 9 + 8}")}},
        {
            "oneOf": [reference(f"Thing{number // 9 * 9 + 7}")],
            "discriminator": {"propertyName": "tell",
             "mapping": {"one": f"#/components/schemas/Thing{number // 9 * 9 + 7}"}},
        },
    ]  # fmt: skip
    return kinds[number % 9]


def operation(number: int) -> dict[str, Any]:
    body = {"application/json": {"schema": reference(f"Thing{number}"), "example": {"id": "x"}}}
    return {
        "operationId": f"find_{number}",
        "tags": [f"tag{number % 3}"],
        "security": [],
        "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
        "responses": {"200": {"description": "Found.", "content": body}},
    }


def contract() -> Contract:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "paths": {f"/things/{number}": {"get": operation(number)} for number in range(0, 18, 2)},
        "components": {"schemas": {f"Thing{number}": thing(number) for number in range(COUNT)}},
    }


def add(name: str, number: int) -> Edit:
    def edit(document: Contract) -> None:
        document["components"]["schemas"][name] = thing(number)

    return edit


def remove(number: int) -> Edit:
    """What refers to it is a mistake afterwards, unless nothing does."""

    def edit(document: Contract) -> None:
        document["components"]["schemas"].pop(f"Thing{number}", None)

    return edit


def rename(number: int, new: str) -> Edit:
    """Everywhere, its place among the others included."""

    def edit(document: Contract) -> None:
        old = json.dumps(f"Thing{number}")[:-1]
        text = json.dumps(document).replace(f'/Thing{number}"', f'/{new}"')
        text = text.replace(f'{old}": {{', f'"{new}": {{')
        document |= json.loads(text)

    return edit


def swap_kind(number: int, other: int) -> Edit:
    def edit(document: Contract) -> None:
        schemas = document["components"]["schemas"]
        if f"Thing{number}" in schemas:
            schemas[f"Thing{number}"] = thing(other)

    return edit


def describe(number: int, text: str) -> Edit:
    def edit(document: Contract) -> None:
        document["components"]["schemas"].get(f"Thing{number}", {})["description"] = text

    return edit


def bound(number: int, pattern: str) -> Edit:
    def edit(document: Contract) -> None:
        document["components"]["schemas"].get(f"Thing{number}", {})["pattern"] = pattern

    return edit


def change_operation(number: int, wanted: int) -> Edit:
    def edit(document: Contract) -> None:
        found = list(document["paths"].values())[number % len(document["paths"])]["get"]
        found["responses"] = operation(wanted)["responses"]
        found["summary"] = f"Finds {wanted}."

    return edit


def remove_operation(number: int) -> Edit:
    def edit(document: Contract) -> None:
        if len(document["paths"]) > 1:
            document["paths"].pop(list(document["paths"])[number % len(document["paths"])])

    return edit


def turn_round(document: Contract) -> None:
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = dict(reversed(schemas.items()))


_NUMBERS = st.integers(0, COUNT - 1)
_NAMES = st.sampled_from(["Owner", "Thing1Inside", "Fresh", "Thing60Inside"])
EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(swap_kind, _NUMBERS, _NUMBERS),
    st.builds(add, _NAMES, _NUMBERS),
    st.builds(rename, _NUMBERS, _NAMES),
    st.builds(remove, _NUMBERS),
    st.builds(describe, _NUMBERS, st.sampled_from(["One.", "Another.\n\nOf two."])),
    st.builds(bound, _NUMBERS, st.sampled_from(["^a", "a{2,1}", "("])),
    st.builds(change_operation, _NUMBERS, _NUMBERS),
    st.builds(remove_operation, _NUMBERS),
    st.just(turn_round),
)
