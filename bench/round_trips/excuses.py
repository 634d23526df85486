"""Why a valid message may not get through: what can't be sent, and what a server has to refuse.

Each excuse is held to the message: whoever gives it for a value that could be sent has a fault.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from bench.round_trips.messages import FORMS, Exchange

UNSENT: Final = {
    "unrepresentable": "no Python type holds it, such as a leap second",
    "not written": "the client refuses it: in this style the wire would carry another value",
    "# in a path": "no client sends what follows a # in a path (CG081)",
    "? in a path": "what follows a ? in a path is a query, and no part of it (CG081)",
    "empty body": "a body of no bytes, such as an empty text, is none where one is required",
}
IN_FORMS: Final = {
    "empty form": "a form without fields is a body of no bytes, and so none",
    "empty list": "an empty list has no field in a form, so it comes as absent",
    "null as text": "null is written as an empty text, and comes as that where it may be one",
    "untyped": "a field of which the contract says no type comes as the text that it is written as",
}
_UNPROCESSABLE: Final = 422
# Text that no style of a parameter gives a meaning of its own.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_]+")


def of_path(path: str) -> str | None:
    """Why no call of an operation gets to it: another's path may stand before the cut one."""
    return next((f"{mark} in a path" for mark in "#?" if mark in path), None)


def may_be_unwritten(exchange: Exchange, parameters: Mapping[str, Any], body: Any) -> bool:
    """Whether anything in the message is such that some style can't carry it.

    Which styles that are is not asked: `test_parameters` tells that of each of them.
    """
    places = {one.argument: one.location for one in exchange.operation.parameters}
    written = [
        _is_plain(value) and not (places[name] == "cookie" and isinstance(value, list | dict))
        for name, value in parameters.items()
    ]
    is_form = exchange.body is not None and exchange.body.slot.form in FORMS
    return not all(written) or (is_form and not all(_is_plain(one) for one in _values(body)))


def _values(form: Any) -> list[Any]:
    return list(form.values()) if isinstance(form, dict) else [form]


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(map(_is_plain_scalar, [*value, *value.values()]))
    if isinstance(value, list):
        return bool(value) and all(map(_is_plain_scalar, value))
    return _is_plain_scalar(value)


def _is_plain_scalar(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and bool(_PLAIN.fullmatch(value)))


def of_refusal(exchange: Exchange, body: Any, error: Any) -> str:
    """By which name the server may refuse the message before a handler has it; or nothing."""
    status = getattr(error, "status", None)
    errors = getattr(error, "errors", ())
    if status != _UNPROCESSABLE or not errors:
        return ""
    has_none = [(one["in"], one["pointer"], one["keyword"]) for one in errors] == [
        ("body", "", "required")
    ]
    is_form = exchange.body is not None and exchange.body.slot.form in FORMS
    if has_none and body == "":
        return "empty body"
    if has_none and is_form and is_empty(body):
        return "empty form"
    if is_form and all(_is_of_no_type(exchange, one) for one in errors):
        # Of a list, which the contract doesn't say to be one.
        return "untyped"
    return ""


def _is_of_no_type(exchange: Exchange, error: Mapping[str, Any]) -> bool:
    if exchange.body is None or (error["in"], error["keyword"]) != ("body", "repeated"):
        return False
    name = error["pointer"].removeprefix("/").replace("~1", "/").replace("~0", "~")
    return not any(exchange.body.slot.said.member(name).parts)


def is_empty(form: Any) -> bool:
    return isinstance(form, dict) and all(value == [] for value in form.values())
