"""Compares the properties of two views: added, removed, required, hidden, and unknown ones."""

from datetime import date

from .side import Side, mapping
from .sunset import removal
from .tell import Tell
from .view import Places, View

Pairs = list[tuple[Places, Places]]


def compare_objects(tell: Tell, old: View, new: View, today: date) -> Pairs:
    """Returns the schemas inside that have to be compared in turn."""
    for name in old.properties.keys() - new.properties.keys():
        if name in new.hidden:
            _tell_hidden(tell, name, old)
        else:
            _tell_removed(tell, name, old, new, today)
    for name in new.properties.keys() - old.properties.keys():
        _tell_added(tell, name, old, new)
    both = [name for name in new.properties if name in old.properties]
    for name in both:
        if (name in old.required) != (name in new.required):
            _tell_required(tell, name, name in new.required)
    _compare_undeclared_required(tell, old, new)
    if old.closed != new.closed:
        rule = "object-closed" if new.closed else "object-opened"
        words = "unknown properties are no longer allowed" if new.closed else "…are allowed now"
        tell(rule, words.replace("…", "unknown properties "), "closed", gone=not new.closed)
    return [(old.properties[name], new.properties[name]) for name in both] + _extra(tell, old, new)


def _tell_hidden(tell: Tell, name: str, old: View) -> None:
    if tell.direction == "request":
        tell("property-became-read-only", f"`{name}` can't be sent any more", f"properties/{name}")
    else:
        rule = "property-became-write-only"
        rule = f"required-{rule}" if name in old.required else rule
        tell(rule, f"`{name}` is no longer answered", f"properties/{name}")


def _tell_removed(tell: Tell, name: str, old: View, new: View, today: date) -> None:
    place = old.properties[name][0]
    found = removal(_declaration(tell.sides[0], place, old, name), today)
    if found == "after-sunset":
        rule = "property-removed-after-sunset"
    elif found == "too-early":
        rule = "property-removed-too-early"
    else:
        rule = "required-property-removed" if name in old.required else "property-removed"
        rule += "-from-closed" if new.closed else ""
    tell(rule, f"`{name}` is gone", f"properties/{name}", gone=True)


def _declaration(
    side: Side, place: tuple[str | int, ...], old: View, name: str
) -> dict[str, object]:
    """What stands at the property and what it refers to, taken together."""
    raw = mapping(side.at(old.where(f"properties/{name}")))
    return {**mapping(side.at(place)), **raw}


def _tell_added(tell: Tell, name: str, old: View, new: View) -> None:
    if name in new.required and name not in old.required:
        rule, words = "required-property-added", f"`{name}` was added, required"
    else:
        rule, words = "property-added", f"`{name}` was added"
    if old.closed:
        rule += "-to-closed"
    tell(rule, words, f"properties/{name}")


def _tell_required(tell: Tell, name: str, required: bool) -> None:
    rule = "property-required" if required else "property-optional"
    words = f"`{name}` is required now" if required else f"`{name}` may be absent now"
    tell(rule, words, "required" if required else f"properties/{name}")


def _compare_undeclared_required(tell: Tell, old: View, new: View) -> None:
    """Names that are required and stand in no `properties`: they are of some other part."""
    known = old.properties.keys() | new.properties.keys() | old.hidden.keys() | new.hidden.keys()
    for name in sorted((old.required ^ new.required) - known):
        if name in new.required:
            tell("property-required", f"`{name}` is required now", "required")
        else:
            tell("property-optional", f"`{name}` may be absent now", "required", gone=True)


def _extra(tell: Tell, old: View, new: View) -> Pairs:
    for pattern in old.patterned.keys() - new.patterned.keys():
        words = f"the rule for names like `{pattern}` is gone"
        tell("pattern-property-removed", words, "patternProperties", gone=True)
    for pattern in new.patterned.keys() - old.patterned.keys():
        words = f"names like `{pattern}` have a rule now"
        tell("pattern-property-added", words, "patternProperties")
    pairs = [
        (old.patterned[name], new.patterned[name])
        for name in new.patterned
        if name in old.patterned
    ]
    if (old.additional or new.additional) and not (old.closed or new.closed):
        pairs.append((old.additional, new.additional))
    return pairs


def compare_arrays(old: View, new: View) -> Pairs:
    """Positions that only one contract names are held against the other's `items`."""
    pairs: Pairs = []
    for index in range(max(len(old.prefix), len(new.prefix))):
        before = old.prefix[index] if index < len(old.prefix) else old.items
        after = new.prefix[index] if index < len(new.prefix) else new.items
        pairs.append((before, after))
    if old.items or new.items:
        pairs.append((old.items, new.items))
    return pairs
