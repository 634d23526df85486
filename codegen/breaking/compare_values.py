"""Compares what two views say of single values: types, enums, limits, patterns, formats."""

from collections.abc import Iterable

from .compare_limits import compare_limits
from .tell import Tell
from .view import View

_CHECKED_FORMATS = frozenset(
    {
        "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4",
        "ipv6", "iri", "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time",
        "uri", "uri-reference", "uri-template", "uuid",
    }
)  # fmt: skip
_WIDER_FORMATS = {("int32", "int64"), ("float", "double")}
_SHOWN_VALUES = 5


def compare_values(tell: Tell, old: View, new: View) -> None:
    if old.values is not None and new.values is not None:
        _compare_enums(tell, old, new)
    else:
        _compare_types(tell, old, new)
        if new.values is not None:
            tell("values-limited", f"only {_shown(new.values)} allowed now", "values")
        elif old.values is not None:
            tell("values-unlimited", "any value is allowed now", "values", gone=True)
        compare_limits(tell, old, new)
        _compare_words(tell, old, new)
    if old.is_typed and new.is_typed and not tell.null_is_told:
        compare_null(tell, old.nullable, new.nullable)
    _compare_default(tell, old, new)
    if old.deprecated != new.deprecated:
        rule = "schema-deprecated" if new.deprecated else "schema-reactivated"
        tell(rule, "deprecated" if new.deprecated else "no longer deprecated", "deprecated")


def compare_null(tell: Tell, old: bool, new: bool) -> None:
    if old != new:
        rule = "became-nullable" if new else "became-not-nullable"
        words = "may be null now" if new else "may no longer be null"
        tell(rule, words, _null_keyword(tell.views[1]))


def _null_keyword(view: View) -> str:
    """What the schema itself says of null, not one that it refers to."""
    said = (key for key in ("nullable", "type") if view.at.get(key, ())[:-1] in view.places)
    return next(said, "")


def _compare_enums(tell: Tell, old: View, new: View) -> None:
    before, after = old.values or {}, new.values or {}
    if before and after and not before.keys() & after.keys():
        tell("values-replaced", f"{_shown(before)} became {_shown(after)}", "values")
        return
    if added := [text for text in after if text not in before]:
        tell("value-added", f"{_shown(added)} may be a value now", "values")
    if removed := [text for text in before if text not in after]:
        tell("value-removed", f"{_shown(removed)} is no longer a value", "values")


def _shown(values: Iterable[str]) -> str:
    texts = list(values)
    more = f" and {len(texts) - _SHOWN_VALUES} more" if len(texts) > _SHOWN_VALUES else ""
    return ", ".join(texts[:_SHOWN_VALUES]) + more


def _compare_types(tell: Tell, old: View, new: View) -> None:
    before, after = old.types, new.types
    if bool(old.choices) != bool(new.choices):
        before = old.member_types if before is None else before
        after = new.member_types if after is None else after
    if before == after:
        return
    words = f"{_types(before)} became {_types(after)}"
    if after is None:
        is_implied = before is not None and old.implied == before
        tell("type-unstated" if is_implied else "type-widened", words, "type", gone=True)
    elif before is None:
        tell("type-stated" if old.implied == after else "type-narrowed", words, "type")
    elif before < after:
        tell("type-widened", words, "type")
    elif after < before:
        tell("type-narrowed", words, "type")
    else:
        tell("type-changed", words, "type")


def _types(types: frozenset[str] | None) -> str:
    if types is None:
        return "any type"
    shown = types - {"integer"} if "number" in types else types
    return " or ".join(sorted(shown)) or "no type"


def _compare_words(tell: Tell, old: View, new: View) -> None:
    before, after = old.words.get("pattern"), new.words.get("pattern")
    if before != after:
        rule = "pattern-changed" if before and after else "pattern-added"
        tell(rule if after else "pattern-removed", "", "pattern", gone=not after)
    for keyword in ("contentEncoding", "contentMediaType"):
        if old.words.get(keyword) != new.words.get(keyword):
            words = f"{keyword} is {_word(new, keyword)} now, was {_word(old, keyword)}"
            tell("encoding-changed", words, keyword, gone=keyword not in new.words)
    if old.words.get("format") != new.words.get("format"):
        _compare_formats(tell, old, new)


def _compare_formats(tell: Tell, old: View, new: View) -> None:
    before = old.words.get("format", frozenset())
    after = new.words.get("format", frozenset())
    words = f"format {_word(new, 'format')}, was {_word(old, 'format')}"
    gone = not after
    was, now = before & _CHECKED_FORMATS, after & _CHECKED_FORMATS
    pairs = {(one, other) for one in before for other in after}
    if was and now and was != now:
        tell("format-changed", words, "format")
    elif now and not was:
        tell("format-added", words, "format")
    elif was and not now:
        tell("format-removed", words, "format", gone=gone)
    elif pairs & _WIDER_FORMATS:
        tell("format-hint-widened", words, "format")
    elif pairs & {(wide, narrow) for narrow, wide in _WIDER_FORMATS}:
        tell("format-hint-narrowed", words, "format")
    else:
        tell("format-hint-changed", words, "format", gone=gone)


def _word(view: View, keyword: str) -> str:
    return " and ".join(sorted(view.words.get(keyword, ()))) or "none"


def _compare_default(tell: Tell, old: View, new: View) -> None:
    if old.default == new.default:
        return
    if old.default is None:
        tell("default-added", f"default {new.default}", "default")
    elif new.default is None:
        tell("default-removed", f"the default {old.default} is gone", "default", gone=True)
    else:
        tell("default-changed", f"default {new.default}, was {old.default}", "default")
