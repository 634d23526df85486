"""In which order a router tries paths: the more concrete ones first.

It is for the generator too, which writes a router's view, and so imports nothing of a server.
"""

import re
from typing import Final

TEMPLATE: Final = re.compile(r"\{([^{}]+)\}")


def match_order(path: str) -> list[int]:
    """Sort key by which a router may try paths in turn: at each segment, the literal one first,
    then one that is templated in part."""
    return [openness(segment) for segment in segments(path)]


def openness(segment: str) -> int:
    """0 for a literal segment, 1 for one that is templated in part, 2 for one that is wholly."""
    if "{" not in segment:
        return 0
    return 2 if TEMPLATE.fullmatch(segment) else 1


def segments(path: str) -> list[str]:
    """Without the names of parameters, as these may hold anything."""
    return TEMPLATE.sub("{_}", path).split("/")
