"""In which order a router tries paths: the more concrete ones first.

It is for the generator too, which writes a router's view, and so imports nothing of a server.
"""

import re
from typing import Final

TEMPLATE: Final = re.compile(r"\{([^{}]+)\}")
_NAMELESS: Final = "{_}"


def match_order(path: str) -> list[tuple[int, int]]:
    """Sort key by which a router may try paths in turn, segment by segment from the left.

    First the literal segment, then one that is templated in part, of such the one with more text:
    what fits `{name}.tar.gz` fits `{name}.gz` too.
    """
    return [(openness(segment), -_text(segment)) for segment in segments(path)]


def openness(segment: str) -> int:
    """0 for a literal segment, 1 for one that is templated in part, 2 for one that is wholly."""
    if "{" not in segment:
        return 0
    return 2 if TEMPLATE.fullmatch(segment) else 1


def _text(segment: str) -> int:
    """How many characters it has beside templates; of a literal one it makes no difference."""
    return len(segment.replace(_NAMELESS, "")) if "{" in segment else 0


def segments(path: str) -> list[str]:
    """Without the names of parameters, as these may hold anything."""
    return TEMPLATE.sub(_NAMELESS, path).split("/")
