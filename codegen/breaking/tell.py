"""How comparisons say what they found: a rule, a few words, and where it stands."""

from dataclasses import dataclass, field

from ..shape import Pointer
from .change import Direction
from .rules import RULES
from .side import Side
from .subject import subject
from .view import View


@dataclass(frozen=True, slots=True)
class Told:
    """`side` is the contract in which `pointer` leads to what changed."""

    rule: str
    message: str
    side: Side
    pointer: Pointer
    direction: Direction


@dataclass(slots=True)
class Tell:
    """Collects what is found of one pair of schemas.

    `null_is_told`: whether null may come is said by a schema around this one.
    """

    sides: tuple[Side, Side]
    views: tuple[View, View]
    direction: Direction
    found: list[Told] = field(default_factory=list)
    null_is_told: bool = False

    def __call__(self, rule: str, words: str, keyword: str, *, gone: bool = False) -> None:
        """`keyword` is where it stands: in the new schema, or the old one if it is `gone`."""
        if RULES[rule].judgement(self.direction) is None:
            return
        which = 0 if gone or not self.views[1].places else 1
        side, view = self.sides[which], self.views[which]
        pointer = view.where(keyword)
        # Told of the schema that says it, so that all who refer to it share what is found.
        schema = pointer[: -len(keyword.split("/", 1))] if keyword in view.at else pointer
        said = f"{subject(side, schema)}: {words or RULES[rule].text}"
        self.found.append(Told(rule, said, side, pointer, self.direction))
