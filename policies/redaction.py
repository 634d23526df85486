"""Takes secrets and personal data out of a document: what no one needs and no one should keep.

Sees each text by itself, names of members included: what is split over several is not found.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, AnyStr, Final

from policies.redaction_fields import FREE, Field
from policies.redaction_rules import MemberRule, Rules, is_mark, mark_of, shortened
from policies.redaction_search import JoinedTexts

OWN_KEY: Final = "own-api-key"
_SHORTEST_SECRET: Final = 12
# No card or resident number has fewer digits; below, a number needs no look.
_LONG_NUMBER: Final = 10**12
# What is longer goes the other way at once: if a rule is slow on a text, then not twice.
_SHORT: Final = 64 * 1024
_QUOTES_AS_LINE_FEEDS: Final = bytes.maketrans(b'"', b"\n")


@dataclass(frozen=True, slots=True)
class Redaction:
    """A document without what the rules hit; the very same one if that is nothing.

    `counts` are hits by rule; `share` is that of the characters of all texts that was replaced.
    """

    document: Any
    counts: Mapping[str, int] = field(default_factory=dict)
    share: float = 0.0


class RefusedText(ValueError):
    """A text that a rule hits and that can't be rewritten; `pointer` leads to it."""

    def __init__(self, rule_id: str, pointer: str = "") -> None:
        super().__init__(f"rule {rule_id} hits a text that is never rewritten")
        self.rule_id = rule_id
        self.pointer = pointer

    def within(self, step: str | int) -> "RefusedText":
        """The same, seen from the container that holds it at `step`."""
        name = str(step).replace("~", "~0").replace("/", "~1")
        return RefusedText(self.rule_id, f"/{name}{self.pointer}")


@dataclass(slots=True)
class _Rewritten:
    """What became of a text, and what was taken out of it."""

    text: str
    counts: Counter[str] = field(default_factory=Counter)
    characters: int = 0

    def replace(self, rule_id: str, pieces: Sequence[str]) -> None:
        """`pieces` are what stands between the hits."""
        self.counts[rule_id] += len(pieces) - 1
        self.characters += len(self.text) - sum(map(len, pieces))
        self.text = mark_of(rule_id).join(pieces)


class Redactor:
    """Applies rules to documents. `shape` says what the texts of a document must still fit."""

    def __init__(self, rules: Rules, shape: Field = FREE) -> None:
        self.rules = rules
        self._shape = shape

    def redact(self, document: Any, own_secret: str | None = None) -> Redaction:
        """Take out what the rules hit, wherever it stands; no value of `document` is changed.

        `own_secret` is the key that the sender has shown, whatever it looks like; a very short one
        stands in too many texts to be told. Raises RefusedText where a mark would break an
        identifier, or a limit even if it is a short one.
        """
        # One pass over all texts joined says of nearly all reports that there is nothing to do. A
        # line feed between two texts is as good a border as their ends, for ^, $ and \b alike, so
        # what a rule hits in one of them is found in all of them joined.
        texts: dict[str, None] = {}
        names: dict[str, None] = {}
        _collect(document, texts, names)
        named = self._named(list(names))
        texts.update(names)
        joined = "\n".join(texts)
        own = own_secret if _is_within(own_secret, joined) else None
        if not (named or own or self.rules.matching(joined.encode())):
            return Redaction(document)
        walk = _Walk(named, self._rewrite(list(texts), own))
        redacted = walk.value(document, self._shape)
        if not walk.counts:
            return Redaction(document)
        share = round(walk.replaced / walk.characters, 6)
        return Redaction(redacted, dict(sorted(walk.counts.items())), share)

    def is_clean(self, text: bytes, own_secret: str | None = None) -> bool:
        """Whether nothing is to be taken out of a document: told from its JSON text (UTF-8).

        For the many small documents in which there is nothing, at a fraction of what it takes to
        walk them. True is certain; False says no more than to look closely.
        """
        # Without an escape each text stands there as it is, between quotes: as line feeds they are
        # its borders. What stands between texts is searched too, and can only be suspected more.
        if len(text) > _SHORT or b"\\" in text:
            return False
        own = own_secret is not None and _is_within(own_secret.encode(), text)
        return not own and not self.rules.suspect(text.translate(_QUOTES_AS_LINE_FEEDS))

    def rule_that_hits(self, text: str, own_secret: str | None = None) -> str | None:
        """The id of a rule that hits a text which can't be rewritten, such as a header."""
        if _is_within(own_secret, text):
            return OWN_KEY
        matching = self.rules.matching(text.encode())
        return next((rule.id for rule in matching if any(rule.hits(text))), None)

    def _named(self, names: Sequence[str]) -> dict[str, MemberRule]:
        """The names of members that a rule is for, the first of several."""
        matching = self.rules.matching_names("\n".join(names).encode())
        if not matching:
            return {}
        joined = JoinedTexts(names)
        named: dict[str, MemberRule] = {}
        for rule in matching:
            for place in joined.touched(rule.pattern):
                if rule.pattern.search(names[place]):
                    named.setdefault(names[place], rule)
        return named

    def _rewrite(self, texts: Sequence[str], own: str | None) -> dict[str, _Rewritten]:
        """Rewrites until no rule hits any more: a mark ends what a boundary hid before.

        Each turn takes characters out that stand in no mark, so there is an end.
        """
        rewritten: dict[str, _Rewritten] = {}
        for text in texts if own else ():
            if len(pieces := text.split(own)) > 1:
                rewritten[text] = _Rewritten(text)
                rewritten[text].replace(OWN_KEY, pieces)
        turn = list(texts)
        while turn:
            turn = self._replace(turn, rewritten)
        return rewritten

    def _replace(self, turn: Sequence[str], rewritten: dict[str, _Rewritten]) -> list[str]:
        """Replaces the hits of all rules, one rule after the other; returns what has changed.

        `turn` holds the texts as they were sent, `rewritten` what has become of them so far.
        """
        now = [rewritten[each].text if each in rewritten else each for each in turn]
        joined = JoinedTexts(now)
        changed: dict[str, None] = {}
        for rule in self.rules.matching(joined.joined):
            found = joined.hits(rule)
            for place, pieces in found.items():
                text = rewritten.setdefault(turn[place], _Rewritten(turn[place]))
                text.replace(rule.id, pieces)
                now[place] = text.text
                changed[turn[place]] = None
            if found:
                joined = JoinedTexts(now)
        return list(changed)


def _is_within(secret: AnyStr | None, text: AnyStr) -> bool:
    return secret is not None and len(secret) >= _SHORTEST_SECRET and secret in text


def _collect(node: Any, texts: dict[str, None], names: dict[str, None]) -> None:
    if isinstance(node, str):
        texts[node] = None
    elif isinstance(node, dict):
        for name, value in node.items():
            names[name] = None
            _collect(value, texts, names)
    elif isinstance(node, list):
        for value in node:
            _collect(value, texts, names)
    elif isinstance(node, int) and abs(node) >= _LONG_NUMBER:
        texts[str(abs(node))] = None


class _Walk:
    """One document rebuilt with its rewritten texts, and what was replaced on the way."""

    def __init__(
        self, named: Mapping[str, MemberRule], rewritten: Mapping[str, _Rewritten]
    ) -> None:
        self._named_rules = named
        self._rewritten = rewritten
        self.counts: Counter[str] = Counter()
        self.replaced = 0
        self.characters = 0

    def value(self, node: Any, shape: Field) -> Any:
        if isinstance(node, str):
            return self._text(node, shape.is_identifier, shape.takes)
        if isinstance(node, dict):
            return self._object(node, shape)
        if isinstance(node, list):
            return self._list(node, shape.items or FREE)
        if shape.is_open and isinstance(node, int) and str(abs(node)) in self._rewritten:
            return self._text(str(abs(node)), False, shape.takes)
        return node

    def _list(self, node: list[Any], shape: Field) -> list[Any]:
        values = []
        for place, each in enumerate(node):
            try:
                values.append(self.value(each, shape))
            except RefusedText as refused:
                raise refused.within(place) from None
        return values

    def _object(self, node: dict[str, Any], shape: Field) -> dict[str, Any]:
        names = self._names(node, shape)
        values = {}
        for name, each in node.items():
            inner = shape.member(name)
            rule = self._named_rules.get(name) if inner.is_open else None
            try:
                value = self._named(rule, each, inner) if rule else self.value(each, inner)
            except RefusedText as refused:
                # The contract's own names may be told; a sender's may be secrets themselves.
                raise refused.within(name if name in shape.members else "*") from None
            values[names[name]] = value
        return values

    def _named(self, rule: MemberRule, node: Any, shape: Field) -> Any:
        """The value of a member whose name a rule is for; a list's texts are such values too."""
        if isinstance(node, list):
            return [self._named(rule, each, FREE) for each in node]
        text = node if isinstance(node, str) else str(node) if type(node) is int else ""
        seen = self._rewritten.get(text)
        if not rule.is_hit(text) or (seen is not None and is_mark(seen.text)):
            return self.value(node, shape)
        self.characters += len(text)
        self._count({rule.id: 1}, len(text))
        return mark_of(rule.id)

    def _text(self, text: str, is_identifier: bool, takes: Callable[[str], bool]) -> str:
        self.characters += len(text)
        found = self._rewritten.get(text)
        if found is None:
            return text
        if is_identifier:
            raise RefusedText(next(iter(found.counts)))
        self._count(found.counts, found.characters)
        return self._fitting(found, takes)

    def _fitting(self, found: _Rewritten, takes: Callable[[str], bool]) -> str:
        """Long marks where they fit; short ones are never longer than what they stand for."""
        for text in (found.text, shortened(found.text)):
            if takes(text):
                return text
        raise RefusedText(next(iter(found.counts)))

    def _names(self, node: dict[str, Any], shape: Field) -> dict[str, str]:
        """The new name of each member. Two that become the same get numbers: none is lost."""
        names = {name: name for name in node if name not in self._rewritten}
        self.characters += sum(map(len, names))
        taken = dict.fromkeys(names, 1)
        # In an order of their own, so that equal objects stay equal whatever order they came in.
        for name in sorted(node.keys() - names.keys()):
            names[name] = self._name(name, taken, shape.takes_name)
        return names

    def _name(self, name: str, taken: dict[str, int], takes: Callable[[str], bool]) -> str:
        """`taken` has the highest number that each name has been given, 1 for none."""
        found = self._rewritten[name]
        self.characters += len(name)
        self._count(found.counts, found.characters)
        for text in (found.text, shortened(found.text)):
            free = text
            while free in taken:
                taken[text] += 1
                free = f"{text} ({taken[text]})"
            if takes(free):
                taken[free] = 1
                return free
        raise RefusedText(next(iter(found.counts)))

    def _count(self, counts: Mapping[str, int], characters: int) -> None:
        self.counts.update(counts)
        self.replaced += characters
