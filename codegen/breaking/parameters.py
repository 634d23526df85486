"""Compares the parameters of an operation: path parameters by position, headers by any case."""

from dataclasses import dataclass
from typing import Any

from ..names import template_names
from ..runtime.document import alternatives
from ..shape import Pointer
from .comparison import Comparison
from .side import Side, listed, mapping
from .sunset import removal, sunset_rule

_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_PLAIN = "plain text"
_JSON_TYPES: dict[type, str] = {list: "array", dict: "object"}
Key = tuple[str, str]
At = tuple[str, Pointer]


@dataclass(frozen=True, slots=True)
class Parameter:
    """`pointer` leads to the Parameter Object itself, through references."""

    name: str
    location: str
    pointer: Pointer
    value: dict[str, Any]

    @property
    def is_required(self) -> bool:
        return self.location == "path" or self.value.get("required") is True


def compare_parameters(comparison: Comparison, old: At, new: At, operation: str) -> None:
    """`old` and `new` are the path of the operation and where it stands."""
    before = _parameters(comparison.old, *old)
    after = _parameters(comparison.new, *new)
    removed = {key: before[key] for key in before if key not in after}
    added = {key: after[key] for key in after if key not in before}
    for one in list(removed.values()):
        moved = next((key for key, other in added.items() if _is_moved(one, other)), None)
        if moved:
            other = added.pop(moved)
            text = f"parameter {one.name} is sent in {other.location} now, was in {one.location}"
            comparison.now("parameter-moved", text, other.pointer, operation)
        else:
            _tell_removed(comparison, one, operation)
    for one in added.values():
        rule = "required-parameter-added" if one.is_required else "parameter-added"
        text = f"{one.location} parameter {one.name} was added"
        comparison.now(rule, f"{text}{', required' * one.is_required}", one.pointer, operation)
    for key in before.keys() & after.keys():
        _compare(comparison, before[key], after[key], operation)


def _parameters(side: Side, path: str, operation: Pointer) -> dict[Key, Parameter]:
    """Those of the path item too, where the operation doesn't say them anew."""
    found: dict[Key, Parameter] = {}
    positions = {name: str(index) for index, name in enumerate(template_names(path))}
    for holder in (operation[:-1], operation):
        for index in range(len(listed(mapping(side.at(holder)).get("parameters")))):
            pointer, value = side.resolved((*holder, "parameters", index))
            one = Parameter(str(value.get("name")), str(value.get("in")), pointer, value)
            key = one.name.lower() if one.location == "header" else one.name
            if one.location == "path":
                key = positions.get(one.name, one.name)
            found[(one.location, key)] = one
    return found


def _is_moved(old: Parameter, new: Parameter) -> bool:
    return old.name.lower() == new.name.lower() and old.location != new.location


def _tell_removed(comparison: Comparison, one: Parameter, operation: str) -> None:
    found = removal(one.value, comparison.today)
    rule = "parameter-removed" if found == "unannounced" else f"parameter-removed-{found}"
    text = f"{one.location} parameter {one.name} is gone"
    comparison.gone(rule, text, one.pointer, operation)


def _compare(comparison: Comparison, old: Parameter, new: Parameter, operation: str) -> None:
    if old.location == "path" and old.name != new.name:
        text = f"path parameter {new.name} was called {old.name}"
        comparison.now("parameter-renamed", text, new.pointer, operation)
    if old.is_required != new.is_required:
        rule = "parameter-required" if new.is_required else "parameter-optional"
        text = "is required now" if new.is_required else "may be left out now"
        comparison.now(rule, f"parameter {new.name} {text}", new.pointer, operation)
    was, now = old.value.get("deprecated") is True, new.value.get("deprecated") is True
    if was != now:
        rule = "parameter-deprecated" if now else "parameter-reactivated"
        text = "is deprecated" if now else "is no longer deprecated"
        comparison.now(rule, f"parameter {new.name} {text}", new.pointer, operation)
    if moved := sunset_rule(old.value, new.value):
        was_on, is_on = (one.value.get("x-sunset", "none") for one in (old, new))
        text = f"parameter {new.name}: x-sunset is {is_on}, was {was_on}"
        comparison.now(moved, text, new.pointer, operation)
    before, after = _form(comparison.old, old), _form(comparison.new, new)
    items = _takes_several(before, new, after, comparison.new)
    if items is not None:
        text = f"parameter {new.name} may come several times now"
        comparison.now("parameter-takes-several", text, new.pointer, operation)
    elif before != after:
        text = f"parameter {new.name} is written as {after} now, was {before}"
        comparison.now("parameter-serialized-differently", text, new.pointer, operation)
    comparison.graph.compare(_schema(old), items or _schema(new), "request", operation)


def _schema(one: Parameter) -> Pointer | None:
    if "schema" in one.value:
        return (*one.pointer, "schema")
    for media_type, media in mapping(one.value.get("content")).items():
        if "schema" in mapping(media):
            return (*one.pointer, "content", media_type, "schema")
    return None


def _takes_several(old_form: str, new: Parameter, new_form: str, side: Side) -> Pointer | None:
    """The items of what was one value and is a list of them now that may be sent as before."""
    schema = _schema(new)
    if new.location != "query" or (old_form, new_form) != (_PLAIN, "form, explode true"):
        return None
    place, declared = side.resolved(schema) if schema else ((), {})
    is_list = declared.get("type") == "array" and declared.get("minItems", 0) in (0, 1)
    return (*place, "items") if is_list and "items" in declared else None


def _form(side: Side, one: Parameter) -> str:
    """How the value is written; `explode` counts only where there may be several."""
    if content := mapping(one.value.get("content")):
        return " or ".join(content)
    style = one.value.get("style", _STYLES.get(one.location, "simple"))
    schema = _schema(one)
    names = _types(side, schema) if schema else []
    if names and "array" not in names and "object" not in names:
        return _PLAIN if style in ("form", "simple") else str(style)
    explode = one.value.get("explode", style == "form")
    return f"{style}, explode {str(explode).lower()}"


def _types(side: Side, schema: Pointer) -> list[Any]:
    """The types that a schema says, by what it refers to, joins and chooses among, too."""
    found: list[Any] = []
    for part in alternatives(side.document, side.at(schema)):
        declared = part.get("type")
        found += listed(declared) or ([declared] if declared is not None else [])
        values = [part["const"]] if "const" in part else listed(part.get("enum"))
        found += [_JSON_TYPES.get(type(value), "scalar") for value in values]
    return found
