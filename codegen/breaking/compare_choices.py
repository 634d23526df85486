"""Compares `oneOf`, `anyOf`, discriminators and the conditions of two views.

Alternatives are matched by what they are, not by their order: by name, content, marks or type.
"""

from collections.abc import Callable
from typing import Any

from ..shape import Pointer
from .compare_values import compare_null
from .same import Sameness
from .side import Side, listed, mapping
from .tell import Tell
from .view import CONDITIONS, Choice, Places, View
from .views import Views

Pairs = list[tuple[Places, Places]]
Mark = Callable[[Side, Pointer], object]


def compare_choices(tell: Tell, old: View, new: View, alike: "Alike") -> Pairs:
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
    _compare_discriminators(tell, old, new)
    _compare_conditions(tell, old, new, alike.same)
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


def _compare_members(tell: Tell, old: Choice, new: Choice, alike: "Alike") -> Pairs:
    matched = alike.match(old.members, new.members)
    for member in new.members:
        if member not in {after for _, after in matched}:
            words = f"{alike.name(1, member)} was added to {new.keyword}"
            tell("alternative-added", words, new.keyword)
    for member in old.members:
        if member not in {before for before, _ in matched}:
            words = f"{alike.name(0, member)} left {old.keyword}"
            tell("alternative-removed", words, old.keyword, gone=True)
    return [((before,), (after,)) for before, after in matched]


def wrapped(tell: Tell, old: View, new: View, alike: "Alike") -> Pairs | None:
    """Where a schema became one of several, or one of several became it: that pair alone.

    None where that isn't what happened. Whether null may come is told here, if at all.
    """
    if not old.choices and len(new.choices) == 1 and new.parts == 1 and not new.is_own:
        choice, found = new.choices[0], alike.match(list(old.places), new.choices[0].members)
        others, rule, words, gone = (
            choice.members,
            "alternative-added",
            "may stand there too now",
            False,
        )
        matched = {after for _, after in found}
    elif not new.choices and len(old.choices) == 1 and old.parts == 1 and not old.is_own:
        choice, found = old.choices[0], alike.match(old.choices[0].members, list(new.places))
        others, rule, words, gone = (
            choice.members,
            "alternative-removed",
            "may no longer stand there",
            True,
        )
        matched = {before for before, _ in found}
    else:
        return None
    if not found:
        return None
    if choice.null:
        compare_null(tell, old.nullable, new.nullable)
        tell.null_is_told = True
    for member in others:
        if member not in matched:
            tell(rule, f"{alike.name(0 if gone else 1, member)} {words}", choice.keyword, gone=gone)
    return [((before,), (after,)) for before, after in found]


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


class Alike:
    """Matches alternatives of the old contract with those of the new one."""

    def __init__(self, views: tuple[Views, Views], same: Sameness) -> None:
        self._views = views
        self.same = same

    def match(self, old: list[Pointer], new: list[Pointer]) -> list[tuple[Pointer, Pointer]]:
        """Surest marks first; each alternative is matched once."""
        pairs: list[tuple[Pointer, Pointer]] = []
        before, after = list(old), list(new)
        for is_pair in (self._same_name, self.same.is_same, self._same_marks, self._same_type):
            for one in list(before):
                found = [other for other in after if is_pair(one, other)]
                if found and (len(found) == 1 or is_pair != self._same_type):
                    pairs.append((one, found[0]))
                    before.remove(one)
                    after.remove(found[0])
        return pairs

    def name(self, which: int, member: Pointer) -> str:
        if _is_named(member):
            return f"`{member[2]}`"
        side = self._views[which].side
        title = mapping(side.at(member)).get("title")
        view = self._views[which].view((member,), "response")
        return (
            f"`{title}`" if title else f"another {' or '.join(sorted(view.types or ('schema',)))}"
        )

    def _same_name(self, old: Pointer, new: Pointer) -> bool:
        return old == new and _is_named(new)

    def _same_marks(self, old: Pointer, new: Pointer) -> bool:
        before, after = (self._marks(i, place) for i, place in enumerate((old, new)))
        return bool(before) and before == after

    def _marks(self, which: int, member: Pointer) -> Any:
        """The properties that can have one value only, or else the title."""
        views = self._views[which]
        marks = []
        for name, places in views.view((member,), "response").properties.items():
            values = views.view(places, "response").values
            if values is not None and len(values) == 1:
                marks.append((name, next(iter(values))))
        return sorted(marks) or mapping(views.side.at(member)).get("title")

    def _same_type(self, old: Pointer, new: Pointer) -> bool:
        before, after = (
            self._views[i].view((place,), "response") for i, place in enumerate((old, new))
        )
        if not before.types or before.types != after.types:
            return False
        # Two objects, neither with a name in common nor anything else, are not the same thing.
        shared = before.properties.keys() & after.properties.keys()
        return before.types != {"object"} or len(shared) * 2 > len(before.properties)


def _is_named(member: Pointer) -> bool:
    return member[:-1] == ("components", "schemas")


def _compare_discriminators(tell: Tell, old: View, new: View) -> None:
    if old.discriminator is None or new.discriminator is None:
        if old.discriminator is not None:
            tell("discriminator-removed", "", "discriminator", gone=True)
        elif new.discriminator is not None:
            tell("discriminator-added", "", "discriminator")
        return
    before, after = tell.sides[0].at(old.discriminator), tell.sides[1].at(new.discriminator)
    if before.get("propertyName") != after.get("propertyName"):
        words = (
            f"the discriminator is {after.get('propertyName')}, was {before.get('propertyName')}"
        )
        tell("discriminator-changed", words, "discriminator")
    was, now = mapping(before.get("mapping")), mapping(after.get("mapping"))
    for name in sorted(was.keys() | now.keys()):
        if name not in was:
            tell("mapping-added", f"the discriminator may be {name} now", "discriminator")
        elif name not in now:
            words = f"the discriminator may no longer be {name}"
            tell("mapping-removed", words, "discriminator", gone=True)
        elif _schema_name(was[name]) != _schema_name(now[name]):
            words = f"the discriminator {name} means {_schema_name(now[name])} now"
            tell("mapping-changed", words, "discriminator")


def _schema_name(reference: Any) -> str:
    return str(reference).rpartition("/")[2]


def _compare_conditions(tell: Tell, old: View, new: View, same: Sameness) -> None:
    for keyword in CONDITIONS:
        before, after = old.conditions.get(keyword, ()), new.conditions.get(keyword, ())
        if keyword in ("then", "else") and ("if" in old.conditions) != ("if" in new.conditions):
            continue
        if before and not after:
            tell("condition-removed", f"{keyword} is gone", keyword, gone=True)
        elif after and not before:
            tell("condition-added", f"{keyword} limits it now", keyword)
        elif before and not same.are_same_throughout(before, after):
            tell("condition-changed", f"{keyword} is another", keyword)
