"""Puts random values of every operation through client, server and handler, and counts what comes.

What a client is given the handler must get, and what that answers the client must return. Where a
value differs, `sameness` says whether it may; what can't be sent at all, `UNSENT` names.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import to_json

from bench.round_trips.callers import Caller
from bench.round_trips.echo import Echo
from bench.round_trips.messages import Exchange, Place, Slot
from bench.round_trips.sameness import Changed, Said, compare
from codegen.emit_client_methods import method_name

UNSENT: Final = {
    "unrepresentable": "no Python type holds it, such as a leap second",
    "not written": "the client refuses it: in this style the wire would carry another value",
    "slash in a path": "a / or a line break in a path parameter leads elsewhere",
    "# in a path": "no client sends what follows a # in a path (CG081)",
    "empty body": "a body of no bytes, such as an empty text, is none where one is required",
}
IN_FORMS: Final = {
    "empty form": "a form without fields is a body of no bytes, and so none",
    "empty list": "an empty list has no field in a form, so it comes as absent",
    "untyped": "a field of which the contract says no type comes as the text that it is written as",
}
_FORMS: Final = ("urlencoded", "multipart")


class Lost(AssertionError):
    """A call that ought to work didn't."""


@dataclass(frozen=True, slots=True)
class Message:
    """The values of one call, as JSON; without those that are left out."""

    parameters: Mapping[str, Any]
    body: Any
    answer: Any
    headers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """Both ends of one line: whoever calls, and what the handler tells."""

    caller: Caller
    echo: Echo
    problem: Callable[..., Exception]
    error: type[Exception]


def called(line: Line, exchange: Exchange, message: Message) -> set[str]:
    """By which names of differences, or of UNSENT, the values came back.

    Raises Lost, or Changed of `sameness`, for any other end.
    """
    if "#" in exchange.operation.path:
        # Another operation's path may stand before it, which then gets the call.
        return {"# in a path"}
    try:
        arguments = made(exchange.parameters, message.parameters)
        body = exchange.body.slot.made(message.body) if exchange.body else None
        answer, fields = _answer(line, exchange, message)
    except ValidationError:
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
        return {"not written"}
    except line.error as error:
        return _refused(line, exchange, message, error)
    if exchange.answer.make is None:
        raise Lost(f"a problem came back as {result}")
    return {*_arrived(line, exchange, arguments), *_returned(exchange, result, fields)}


def made(places: tuple[Place, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: one.slot.made(values[one.name]) for one in places if one.name in values}


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
    fields = made(answer.headers, message.headers)
    if answer.body is not None:
        fields["body"] = answer.body.slot.made(message.answer)
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
    status = getattr(error, "status", None)
    was_told = (status, getattr(error, "title", "")) == (exchange.answer.status, "Told")
    if exchange.answer.make is None and line.echo.calls and was_told:
        return {"problem raised"}
    keywords = {one.get("keyword") for one in getattr(error, "errors", ())}
    if status == 422 and keywords == {"unrepresentable"}:
        return {"unrepresentable"}
    if keywords == {"required"} and message.body == "":
        return {"empty body"}
    is_form = exchange.body is not None and exchange.body.slot.form in _FORMS
    if keywords == {"required"} and is_form and _is_empty(message.body):
        return {"empty form"}
    if keywords == {"repeated"} and is_form:
        # Of a list, which the contract doesn't say to be one.
        return {"untyped"}
    if status in (404, 405) and not line.echo.calls and _leads_elsewhere(exchange, message):
        return {"slash in a path"}
    raise Lost(f"{error!r} of {json.dumps(_shown(message))[:700]}")


def _leads_elsewhere(exchange: Exchange, message: Message) -> bool:
    in_path = [one.argument for one in exchange.operation.parameters if one.location == "path"]
    text = json.dumps([message.parameters[name] for name in in_path])
    return "/" in text or "\\n" in text


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
    for name, value in given.items():
        if name not in claimed:
            found |= _same(slots[name], value, got[name], name)
    return found | _page(exchange, given, got.get("page"))


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
                found |= _same(answer.body.slot, value, body, "body of the answer")
        elif name == "content_type":
            _equal(name, value.partition(";")[0], result.content_type.partition(";")[0])
        elif name == "status":
            _equal(name, value, result.status)
        else:
            found |= _same(slots[name], value, getattr(result, name), f"header {name}")
    return found


def _equal(name: str, sent: Any, came: Any) -> None:
    if sent != came:
        raise Changed(f"{name}: {sent!r} came back as {came!r}")


def _same(slot: Slot, sent: Any, came: Any, name: str) -> set[str]:
    """Nothing where both are equal as Python has it; else by what their JSON differs."""
    if type(sent) is type(came) and sent == came:
        return set()
    one = slot.plain(sent)
    if came is None and slot.form in _FORMS and _is_empty(one):
        return {"empty form"}
    other = came if isinstance(came, dict) else slot.plain(came)
    if slot.adapter is None:
        _equal(name, _json(one), _json(other))
        return set()
    said, whole = slot.said, slot.form == "lines"
    if slot.form in _FORMS and isinstance(one, dict):
        full = {key: value for key, value in one.items() if value != [] or key in other}
        found = {"empty list"} if full != one else set()
        typed = {
            key: value for key, value in full.items() if not _came_as_text(said, key, value, other)
        }
        found |= {"untyped"} if len(typed) < len(full) else set()
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


def _is_empty(form: Any) -> bool:
    return isinstance(form, dict) and all(value == [] for value in form.values())


def _json(value: Any) -> Any:
    """JSON of which the contract says nothing is bytes at one end, and read at the other."""
    return json.loads(value) if isinstance(value, bytes) and value[:1] == b"{" else value
