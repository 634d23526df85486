"""Compares the limits of two views: lengths, counts, bounds of numbers, multiples, uniqueness."""

from fractions import Fraction

from .tell import Tell
from .view import Bound, View

# What JSON Schema means where the keyword is absent.
_AT_LEAST = {"minLength": 0, "minItems": 0, "minProperties": 0, "minContains": 1}
_AT_MOST = ("maxLength", "maxItems", "maxProperties", "maxContains")
_NONE = float("inf")


def compare_limits(tell: Tell, old: View, new: View) -> None:
    for keyword, absent in _AT_LEAST.items():
        before, after = old.limits.get(keyword, absent), new.limits.get(keyword, absent)
        if before != after:
            _tell_limit(tell, keyword, after > before)
    for keyword in _AT_MOST:
        before, after = (view.limits.get(keyword, _NONE) for view in (old, new))
        if before != after:
            _tell_limit(tell, keyword, after < before)
    _compare_bounds(tell, old, new)
    _compare_multiples(tell, old, new)
    if old.unique != new.unique:
        rule = "limit-tightened" if new.unique else "limit-loosened"
        words = "items must be unique now" if new.unique else "items may repeat now"
        tell(rule, words, "uniqueItems", gone=not new.unique)


def _tell_limit(tell: Tell, keyword: str, tightened: bool) -> None:
    before, after = (view.limits.get(keyword) for view in tell.views)
    words = f"{keyword} is {_shown(after)} now, was {_shown(before)}"
    tell("limit-tightened" if tightened else "limit-loosened", words, keyword, gone=after is None)


def _compare_bounds(tell: Tell, old: View, new: View) -> None:
    if old.lower != new.lower:
        tightened = _above(new.lower) > _above(old.lower)
        words = f"must be {_bound(new.lower, '>')} now, was {_bound(old.lower, '>')}"
        _tell_bound(tell, ("minimum", "exclusiveMinimum"), words, tightened, new.lower)
    if old.upper != new.upper:
        tightened = _below(new.upper) < _below(old.upper)
        words = f"must be {_bound(new.upper, '<')} now, was {_bound(old.upper, '<')}"
        _tell_bound(tell, ("maximum", "exclusiveMaximum"), words, tightened, new.upper)


def _tell_bound(
    tell: Tell, keywords: tuple[str, str], words: str, tightened: bool, now: Bound | None
) -> None:
    view = tell.views[1] if now else tell.views[0]
    keyword = next((keyword for keyword in keywords if keyword in view.at), keywords[0])
    tell("limit-tightened" if tightened else "limit-loosened", words, keyword, gone=not now)


def _above(bound: Bound | None) -> tuple[float, bool]:
    return bound or (float("-inf"), False)


def _below(bound: Bound | None) -> tuple[float, bool]:
    return (bound[0], not bound[1]) if bound else (float("inf"), True)


def _bound(bound: Bound | None, sign: str) -> str:
    if bound is None:
        return "any number"
    return f"{sign}{'' if bound[1] else '='} {_number(bound[0])}"


def _shown(limit: float | None) -> str:
    return "none" if limit is None else _number(limit)


def _number(number: float) -> str:
    return str(int(number) if float(number).is_integer() else number)


def _compare_multiples(tell: Tell, old: View, new: View) -> None:
    before, after = set(old.multiples), set(new.multiples)
    if before == after:
        return
    words = f"multipleOf is {_multiples(new)} now, was {_multiples(old)}"
    if _covers(after, before):
        tell("limit-tightened", words, "multipleOf")
    elif _covers(before, after):
        tell("limit-loosened", words, "multipleOf", gone=not after)
    else:
        tell("limit-changed", words, "multipleOf")


def _covers(strict: set[float], loose: set[float]) -> bool:
    """Whether multiples of all in `strict` are multiples of each in `loose`."""
    return all(any(_is_multiple(number, one) for number in strict) for one in loose if one)


def _is_multiple(number: float, one: float) -> bool:
    """As they are written: in binary 0.3 is none of 0.1."""
    return Fraction(str(number)) % Fraction(str(one)) == 0


def _multiples(view: View) -> str:
    return " and ".join(map(_number, view.multiples)) or "none"
