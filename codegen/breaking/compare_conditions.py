"""Compares the discriminators of two views, and their conditions: `not`, `if`, `contains`, …

Conditions are the same or another one; what lies between is not decided.
"""

from typing import Any

from .same import Sameness
from .side import mapping
from .tell import Tell
from .view import CONDITIONS, View


def compare_discriminators(tell: Tell, old: View, new: View) -> None:
    if old.discriminator is None or new.discriminator is None:
        if old.discriminator is not None:
            tell("discriminator-removed", "", "discriminator", gone=True)
        elif new.discriminator is not None:
            tell("discriminator-added", "", "discriminator")
        return
    before, after = tell.sides[0].at(old.discriminator), tell.sides[1].at(new.discriminator)
    if before.get("propertyName") != after.get("propertyName"):
        words = (
            f"the discriminator is {after.get('propertyName')}, was {before.get('propertyName')}"
        )
        tell("discriminator-changed", words, "discriminator")
    was, now = mapping(before.get("mapping")), mapping(after.get("mapping"))
    for name in sorted(was.keys() | now.keys()):
        if name not in was:
            tell("mapping-added", f"the discriminator may be {name} now", "discriminator")
        elif name not in now:
            words = f"the discriminator may no longer be {name}"
            tell("mapping-removed", words, "discriminator", gone=True)
        elif _schema_name(was[name]) != _schema_name(now[name]):
            words = f"the discriminator {name} means {_schema_name(now[name])} now"
            tell("mapping-changed", words, "discriminator")


def _schema_name(reference: Any) -> str:
    return str(reference).rpartition("/")[2]


def compare_conditions(tell: Tell, old: View, new: View, same: Sameness) -> None:
    for keyword in CONDITIONS:
        before, after = old.conditions.get(keyword, ()), new.conditions.get(keyword, ())
        if keyword in ("then", "else") and ("if" in old.conditions) != ("if" in new.conditions):
            continue
        if before and not after:
            tell("condition-removed", f"{keyword} is gone", keyword, gone=True)
        elif after and not before:
            tell("condition-added", f"{keyword} limits it now", keyword)
        elif before and not same.are_same_throughout(before, after):
            tell("condition-changed", f"{keyword} is another", keyword)
