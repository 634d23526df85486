"""Suppressions: `x-lint-ignore: {rule: reason}` on an object of the contract.

One holds for all that stands in the object, in the file where it is written. What a reader could
not check, one without a reason or for a finding that isn't there, is told as a finding of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..shape import Pointer
from ..suggestions import did_you_mean
from .rule import Remark, registered, rule
from .subject import Subject, listing, mapping

MEMBER = "x-lint-ignore"


@dataclass(frozen=True, slots=True)
class Suppression:
    """`holder` is the object that it holds for; `pointer` leads to the reason."""

    holder: Pointer
    pointer: Pointer
    rule: str
    reason: Any

    @property
    def holds(self) -> bool:
        return isinstance(self.reason, str) and bool(self.reason.strip())

    def covers(self, rule: str, pointer: Pointer) -> bool:
        return self.rule == rule and pointer[: len(self.holder)] == self.holder


def suppressions(subject: Subject) -> Iterator[Suppression]:
    for pointer, value in _holders(subject):
        for name, reason in mapping(mapping(value).get(MEMBER)).items():
            yield Suppression(pointer, (*pointer, MEMBER, name), name, reason)


@rule(
    "suppression-without-reason",
    "error",
    "Who comes later has to know why a rule doesn't hold here, to see when it does again.",
)
def suppression_without_reason(subject: Subject) -> Iterator[Remark]:
    for pointer, value in _holders(subject):
        declared = mapping(value).get(MEMBER, {})
        if not isinstance(declared, dict):
            hint = f"write {MEMBER}: {{rule: reason}}"
            yield Remark((*pointer, MEMBER), f"{MEMBER} is no mapping of rules to reasons", hint)
    for each in suppressions(subject):
        if not each.holds:
            message = f"{each.rule} is suppressed here without a reason, so it isn't"
            yield Remark(each.pointer, message, "say in a sentence why the rule doesn't hold here")


@rule(
    "unused-suppression",
    "error",
    "A suppression of nothing hides the next finding that comes to this place.",
)
def unused_suppression(subject: Subject) -> Iterator[Remark]:
    """Of rules that there aren't; those that suppressed nothing are known only in the end."""
    for each in suppressions(subject):
        if each.rule not in registered():
            message = f"there is no rule {each.rule}"
            hint = did_you_mean(each.rule, registered(), "codegen explain lists the rules")
            yield Remark(each.pointer, message, hint)


def nothing_suppressed(each: Suppression) -> Remark:
    message = f"{each.rule} finds nothing here to suppress"
    return Remark(each.pointer, message, "remove the suppression")


def _holders(subject: Subject) -> Iterable[tuple[Pointer, Any]]:
    """Objects that can carry the member: those of the table of shapes, `info`, tags, servers."""
    document = subject.document
    yield ("info",), document.get("info")
    for section in ("tags", "servers"):
        for index, value in enumerate(listing(document.get(section))):
            yield (section, index), value
    for node in subject.nodes:
        yield node.pointer, node.value
