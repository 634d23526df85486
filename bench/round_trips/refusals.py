"""Sends bodies that the contract refuses, and asks the models what they make of them."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from bench.round_trips.calls import (
    Line,
    Lost,
    Message,
    Unrepresentable,
    call,
    chosen_type,
    kept,
    made,
    not_written,
)
from bench.round_trips.excuses import of_path
from bench.round_trips.looseness import classes_of
from bench.round_trips.messages import Exchange, Slot
from bench.round_trips.package import Package

# Shorter texts stand in a problem's own words as well.
_TELLING: Final = 6


def refused(package: Package, line: Line, exchange: Exchange, message: Message) -> set[str]:
    """How the models take what the server refused: `refused by both`, or classes of `looseness`.

    Raises Lost where the server takes it, answers otherwise than by a 4xx problem, or repeats it.
    """
    body = exchange.body
    if body is None or body.slot.adapter is None or body.slot.pointer is None:
        raise ValueError(f"{exchange.name} has no body that could be invalid")
    if excuse := of_path(exchange.operation.path):
        return {excuse}
    try:
        arguments = made(line, exchange.parameters, message.parameters)
    except Unrepresentable:
        return {"unrepresentable"}
    encoded = package.module("runtime.encoded_json").EncodedJson(json.dumps(message.body).encode())
    arguments["body"] = [encoded] if body.slot.form == "lines" else encoded
    line.echo.calls.clear()
    line.echo.keep = partial(kept, exchange)
    try:
        call(line, exchange, {**arguments, **chosen_type(exchange)})
    except ValueError as error:
        return not_written(exchange, message, error)
    except line.error as error:
        status = getattr(error, "status", 0)
        if status not in (400, 422) or line.echo.calls:
            raise Lost(f"{error!r} of {message.body!r}") from error
        _is_silent(package, error, message.body)
    else:
        raise Lost(f"the server takes {message.body!r}")
    return _models(package, body.slot, message.body)


def _is_silent(package: Package, error: Any, value: Any) -> None:
    """Whether the problem repeats nothing of the value but words of the contract, or its own."""
    told = json.dumps([error.type, error.title, error.detail, error.members])
    for text in _texts(value):
        written = json.dumps(text)[1:-1]
        if len(text) >= _TELLING and written in told and written not in package.words:
            raise Lost(f"the problem repeats {text!r}: {told}")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from (name, *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _models(package: Package, slot: Slot, value: Any) -> set[str]:
    assert slot.adapter is not None
    try:
        slot.adapter.validate_json(json.dumps(value), by_alias=True, by_name=False)
    except ValidationError:
        return {"refused by both"}
    classes = classes_of(package.schemas, "request", str(slot.pointer), value)
    if classes is None:
        raise Lost(f"the model takes {value!r}")
    return {str(one) for one in classes}
