"""Which version the changes ask for, and whether `info.version` is that far on.

Semantic Versioning 2.0.0. While the major version is 0 the minor one takes its place, as package
managers read it. A version of another form counts as moved far enough if it moved at all.
"""

import re
from dataclasses import dataclass

from .change import BUMPS, Bump

_VERSION = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9})(?:\.(\d{1,9})(?:[-+][0-9A-Za-z.+-]*)?)?)?")
_BEFORE_ONE: dict[Bump, Bump] = {
    "none": "none",
    "patch": "patch",
    "minor": "patch",
    "major": "minor",
}
Numbers = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Versions:
    """`wanted` is the least version that would do; None where the old one isn't of that form."""

    old: str
    new: str
    needed: Bump
    got: Bump
    wanted: str | None

    @property
    def is_enough(self) -> bool:
        return BUMPS.index(self.got) >= BUMPS.index(self.needed)


def judge(old: str, new: str, needed: Bump) -> Versions:
    before, after = _numbers(old), _numbers(new)
    if before is None or after is None:
        return Versions(old, new, needed, "none" if old == new else "major", None)
    if before[0] == 0:
        needed = _BEFORE_ONE[needed]
    wanted = ".".join(map(str, _next(before, needed)))
    return Versions(old, new, needed, _moved(before, after), wanted)


def _numbers(version: str) -> Numbers | None:
    match = _VERSION.fullmatch(version.strip())
    if match is None:
        return None
    return int(match[1]), int(match[2] or 0), int(match[3] or 0)


def _moved(old: Numbers, new: Numbers) -> Bump:
    if new <= old:
        return "none"
    steps: tuple[Bump, ...] = ("major", "minor", "patch")
    return next(step for step, was, now in zip(steps, old, new, strict=True) if was != now)


def _next(old: Numbers, bump: Bump) -> Numbers:
    major, minor, patch = old
    match bump:
        case "major":
            return major + 1, 0, 0
        case "minor":
            return major, minor + 1, 0
        case "patch":
            return major, minor, patch + 1
    return old
