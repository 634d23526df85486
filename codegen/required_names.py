"""Which members an object must have that nothing in its contract says more of.

Models left such out, but where datamodel-code-generator joins an `allOf`. In a choice others may
declare them, so that there models keep whatever they weren't told of.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .runtime.document import conjuncts, objects

_OBJECTS = ("object", ["object", "null"], ["null", "object"])
# Beside these others may declare the member, or hold it to something.
_SAY_MORE = ("allOf", "anyOf", "oneOf", "$ref", "patternProperties")
_CHOICES = ("anyOf", "oneOf")
_JOINING = frozenset({"allOf", *_CHOICES})
_OF_OTHERS = ("additionalProperties", "patternProperties", "unevaluatedProperties")


def declare_required(schema: dict[str, Any], declared: Collection[str]) -> None:
    """Declares them in `schema`, to be of any value. `declared` are those that others declare."""
    names, properties = schema.get("required"), schema.get("properties", {})
    if (
        not isinstance(names, list)
        or not isinstance(properties, dict)
        or not (schema.get("type") in _OBJECTS or ("type" not in schema and properties))
        or schema.get("additionalProperties", True) is not True
        or any(key in schema for key in _SAY_MORE)
    ):
        return
    unnamed = [name for name in names if isinstance(name, str) and name not in properties]
    if any(name in declared for name in unnamed):
        # A field of any value here would be one there too, in the place of what is declared.
        schema["additionalProperties"] = True
    if new := [name for name in unnamed if name not in declared]:
        schema["properties"] = {**properties, **{name: {} for name in new}}


def joining(document: Any) -> list[dict[str, Any]]:
    """The objects of a contract that are made of others, or a choice of such."""
    return [each for each in objects(document) if not _JOINING.isdisjoint(each)]


def declared_beside(document: Any, joined: Iterable[dict[str, Any]]) -> dict[int, set[str]]:
    """By the id of each part of an `allOf`, the members that any of the parts declares."""
    found: dict[int, set[str]] = defaultdict(set)
    for schema in joined:
        if isinstance(schema.get("allOf"), list):
            parts = list(conjuncts(document, schema))
            names = {name for part in parts for name in _properties(part)}
            for part in parts:
                found[id(part)] |= names
    return found


def keeping_others(
    document: Any, joined: Iterable[dict[str, Any]], declared: Mapping[int, Collection[str]]
) -> set[int]:
    """The ids of objects in a choice, or joined with one, of which a member is required that
    nothing declares there. `declared` are, by a schema's id, the members that others declare.
    """
    found = set()
    for schema in joined:
        parts = list(conjuncts(document, schema))
        branches = [branch for part in parts for branch in _branches(part)]
        if not branches:
            continue
        beside = {*declared.get(id(schema), ())}.union(*map(_properties, parts))
        required = [name for part in parts for name in required_in(part)]
        for branch in branches:
            known = beside.union(*map(_properties, conjuncts(document, branch)))
            if not known.issuperset([*required, *required_in(branch)]):
                is_joined = "allOf" in schema or _properties(schema)
                found.add(id(schema if is_joined else branch))
    return found


def requires_unnamed(document: Any, schema: dict[str, Any]) -> bool:
    """Whether it requires a member itself that nothing joined with it declares."""
    known = {name for part in conjuncts(document, schema) for name in _properties(part)}
    return not known.issuperset(required_in(schema))


def keep_others(schema: dict[str, Any]) -> None:
    """Has its model keep members that it doesn't know, if it says nothing of such."""
    if not any(key in schema for key in _OF_OTHERS):
        schema["additionalProperties"] = True


def required_in(schema: Any) -> list[Any]:
    """What the schema's own `required` names, as it stands there."""
    required = schema.get("required") if isinstance(schema, dict) else None
    return required if isinstance(required, list) else []


def _branches(schema: dict[str, Any]) -> list[Any]:
    lists = [schema[key] for key in _CHOICES if isinstance(schema.get(key), list)]
    return [branch for branches in lists for branch in branches]


def _properties(schema: Any) -> Collection[str]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else ()
