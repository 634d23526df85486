"""Puts random values of every operation through client, server and handler, and counts what comes.

What a client is given the handler must get, and what that answers the client must return. Where a
value differs, `sameness` says whether it may; what can't be sent at all, `excuses` names.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from bench.round_trips.both_ends import equal, same_value
from bench.round_trips.callers import Caller
from bench.round_trips.echo import Echo
from bench.round_trips.excuses import may_be_unwritten, of_path, of_refusal
from bench.round_trips.messages import Exchange, Place, Slot
from bench.round_trips.models import Tags, is_unrepresentable
from bench.round_trips.sameness import Changed, same_json
from codegen.emit_client_methods import method_name

# Headers that the server or its hooks add.
_OF_THE_SERVER = {"x_request_id", "cache_control", "content_type", "content_length", "date"}


class Lost(AssertionError):
    """A call that ought to work didn't."""


class Unrepresentable(Exception):
    """No Python type holds a value."""


@dataclass(frozen=True, slots=True)
class Message:
    """The values of one call, as JSON; without those that are left out."""

    parameters: Mapping[str, Any]
    body: Any
    answer: Any
    headers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """Both ends of one line: whoever calls, and what the handler tells.

    `tags` are what the contract's discriminators go by.
    """

    caller: Caller
    echo: Echo
    problem: Callable[..., Exception]
    error: type[Exception]
    tags: Tags


def called(line: Line, exchange: Exchange, message: Message) -> set[str]:
    """By which names of differences, or of UNSENT, the values came back.

    Raises Lost, or Changed of `sameness`, for any other end.
    """
    if excuse := of_path(exchange.operation.path):
        return {excuse}
    try:
        arguments = made(line, exchange.parameters, message.parameters)
        body = _one(line, exchange.body.slot, message.body) if exchange.body else None
        answer, fields = _answer(line, exchange, message)
    except Unrepresentable:
        return {"unrepresentable"}
    if exchange.body is not None:
        arguments["body"] = body
    line.echo.answer = answer
    line.echo.calls.clear()
    line.echo.keep = partial(kept, exchange)
    try:
        result = call(line, exchange, {**arguments, **chosen_type(exchange)})
    except ValueError as error:
        if line.echo.calls:
            raise Lost(f"the client fails behind the answer: {error}") from error
        return not_written(exchange, message, error)
    except line.error as error:
        return _refused(line, exchange, message, error)
    if exchange.answer.make is None:
        raise Lost(f"a problem came back as {result}")
    return {*_arrived(line, exchange, arguments), *_returned(exchange, result, fields)}


def not_written(exchange: Exchange, message: Message, error: ValueError) -> set[str]:
    """Raises Lost where the client refuses what it could send."""
    if may_be_unwritten(exchange, message.parameters, message.body):
        return {"not written"}
    raise Lost(f"the client refuses {json.dumps(_shown(message))[:700]}: {error}") from error


def made(line: Line, places: tuple[Place, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Unrepresentable, or Lost where a type refuses a value that Python has types for."""
    return {
        one.name: _one(line, one.slot, values[one.name]) for one in places if one.name in values
    }


def _one(line: Line, slot: Slot, value: Any) -> Any:
    try:
        return slot.made(value)
    except ValidationError as error:
        # Of lines the first that is refused, whose errors are told alone.
        tried = [one for one in value if not _is_taken(slot, one)] if slot.form == "lines" else []
        if is_unrepresentable(error, tried[0] if tried else value, line.tags):
            raise Unrepresentable from error
        raise Lost(f"the type refuses {json.dumps(value)[:500]}: {error}") from error


def _is_taken(slot: Slot, value: Any) -> bool:
    try:
        slot.made([value])
    except ValidationError:
        return False
    return True


def chosen_type(exchange: Exchange) -> dict[str, str]:
    """The argument that chooses among the media types of a body, where there are several."""
    declared = exchange.operation.body
    if exchange.body is None or declared is None or not declared.has_content_type:
        return {}
    return {"content_type": exchange.body.media_type}


def _answer(line: Line, exchange: Exchange, message: Message) -> tuple[Any, dict[str, Any]]:
    answer = exchange.answer
    if answer.make is None:
        return line.problem(answer.status, "told", "Told", "As the test would have it."), {}
    fields = made(line, answer.headers, message.headers)
    if answer.body is not None:
        fields["body"] = _one(line, answer.body.slot, message.answer)
        if answer.response.has_content_type:
            fields["content_type"] = answer.body.media_type
    if not answer.response.has_one_status:
        fields["status"] = answer.status
    for header in answer.headers:
        if header.required and header.name == "content_length":
            fields[header.name] = header.slot.made(len(fields["body"]))
        elif header.name == "x_request_id":
            # The server has one of its own.
            fields.pop(header.name, None)
            own = {header.name: "of-the-handler"} if header.required else {}
            return answer.make(**fields, **own), fields
    return answer.make(**fields), fields


def call(line: Line, exchange: Exchange, arguments: dict[str, Any]) -> Any:
    name = method_name(exchange.operation)
    if exchange.is_streamed:
        return line.caller.whole(name, **arguments)
    result = line.caller.call(name, **arguments)
    return result, getattr(result, "body", None)


def kept(exchange: Exchange, name: str, value: Any) -> Any:
    """What is left of an argument when the request is answered: of a file its bytes as text."""
    if name == "page":
        return {"limit": value.limit, "after": value.after}
    if type(value).__name__ == "JsonLines":
        lines = list(value)
        if broken := [one.problem for one in lines if one.problem is not None]:
            raise broken[0]
        return [value.model(one) for one in lines]
    if name == "body" and exchange.body is not None and _has_files(exchange):
        return exchange.body.slot.plain(value)
    return value


def _has_files(exchange: Exchange) -> bool:
    return exchange.body is not None and exchange.body.slot.form == "multipart"


def _refused(line: Line, exchange: Exchange, message: Message, error: Any) -> set[str]:
    if line.echo.calls:
        # Of an answer to HEAD the status alone comes.
        title = "Told" if exchange.operation.method != "HEAD" else getattr(error, "title", "")
        told = (getattr(error, "status", None), getattr(error, "title", ""))
        if exchange.answer.make is None and told == (exchange.answer.status, title):
            return {"problem raised"}
    elif excuse := of_refusal(exchange, message.body, error):
        return {excuse}
    raise Lost(f"{error!r} of {json.dumps(_shown(message))[:700]}")


def _shown(message: Message) -> list[Any]:
    body = message.body.decode("latin-1") if isinstance(message.body, bytes) else message.body
    return [dict(message.parameters), body, str(message.answer), dict(message.headers)]


def _arrived(line: Line, exchange: Exchange, given: dict[str, Any]) -> set[str]:
    """Holds what the handler got against what the client was given."""
    calls = line.echo.taken()
    if [operation for operation, _ in calls] != [exchange.operation.id]:
        raise Lost(f"the call reached {[operation for operation, _ in calls]}")
    [(_, got)] = calls
    slots = {one.name: one.slot for one in exchange.parameters}
    if exchange.body is not None:
        slots["body"] = exchange.body.slot
    claimed = {one.argument for one in exchange.operation.parameters if one.claim}
    found: set[str] = set()
    for name in slots.keys() - claimed:
        if name in given:
            found |= same_value(slots[name], given[name], got[name], name)
        elif got[name] is not None:
            _is_default(slots[name], got[name], name)
    return found | _page(exchange, given, got.get("page"))


def _is_default(slot: Slot, came: Any, name: str) -> None:
    plain = slot.plain(came)
    if not any(same_json(plain, one["default"]) for one in slot.said.parts if "default" in one):
        raise Changed(f"{name} was not given, and came as {plain!r}")


def _page(exchange: Exchange, given: dict[str, Any], page: dict[str, Any] | None) -> set[str]:
    if page is None:
        return set()
    names = exchange.operation.extensions["x-page"]
    for member, named in (("limit", "limit"), ("after", "token")):
        [argument] = [
            one.argument
            for one in exchange.operation.parameters
            if (one.location, one.name) == ("query", names[named])
        ]
        if argument in given and given[argument] != page[member]:
            raise Changed(f"the page's {member} is {page[member]!r}, not {given[argument]!r}")
    return set()


def _returned(exchange: Exchange, came: Any, fields: dict[str, Any]) -> set[str]:
    result, body = came
    answer = exchange.answer
    # Both clients have result classes of their own, named as those of the handlers.
    if type(result).__name__ != answer.response.class_name:
        raise Lost(f"{answer.response.class_name} came back as {type(result).__name__}")
    slots = {one.name: one.slot for one in answer.headers}
    found: set[str] = set()
    for name, value in fields.items():
        if name == "body":
            if exchange.operation.method != "HEAD" and answer.body is not None:
                found |= same_value(answer.body.slot, value, body, "body of the answer")
        elif name == "content_type":
            charset = "; charset=utf-8" if value.startswith("text/") else ""
            equal(name, value + charset, result.content_type)
        elif name == "status":
            equal(name, value, result.status)
        else:
            found |= same_value(slots[name], value, getattr(result, name), f"header {name}")
    for name in slots.keys() - fields.keys() - _OF_THE_SERVER:
        if getattr(result, name) is not None:
            raise Changed(f"header {name} was not given, and came as {getattr(result, name)!r}")
    return found
