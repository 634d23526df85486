"""Compares `oneOf` and `anyOf` of two views, also where only one of them has alternatives."""

from .alike import Alike
from .compare_conditions import compare_conditions, compare_discriminators
from .compare_values import compare_null
from .side import Side, listed
from .tell import Tell
from .view import Choice, Places, View

Pairs = list[tuple[Places, Places]]


def compare_choices(tell: Tell, old: View, new: View, alike: Alike) -> Pairs:
    """Returns the alternatives that have to be compared in turn."""
    pairs: Pairs = []
    for before, after in zip(old.choices, new.choices, strict=False):
        pairs += _compare_members(tell, before, after, alike)
        if before.keyword != after.keyword:
            rule = "became-exclusive" if after.keyword == "oneOf" else "became-inclusive"
            tell(rule, f"{before.keyword} became {after.keyword}", after.keyword)
    for choice in old.choices[len(new.choices) :]:
        if not _is_met(tell.sides[0], choice, new):
            tell("alternatives-dropped", f"{choice.keyword} is gone", choice.keyword, gone=True)
    for choice in new.choices[len(old.choices) :]:
        if not _is_met(tell.sides[1], choice, old):
            tell("alternatives-added", f"{choice.keyword} limits it now", choice.keyword)
    compare_discriminators(tell, old, new)
    compare_conditions(tell, old, new, alike.same)
    return pairs


def _is_met(side: Side, choice: Choice, view: View) -> bool:
    """Whether what a schema requires anyway is all that one of the alternatives asks for.

    Then the alternatives limit nothing; which names are no longer required is told elsewhere.
    """
    for member in choice.members:
        value = side.resolved(member)[1]
        if value.keys() - {"title", "description"} == {"required"}:
            names = {str(name) for name in listed(value["required"])}
            if names <= view.required:
                return True
    return False


def _compare_members(tell: Tell, old: Choice, new: Choice, alike: Alike) -> Pairs:
    matched = alike.match(old.members, new.members)
    left = [one for one in old.members if one not in {before for before, _ in matched}]
    added = [one for one in new.members if one not in {after for _, after in matched}]
    # Alternatives that were put together, or were taken apart, are the same ones.
    parts, others = alike.apart(0, left), alike.apart(1, added)
    if (parts, others) != (left, added) and (within := alike.match(parts, others)):
        matched += within
        left = [one for one in parts if one not in {before for before, _ in within}]
        added = [one for one in others if one not in {after for _, after in within}]
    for member in added:
        words = f"{alike.name(1, member)} was added to {new.keyword}"
        tell("alternative-added", words, new.keyword)
    for member in left:
        words = f"{alike.name(0, member)} left {old.keyword}"
        tell("alternative-removed", words, old.keyword, gone=True)
    return [((before,), (after,)) for before, after in matched]


def wrapped(tell: Tell, old: View, new: View, alike: Alike) -> Pairs | None:
    """Where a schema became one of several, or one of several became it: that pair alone.

    None where that isn't what happened. Whether null may come is told here, if at all.
    """
    if _is_around(new, old):
        choice, gone = new.choices[0], False
        found = alike.match(list(old.places), choice.members)
    elif _is_around(old, new):
        choice, gone = old.choices[0], True
        found = alike.match(choice.members, list(new.places))
    else:
        return None
    if not found:
        return None
    if choice.null:
        compare_null(tell, old.nullable, new.nullable)
        tell.null_is_told = True
    rule = "alternative-removed" if gone else "alternative-added"
    words = "may no longer stand there" if gone else "may stand there too now"
    which = 0 if gone else 1
    matched = {pair[which] for pair in found}
    for member in choice.members:
        if member not in matched:
            tell(rule, f"{alike.name(which, member)} {words}", choice.keyword, gone=gone)
    return [((before,), (after,)) for before, after in found]


def _is_around(several: View, one: View) -> bool:
    """Whether a view is a choice and nothing else, and the other is none."""
    is_plain = len(several.choices) == 1 and several.parts == 1 and not several.is_own
    return is_plain and not one.choices


def replaced(tell: Tell, old: View, new: View) -> bool:
    """Whether a schema gave way to several, none of which is it, or the reverse; if so, says so."""
    if old.choices and not new.choices and not old.is_own and new.is_own:
        keyword, gone = old.choices[0].keyword, True
    elif new.choices and not old.choices and not new.is_own and old.is_own:
        keyword, gone = new.choices[0].keyword, False
    else:
        return False
    words = f"{keyword} gave way to another schema" if gone else f"gave way to {keyword}"
    tell("alternatives-replaced", words, keyword, gone=gone)
    return True
