"""Writes the parts of an `allOf` as datamodel-code-generator reads them; what they mean stays.

Of parts within another `allOf`, or of references alone, it made a mapping, and no class that others
could extend, where members without a name are said to be something. Of a member that several parts
declare it took from the first alone whether it is required; where they declare it differently it
put the parts together, without what those join themselves.
"""

from typing import Any

from .required_names import required_in
from .runtime.document import conjuncts, copied, follow
from .shape import Node, walk

_OTHERS = "additionalProperties"
_UNEVALUATED = "unevaluatedProperties"
# They look at what the schema itself joins, and at nothing beside it; or they are a choice.
_OF_ALL_BESIDE = frozenset({_UNEVALUATED, "unevaluatedItems", "discriminator", "oneOf", "anyOf"})
# A model with one of these keeps such members, or admits none, or isn't an object alone.
_SAY_THEMSELVES = frozenset({_OTHERS, "patternProperties", "oneOf", "anyOf", "discriminator"})
_ABOUT = frozenset({"$ref", "allOf", "title", "description", "default", "deprecated"})


def write_parts(schema: Any, document: Any) -> None:
    """Changes the schema, and all that stand in it, in place. References lead into `document`."""
    for node in walk(Node("schema", (), schema)):
        joined = node.value
        if isinstance(joined, dict) and isinstance(joined.get("allOf"), list):
            joined["allOf"] = _lifted(joined["allOf"], is_said=_OTHERS in joined)
            if _are_put_together(joined["allOf"], document):
                joined["allOf"] = [
                    each for part in joined["allOf"] for each in _behind(part, document, ())
                ]
            is_above = all(isinstance(part, dict) and "$ref" in part for part in joined["allOf"])
            if isinstance(joined.get(_OTHERS), dict) and is_above:
                joined["allOf"].append({"type": "object"})
            require_alike(joined, document)
            if node.pointer:
                spell_out(joined, document)


def require_alike(schema: dict[str, Any], document: Any) -> None:
    """Says of each member that a part requires that it is required in all that declare it here."""
    required: dict[str, None] = {}
    for part in conjuncts(document, schema):
        required |= dict.fromkeys(required_in(part))
    for part in (schema, *schema.get("allOf", ())):
        properties = part.get("properties") if isinstance(part, dict) else None
        if isinstance(properties, dict):
            own = required_in(part)
            new = [name for name in required if name in properties and name not in own]
            if new:
                part["required"] = [*own, *new]


def spell_out(schema: dict[str, Any], document: Any) -> None:
    """Puts what a reference leads to in its place, where members without a name would be lost.

    Of one reference and parts that name no members datamodel-code-generator makes, in a place that
    has no name, what the reference leads to.
    """
    parts = [part for part in schema.get("allOf", ()) if isinstance(part, dict)]
    references = [part for part in parts if "$ref" in part]
    if len(references) != 1 or schema.get(_OTHERS, False) is False or any(map(_members, parts)):
        return
    told = list(conjuncts(document, references[0]))
    if any(_SAY_THEMSELVES.intersection(part) for part in told):
        return
    words = [{key: part[key] for key in part if key not in _ABOUT} for part in told]
    rest = [part for part in schema["allOf"] if part is not references[0]]
    schema["allOf"] = [*map(copied, filter(None, words)), *rest]


def _members(part: dict[str, Any]) -> bool:
    return bool(part.get("properties"))


def _lifted(parts: list[Any], *, is_said: bool) -> list[Any]:
    """`is_said` of members without a name beside the outermost `allOf`, where it counts."""
    found: list[Any] = []
    for part in parts:
        if not _has_parts(part):
            found.append(part)
            continue
        # Which other members there may be, the schema itself says by now.
        rest = {key: part[key] for key in part if key not in ("allOf", _UNEVALUATED)}
        if is_said and rest.get(_OTHERS) is not False and "properties" not in rest:
            rest.pop(_OTHERS, None)
        found += [rest] if rest else []
        found += _lifted(part["allOf"], is_said=is_said)
    return found


def _has_parts(part: Any) -> bool:
    return (
        isinstance(part, dict)
        and isinstance(part.get("allOf"), list)
        and _OF_ALL_BESIDE.isdisjoint(
            part if part.get(_UNEVALUATED, False) is False else part.keys() - {_UNEVALUATED}
        )
    )


def _are_put_together(parts: list[Any], document: Any) -> bool:
    """Whether datamodel-code-generator makes one class of them that extends none."""
    if sum(isinstance(part, dict) and "$ref" in part for part in parts) == 1:
        return False
    declared: dict[str, Any] = {}
    for part in parts:
        told = follow(document, part)
        properties = told.get("properties") if isinstance(told, dict) else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if declared.setdefault(name, schema) != schema:
                return True
    return False


def _behind(part: Any, document: Any, inside: tuple[str, ...]) -> list[Any]:
    """What a reference to joined parts leads to, each of them for itself."""
    if not isinstance(part, dict) or len(part) != 1 or part.get("$ref", "") in inside:
        return [part]
    target = follow(document, part)
    if "$ref" not in part or not _has_parts(target):
        return [part]
    rest = {key: target[key] for key in target if key not in _ABOUT}
    within = (*inside, part["$ref"])
    behind = [each for inner in target["allOf"] for each in _behind(inner, document, within)]
    return [copied(rest), *map(copied, behind)] if rest else list(map(copied, behind))
