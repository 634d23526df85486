"""Reads the rules of redaction, and refuses those that can't be right before anyone relies on them.

Knows nothing of reports: a rule sees one text at a time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs
import re2
import yaml

from policies.redaction_checks import CHECKS, Check

MOST_OF_ORDINARY_TEXT: Final = 0.8
SHORT_MARK: Final = "***"
_MARK: Final = re.compile(rb"\[redacted:[a-z0-9-]{1,64}\]")
_WITHIN_MARK: Final = re.compile(rb"[a-z0-9:-]+")
_MARK_LENGTH: Final = len("[redacted:]") + 64
# A number of a document, as JSON text has it.
_LONG_NUMBER: Final = r"(?:\A|[\[:,])-?[0-9]{13}"
# Of the automaton of all patterns together.
_MEMORY: Final = 128 << 20
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rules"],
    "properties": {"rules": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/rule"}}},
    "$defs": {
        "rule": {
            "type": "object",
            "additionalProperties": False,
            "required": ["id", "title", "hits", "misses"],
            "oneOf": [{"required": ["pattern"]}, {"required": ["key", "check"]}],
            "properties": {
                "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64},
                "title": {"type": "string", "minLength": 1},
                "pattern": {"type": "string", "minLength": 1},
                "key": {"type": "string", "minLength": 1},
                "check": {"enum": sorted(CHECKS)},
                "hits": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/parts"}},
                "misses": {"type": "array", "minItems": 1},
            },
            "if": {"required": ["key"]},
            "then": {"properties": {"misses": {"items": {"$ref": "#/$defs/parts"}}}},
            "else": {"properties": {"misses": {"items": {"type": "string"}}}},
        },
        "parts": {"type": "array", "minItems": 2, "items": {"type": "string"}},
    },
}


class RulesError(ValueError):
    """Rules that can't be used; each line of the message names a rule and what is wrong with it."""


def _touches_mark(text: bytes, begin: int, end: int) -> bool:
    hit = text[begin:end]
    if b"[" not in hit and b"]" not in hit and not _WITHIN_MARK.fullmatch(hit):
        return False
    first = max(0, begin - _MARK_LENGTH)
    near = text[first : end + _MARK_LENGTH]
    return any(
        first + each.start() < end and begin < first + each.end() for each in _MARK.finditer(near)
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """What to take out of a text. `group` is the part of a match that is replaced."""

    id: str
    title: str
    pattern: Any
    group: int
    check: Check | None

    def hits(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the text is to be replaced: begin and end, from left to right."""
        encoded = text.encode()
        for match in self.pattern.finditer(encoded):
            begin, end = self.replaced(match)
            if self.takes(encoded, begin, end):
                first = len(encoded[:begin].decode())
                yield first, first + len(encoded[begin:end].decode())

    def replaced(self, match: Any) -> tuple[int, int]:
        """The part of a match that is replaced."""
        begin, end = match.span(self.group)
        # An alternative without a group of its own is replaced whole.
        return (begin, end) if begin >= 0 else match.span()

    def takes(self, text: bytes, begin: int, end: int) -> bool:
        """Whether a match is a hit: it passes the test, and touches no mark."""
        if begin == end or _touches_mark(text, begin, end):
            return False
        return self.check is None or self.check(text[begin:end].decode())


@dataclass(frozen=True, slots=True)
class MemberRule:
    """Replaces the whole value of a member, by the member's name. `pattern` is of the name."""

    id: str
    title: str
    pattern: Any
    check: Check

    def is_hit(self, value: str) -> bool:
        """Whether the value of a member of such a name is to be replaced."""
        return not is_mark(value) and self.check(value)


class Rules:
    """All rules, and a single search that says which of them match a text at all."""

    def __init__(self, texts: Sequence[Rule], members: Sequence[MemberRule]) -> None:
        self.texts = tuple(texts)
        self.members = tuple(members)
        patterns = [rule.pattern for rule in texts] + [rule.pattern for rule in members]
        self._search = _search_of([*(each.pattern for each in patterns), _LONG_NUMBER])

    def matching(self, text: bytes) -> list[Rule]:
        """The rules whose patterns match the text somewhere, in their order."""
        last = len(self.texts)
        return [self.texts[place] for place in self._matching(text) if place < last]

    def matching_names(self, names: bytes) -> list[MemberRule]:
        """The rules for members whose patterns match a name among these, which are lines."""
        members = [place - len(self.texts) for place in self._matching(names)]
        return [self.members[place] for place in members if 0 <= place < len(self.members)]

    def suspect(self, document: bytes) -> bool:
        """Whether there may be a hit in JSON text whose quotes are line feeds, escapes it has none.

        A number of 13 digits is taken for one: no rule is sure to see it as the text it is.
        """
        return bool(self._search.Match(document))

    def _matching(self, text: bytes) -> list[int]:
        return sorted(self._search.Match(text) or ())


def _search_of(patterns: Iterable[str]) -> Any:
    """An RE2::Set. Unlike one pattern of alternatives it never falls back to the slower engine.

    It answers "none" as well where not even one state of its automaton fits into its memory: a
    state takes some 100 KB here.
    """
    found = re2.Set.SearchSet(_options(max_mem=_MEMORY))
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    return found


def _options(**settings: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    for name, value in settings.items():
        setattr(options, name, value)
    return options


def mark_of(rule_id: str) -> str:
    """What stands in the place of a hit."""
    return f"[redacted:{rule_id}]"


def is_mark(text: str) -> bool:
    """Whether a text is nothing but the mark of a rule."""
    return _MARK.fullmatch(text.encode()) is not None


def shortened(text: str) -> str:
    """The text with the shortest marks there are: no hit is shorter."""
    return _MARK.sub(SHORT_MARK.encode(), text.encode()).decode()


def load_rules(source: str, ordinary: str) -> Rules:
    """The rules in `source` (YAML). `ordinary` is text with nothing in it to redact.

    Raises RulesError that names every mistake: of form, a pattern that doesn't compile, an id that
    stands twice, a hit that isn't one or a miss that is, and rules that would eat more than
    80 % of the ordinary text.
    """
    try:
        read = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise RulesError(f"not YAML: {error}") from error
    wrong = [
        f"{'/'.join(map(str, error.instance_path)) or 'the document'}: {error.message}"
        for error in jsonschema_rs.validator_for(_SCHEMA).iter_errors(read)
    ]
    if wrong:
        raise RulesError("\n".join(wrong))
    entries: list[Mapping[str, Any]] = read["rules"]
    mistakes = [f"{each}: the id stands twice" for each in _repeated(e["id"] for e in entries)]
    texts: list[Rule] = []
    members: list[MemberRule] = []
    for entry in entries:
        try:
            if "key" in entry:
                members.append(_member_rule(entry))
                mistakes.extend(_member_mistakes(members[-1], entry))
            else:
                texts.append(_rule(entry))
                mistakes.extend(_text_mistakes(texts[-1], entry))
        except ValueError as error:
            mistakes.append(f"{entry['id']}: {error}")
    mistakes.extend(_greedy(texts, ordinary))
    if mistakes:
        raise RulesError("\n".join(mistakes))
    return Rules(texts, members)


def _repeated(ids: Iterator[str]) -> list[str]:
    seen: set[str] = set()
    return [each for each in ids if each in seen or seen.add(each)]  # type: ignore[func-returns-value]


def _rule(entry: Mapping[str, Any]) -> Rule:
    pattern = _compiled(entry["pattern"])
    group = dict(pattern.groupindex).get("secret", 0)
    check = CHECKS[entry["check"]] if "check" in entry else None
    return Rule(entry["id"], entry["title"], pattern, group, check)


def _member_rule(entry: Mapping[str, Any]) -> MemberRule:
    return MemberRule(entry["id"], entry["title"], _compiled(entry["key"]), CHECKS[entry["check"]])


def _compiled(pattern: str) -> Any:
    """With `^` and `$` at each line, so that texts joined by line feeds are searched as one."""
    if re.search(r"\\[AzZ]", pattern):
        raise ValueError(r"write ^ and $ for \A and \z")
    try:
        return re2.compile(f"(?m:{pattern})", _options())
    except re2.error as error:
        reason = error.args[0]
        said = reason.decode() if isinstance(reason, bytes) else reason
        raise ValueError(f"the pattern does not compile: {said}") from error


def _text_mistakes(rule: Rule, entry: Mapping[str, Any]) -> Iterator[str]:
    for place, parts in enumerate(entry["hits"]):
        if not any(rule.hits("".join(parts))):
            yield f"{rule.id}: hits/{place} is not hit"
    for place, text in enumerate(entry["misses"]):
        if any(rule.hits(text)):
            yield f"{rule.id}: misses/{place} is hit"


def _member_mistakes(rule: MemberRule, entry: Mapping[str, Any]) -> Iterator[str]:
    for expected, kind in ((True, "hits"), (False, "misses")):
        for place, (name, *parts) in enumerate(entry[kind]):
            found = bool(rule.pattern.search(name)) and rule.is_hit("".join(parts))
            if found != expected:
                yield f"{rule.id}: {kind}/{place} is {'not ' if expected else ''}hit"


def _greedy(rules: Sequence[Rule], ordinary: str) -> Iterator[str]:
    eaten = {rule.id: sum(end - begin for begin, end in rule.hits(ordinary)) for rule in rules}
    allowed = MOST_OF_ORDINARY_TEXT * len(ordinary)
    for name, characters in eaten.items():
        if characters > allowed:
            yield f"{name}: takes out {characters} of {len(ordinary)} characters of ordinary text"
    if not any(each > allowed for each in eaten.values()) and sum(eaten.values()) > allowed:
        yield f"all rules: take out {sum(eaten.values())} of {len(ordinary)} characters of it"
