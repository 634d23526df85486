"""Searches many texts for the hits of rules at once, as if each text were searched by itself.

Joined by line feeds they are one pass for RE2, where one by one they'd be thousands of calls.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from policies.redaction_rules import Rule

Spans = list[tuple[int, int]]


class JoinedTexts:
    """Texts joined, encoded as RE2 reads them. Places count from 0, as `texts` come."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._parts = [each.encode() for each in texts]
        self.joined = b"\n".join(self._parts)
        self._begins = list(accumulate((len(each) + 1 for each in self._parts), initial=0))

    def touched(self, pattern: Any) -> list[int]:
        """The places of all texts that the pattern matches in, and perhaps of a few more.

        A match may run over a border; each text that it touches is one then.
        """
        found: dict[int, None] = {}
        for match in pattern.finditer(self.joined):
            begin, end = match.span()
            found.update(dict.fromkeys(self._over(begin, end)))
        return list(found)

    def hits(self, rule: Rule) -> dict[int, list[str]]:
        """What stands between the hits of a rule, by the place of each text that has some."""
        spans: dict[int, Spans] = {}
        apart: dict[int, None] = {}
        for match in rule.pattern.finditer(self.joined):
            begin, end = rule.replaced(match)
            place = bisect_right(self._begins, begin) - 1
            if self._is_within(place, *match.span()):
                if rule.takes(self.joined, begin, end):
                    spans.setdefault(place, []).append((begin, end))
            else:
                apart.update(dict.fromkeys(self._over(*match.span())))
        pieces = {place: self._between(place, spans[place]) for place in spans.keys() - apart}
        for place in apart:
            if alone := list(rule.hits(self._texts[place])):
                pieces[place] = between(self._texts[place], alone)
        return pieces

    def _is_within(self, place: int, begin: int, end: int) -> bool:
        """Whether a match is of one text; the line feeds around it are its borders."""
        return self._begins[place] - 1 <= begin and end <= self._begins[place + 1]

    def _over(self, begin: int, end: int) -> Iterable[int]:
        first = bisect_right(self._begins, begin) - 1
        last = bisect_right(self._begins, max(begin, end - 1)) - 1
        return range(first, min(last + 1, len(self._texts)))

    def _between(self, place: int, spans: Spans) -> list[str]:
        first = self._begins[place]
        moved = [(begin - first, end - first) for begin, end in spans]
        return [each.decode() for each in between(self._parts[place], moved)]


def between(text: Any, spans: Sequence[tuple[int, int]]) -> list[Any]:
    """The pieces of a text that spans leave, one more than there are spans."""
    ends = [0, *(end for _, end in spans)]
    begins = [*(begin for begin, _ in spans), len(text)]
    return [text[end:begin] for end, begin in zip(ends, begins, strict=True)]
