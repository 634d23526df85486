"""What a rule of the linter is: a name, a reason, and a small function that yields remarks.

A rule sees a contract and says where it breaks the rule; suppressions, levels and the order of
what is shown are none of its business.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ..shape import Pointer
from .subject import Subject

Level = Literal["error", "warning", "off"]
LEVELS: tuple[Level, ...] = ("error", "warning", "off")


@dataclass(frozen=True, slots=True)
class Remark:
    """One place where a rule is broken; `pointer` leads into the bundled contract."""

    pointer: Pointer
    message: str
    hint: str = ""


Check = Callable[[Subject], Iterator[Remark]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`level` is what holds where the settings say nothing. A name never changes its meaning."""

    name: str
    level: Level
    reason: str
    check: Check


_registered: dict[str, Rule] = {}


def rule(name: str, level: Level, reason: str) -> Callable[[Check], Check]:
    """Registers the function under a name."""

    def register(check: Check) -> Check:
        _registered[name] = Rule(name, level, reason, check)
        return check

    return register


def registered() -> dict[str, Rule]:
    """All rules of the modules that have been imported, by name; `rules` imports them all."""
    return dict(sorted(_registered.items()))
