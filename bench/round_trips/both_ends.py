"""Whether what came at one end is what was given at the other, in a place of a message.

JSON is compared by `sameness`; here stands what forms and bytes have besides.
"""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from bench.round_trips.excuses import is_empty
from bench.round_trips.messages import FORMS, Slot
from bench.round_trips.raw_bodies import same
from bench.round_trips.sameness import Changed, Said, compare


def equal(name: str, sent: Any, came: Any) -> None:
    if sent != came:
        raise Changed(f"{name}: {sent!r} came back as {came!r}")


def same_value(slot: Slot, sent: Any, came: Any, name: str) -> set[str]:
    """Nothing where both are equal as Python has it; else by what their JSON differs."""
    if type(sent) is type(came) and sent == came:
        return set()
    if slot.adapter is None:
        if not same(sent, came):
            raise Changed(f"{name}: {sent!r} came back as {came!r}")
        return set()
    one = slot.plain(sent)
    if came is None and slot.form in FORMS and is_empty(one):
        return {"empty form"}
    other = came if isinstance(came, dict) else slot.plain(came)
    said, whole = slot.said, slot.form == "lines"
    if slot.form in FORMS and isinstance(one, dict):
        full = {key: value for key, value in one.items() if value != [] or key in other}
        found = {"empty list"} if full != one else set()
        typed = {
            key: value for key, value in full.items() if not _came_as_text(said, key, value, other)
        }
        found |= {"untyped"} if len(typed) < len(full) else set()
        blank = {
            key
            for key, value in typed.items()
            if value is None and other.get(key) == "" and said.member(key).has_type("string")
        }
        found |= {"null as text"} if blank else set()
        typed = {key: value for key, value in typed.items() if key not in blank}
        kept_there = {key: value for key, value in other.items() if key in typed or key not in full}
        return {*found, *compare(said, typed, kept_there, name)}
    pairs = zip(one, other, strict=True) if whole else [(one, other)]
    return {each for first, second in pairs for each in compare(said, first, second, name)}


def _came_as_text(said: Said, name: str, value: Any, came: Mapping[str, Any]) -> bool:
    if isinstance(value, str) or any(part for part in said.member(name).parts):
        return False
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    if isinstance(value, str):
        return bool(came.get(name) == value)
    return bool(came.get(name) == ("" if value is None else to_json(value).decode()))
