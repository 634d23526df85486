"""Matches the alternatives of two choices: by what they are, not by their order."""

from typing import Any

from ..shape import Pointer
from .keywords import is_null
from .same import Sameness
from .side import listed, mapping
from .views import Views

# Of an alternative that is a choice: what it is called, and how tools tell its own apart.
_SAYING_NOTHING = frozenset({"title", "description", "discriminator", "example", "examples"})


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

    def apart(self, which: int, members: list[Pointer]) -> list[Pointer]:
        """In place of alternatives that are choices and nothing else, what these choose among."""
        side = self._views[which].side
        found: dict[Pointer, None] = {}
        seen: set[Pointer] = set()
        todo = list(reversed(members))
        while todo:
            member = side.canonical(todo.pop())
            if member in seen:
                continue
            seen.add(member)
            value = mapping(side.at(member))
            [keyword, *others] = [key for key in value if key not in _SAYING_NOTHING] or [""]
            count = len(listed(value.get(keyword))) if keyword in ("oneOf", "anyOf") else 0
            inner = [(*member, keyword, index) for index in range(count)]
            if others or not inner or any(is_null(side.resolved(each)[1]) for each in inner):
                found[member] = None
            else:
                todo += reversed(inner)
        return list(found)

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
