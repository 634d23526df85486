"""What each model's schema says of others: which it refers to, builds on, and tells apart.

Reads more than there may be, such as a reference in an example: what is too much costs time alone.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .components import strong_components

_PREFIX = "#/components/schemas/"
_CHOICES = ("oneOf", "anyOf")
_CONTAINERS = (dict, list)
_OBJECTS = ("object", ["object", "null"], ["null", "object"])
# What may stand in an object's schema without a word about what others make of it.
_OBJECT_WORDS = frozenset({"type", "nullable", "deprecated", "readOnly", "writeOnly", "properties"})
_PASSED_OVER = frozenset(
    {
        "description", "title", "example", "examples", "required", "additionalProperties",
        "externalDocs", "minProperties", "maxProperties", "xml", "$comment",
    }
)  # fmt: skip


@dataclass(slots=True)
class Links:
    """Names of models, in the order that they are met.

    `bases`: what stands there counts for this one, whose class, or one inside of it, may be a
    subclass of theirs. `variants`: told apart by a discriminator here, whose properties are
    in `telling`. `tells_heirs`: told apart are those that build on this one.
    """

    references: dict[str, None] = field(default_factory=dict)
    bases: dict[str, None] = field(default_factory=dict)
    variants: dict[str, None] = field(default_factory=dict)
    telling: set[str] = field(default_factory=set)
    tells_heirs: bool = False


def links_of(models: Mapping[str, Any]) -> dict[str, Links]:
    found = {}
    for name, schema in models.items():
        links = found[name] = Links()
        _scan(schema, links, models, is_base=False)
    return found


def _scan(value: Any, links: Links, models: Mapping[str, Any], is_base: bool) -> None:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, _CONTAINERS):
                _scan(item, links, models, is_base)
    # A schema may be true or false.
    if not isinstance(value, dict):
        return
    target = _target(value.get("$ref"), models)
    if target is not None:
        links.references[target] = None
        if is_base:
            links.bases[target] = None
    if "discriminator" in value:
        links.variants |= dict.fromkeys(_variants(value, models))
        links.tells_heirs |= not any(keyword in value for keyword in _CHOICES)
        if isinstance(value["discriminator"], dict):
            links.telling.add(str(value["discriminator"].get("propertyName")))
    merges = is_base or "properties" in value
    for key, inner in value.items():
        # Of most keys the value is neither: a call for each would take as long as all the rest.
        if isinstance(inner, _CONTAINERS):
            builds = key == "allOf" or (merges and key in _CHOICES)
            _scan(inner, links, models, builds)


def _variants(schema: dict[str, Any], models: Mapping[str, Any]) -> Iterator[str]:
    discriminator = schema["discriminator"]
    mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
    named = list(mapping.values()) if isinstance(mapping, dict) else []
    for keyword in _CHOICES:
        branches = schema.get(keyword)
        items = branches if isinstance(branches, list) else []
        named += [item.get("$ref") for item in items if isinstance(item, dict)]
    for reference in named:
        target = _target(reference, models)
        if target is not None:
            yield target


def _target(reference: Any, models: Mapping[str, Any]) -> str | None:
    if isinstance(reference, str) and reference.startswith(_PREFIX):
        name = reference[len(_PREFIX) :]
        return name if name in models else None
    return None


def certain_classes(models: Mapping[str, Any], links: Mapping[str, Links]) -> set[str]:
    """Models that become classes of their own, whatever members they have.

    They are objects, or objects joined by `allOf`. None of the latter is told apart by a
    discriminator: that may be by a member that it has of another, which an outline hasn't.
    """
    found = {name for name, schema in models.items() if is_plain_object(schema)}
    variants = {variant for each in links.values() for variant in each.variants}
    joined = [name for name in models if name not in found and name not in variants]
    for component in strong_components({name: [*links[name].bases] for name in joined}):
        # What is in a circle of such that build on each other is none; bases come first.
        [name, *others] = component
        if not others and _joins_classes(models[name], found, models):
            found.add(name)
    return found


def is_plain_object(schema: Any) -> bool:
    """Whether it becomes a class of its own whatever its properties are."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return False
    return bool(schema["properties"]) and _says_object_alone(schema)


def _joins_classes(schema: Any, classes: Container[str], models: Mapping[str, Any]) -> bool:
    if not isinstance(schema, dict) or not isinstance(schema.get("allOf"), list):
        return False
    rest = {key: value for key, value in schema.items() if key != "allOf"}
    return (
        bool(schema["allOf"])
        and "properties" not in rest
        and _says_object_alone(rest)
        and all(
            is_plain_object(part) or _names_one_of(part, classes, models)
            for part in schema["allOf"]
        )
    )


def _names_one_of(schema: Any, names: Container[str], models: Mapping[str, Any]) -> bool:
    """Whether it is a reference to one, and nothing else."""
    if not isinstance(schema, dict) or len(schema) != 1:
        return False
    return _target(schema.get("$ref"), models) in names


def _says_object_alone(schema: dict[str, Any]) -> bool:
    """By its type, if it has one, and by no word that would make something else of it."""
    known = all(
        key in _OBJECT_WORDS or key in _PASSED_OVER or key.startswith("x-") for key in schema
    )
    extra = schema.get("additionalProperties", True)
    return known and isinstance(extra, bool) and schema.get("type", "object") in _OBJECTS


def outline(schema: dict[str, Any], kept: Container[str]) -> dict[str, Any]:
    """As much of a certain class as what refers to it depends on; properties in `kept` too."""
    words = {key: value for key, value in schema.items() if key in _OBJECT_WORDS}
    properties = {
        name: value if _refers_to_none(value) else {}
        for name, value in schema.get("properties", {}).items()
        if name in kept
    }
    return words | {"properties": properties or {"outline": {}}}


def _refers_to_none(value: Any) -> bool:
    if isinstance(value, dict):
        return "$ref" not in value and all(map(_refers_to_none, value.values()))
    return not isinstance(value, list) or all(map(_refers_to_none, value))
