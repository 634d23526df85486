"""Rules about patterns: whether they are ECMA-262, mean what they seem to, and are safe to run.

A pattern meets text from strangers, in this service and in every client: most engines there try one
way after the other. Analysed are patterns of schemas, and those that name properties.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import jsonschema_rs

from ..shape import Pointer
from .regex.ambiguity import growth
from .regex.expression import ExpressionError, Node, parse
from .regex.shape import half_anchored_choice, irregular_parts, is_search
from .rule import Remark, rule
from .subject import Subject, mapping

# Of so short a text even the square is done in a millisecond.
_SHORT = 1000


@dataclass(frozen=True, slots=True)
class _Pattern:
    pointer: Pointer
    text: str
    longest: int | None


@rule(
    "malformed-pattern",
    "error",
    "`pattern` is ECMA-262 (JSON Schema 2020-12, 6.3.3): what isn't is refused, or means something "
    "else, in some of the tools that read the contract.",
)
def malformed_pattern(subject: Subject) -> Iterator[Remark]:
    for pattern in _patterns(subject):
        try:
            parse(pattern.text)
        except ExpressionError as error:
            hint = "write it as JavaScript does, without flags"
            yield Remark(pattern.pointer, f"the pattern can't be read: {error}", hint)


@rule(
    "exponential-pattern",
    "error",
    "A text of some forty characters keeps a backtracking engine busy for hours, in clients too.",
)
def exponential_pattern(subject: Subject) -> Iterator[Remark]:
    for pattern, node in _parsed(subject):
        if growth(node) == "exponential":
            message = "the time to refuse a text doubles with each of its characters"
            hint = "let a repeat within a repeat begin or end with a character of its own"
            yield Remark(pattern.pointer, message, hint)


@rule(
    "polynomial-pattern",
    "warning",
    "A long text takes a backtracking engine at least the square of its length to refuse.",
)
def polynomial_pattern(subject: Subject) -> Iterator[Remark]:
    """Only where texts may be longer than makes no difference."""
    for pattern, node in _parsed(subject):
        is_short = pattern.longest is not None and pattern.longest <= _SHORT
        if not is_short and growth(node) == "polynomial":
            message = "the time to refuse a text grows with the square of its length, or faster"
            hint = f"anchor it, join repeats of the same characters, or set maxLength to {_SHORT}"
            yield Remark(pattern.pointer, message, f"{hint} or less")


@rule(
    "irregular-pattern",
    "warning",
    "Engines that are linear in the text (RE2, Go, Rust) refuse look-around and backreferences.",
)
def irregular_pattern(subject: Subject) -> Iterator[Remark]:
    for pattern, node in _parsed(subject):
        parts = sorted(irregular_parts(node))
        if parts:
            message = f"the pattern needs {' and '.join(parts)}"
            hint = "write it without, or as several patterns in an `allOf`"
            yield Remark(pattern.pointer, message, hint)
        elif not _is_compiled(pattern.text):
            message = "an engine that is linear in the text refuses the pattern, or its size"
            yield Remark(pattern.pointer, message, "make its counts smaller; use maxLength")


@rule(
    "unanchored-pattern",
    "warning",
    "A pattern fits where any part of the text does: without ^ and $ the rest can be anything.",
)
def unanchored_pattern(subject: Subject) -> Iterator[Remark]:
    """Not of one that is plainly meant to search."""
    for pattern, node in _parsed(subject):
        if half_anchored_choice(node):
            message = "^ or $ holds for one branch of the choice alone"
            yield Remark(pattern.pointer, message, "put the choice into a group: ^(?:a|b)$")
        elif not is_search(node):
            message = "the pattern has neither ^ nor $, so it fits any text that contains a match"
            yield Remark(pattern.pointer, message, "add ^ and $")


def _patterns(subject: Subject) -> Iterator[_Pattern]:
    for node in subject.schemas():
        if isinstance(node.value.get("pattern"), str):
            limit = node.value.get("maxLength")
            longest = limit if isinstance(limit, int) else None
            yield _Pattern((*node.pointer, "pattern"), node.value["pattern"], longest)
        for name in mapping(node.value.get("patternProperties")):
            yield _Pattern((*node.pointer, "patternProperties", name), name, None)


def _parsed(subject: Subject) -> Iterator[tuple[_Pattern, Node]]:
    """Those that can be read; of the others one rule tells."""
    for pattern in _patterns(subject):
        try:
            yield pattern, parse(pattern.text)
        except ExpressionError:
            continue


def _is_compiled(text: str) -> bool:
    """Whether Rust's engine takes it, which validates in a generated service."""
    options = jsonschema_rs.RegexOptions()
    try:
        jsonschema_rs.Draft202012Validator({"pattern": text}, pattern_options=options)
    except ValueError:
        return False
    return True
