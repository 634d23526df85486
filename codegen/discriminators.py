"""Whether a choice can be made by its discriminator: by a property that every schema of it has.

A schema without a choice has one as well, for those that extend it.
"""

from collections.abc import Iterable
from typing import Any

from .nullable import admits_null
from .runtime.document import alternatives, referenced

# What may be said of a member beside the `allOf` of one reference that stands for its schema.
_ABOUT_MEMBERS = frozenset(
    {
        "allOf", "title", "description", "default", "deprecated", "nullable", "readOnly",
        "writeOnly", "example", "examples", "externalDocs", "xml",
    }
)  # fmt: skip
_TYPED = frozenset({"type", "enum", "const", "nullable"})


def has_choice(schema: dict[str, Any]) -> bool:
    return "oneOf" in schema or "anyOf" in schema


def extended_by_others(document: Any, joined: Iterable[dict[str, Any]]) -> set[int]:
    """The ids of the schemas that others refer to in their `allOf`; these are `joined`."""
    named = set(map(id, document.get("components", {}).get("schemas", {}).values()))
    heirs = (each for each in joined if id(each) in named or not _is_member_alone(each))
    parts = (part for each in heirs for part in each.get("allOf") or ())
    references = {part.get("$ref") for part in parts if isinstance(part, dict)}
    return {id(referenced(document, one)) for one in references if isinstance(one, str)}


def _is_member_alone(schema: dict[str, Any]) -> bool:
    """Whether it joins one schema so that something may be said beside it, and extends none."""
    return len(schema.get("allOf") or ()) == 1 and schema.keys() <= _ABOUT_MEMBERS


def choice_without_property(document: Any, schema: dict[str, Any]) -> str | None:
    """What is wrong, in words; None where nothing is, or there is no discriminator."""
    discriminator = schema.get("discriminator")
    choices = schema.get("oneOf", schema.get("anyOf"))
    if not isinstance(discriminator, dict) or not isinstance(choices, list):
        return None
    name = str(discriminator.get("propertyName"))
    for index, choice in enumerate(choices):
        parts = list(alternatives(document, choice))
        is_null = any(part.get("type") in ("null", ["null"]) for part in parts)
        if is_null:
            continue
        if not any(_has(part, name) for part in parts):
            return f"{_called(choice, index)} has no property {name!r}"
        told = [part["properties"][name] for part in parts if _declares(part, name)]
        if told and all(
            admits_null(document, each) and _says_type(document, each) for each in told
        ):
            return f"the property {name!r} of {_called(choice, index)} may be null"
    return None


def _says_type(document: Any, schema: Any) -> bool:
    """Whether it is said what the value is: where nothing is, models take the names of schemas."""
    return any(_TYPED & part.keys() for part in alternatives(document, schema))


def _has(part: dict[str, Any], name: str) -> bool:
    required = part.get("required")
    return _declares(part, name) or (isinstance(required, list) and name in required)


def _declares(part: dict[str, Any], name: str) -> bool:
    declared = part.get("properties")
    return isinstance(declared, dict) and name in declared


def _called(choice: Any, index: int) -> str:
    reference = choice.get("$ref") if isinstance(choice, dict) else None
    return reference.rpartition("/")[2] if isinstance(reference, str) else f"schema {index + 1}"
