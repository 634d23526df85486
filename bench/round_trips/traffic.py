"""Draws messages for every operation of a package, and has both of its clients send them."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from bench.round_trips.callers import Awaiting, Blocking
from bench.round_trips.calls import Line, Lost, Message, called
from bench.round_trips.echo import Echo, echoing
from bench.round_trips.messages import Body, Exchange, Slot, exchanges
from bench.round_trips.models import Tags
from bench.round_trips.package import Package
from bench.round_trips.raw_bodies import ANY_BYTES, ANY_JSON, written
from bench.round_trips.refusals import refused
from bench.round_trips.sameness import Changed
from bench.round_trips.trials import Tally, drawn
from bench.round_trips.values import Values
from codegen.runtime.media_types import is_json
from codegen.runtime.schema_views import Direction

CALLERS: Final[dict[str, type[Blocking | Awaiting]]] = {"blocking": Blocking, "awaiting": Awaiting}
_HEADER_TEXT = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
# They say how an answer is framed, so that a random one would break it.
_FRAMING = ("content-type", "content-length", "content-encoding", "transfer-encoding", "connection")


class Draw:
    """Strategies for the messages of the exchanges."""

    def __init__(self, package: Package, listed: Iterable[Exchange]) -> None:
        pointers: dict[Direction, dict[str, None]] = {"request": {}, "response": {}}
        for one in listed:
            sent = [*(place.slot for place in one.parameters), *_slots(one.body)]
            came = [*(place.slot for place in one.answer.headers), *_slots(one.answer.body)]
            pointers["request"] |= {slot.pointer: None for slot in sent if slot.pointer}
            pointers["response"] |= {slot.pointer: None for slot in came if slot.pointer}
        self._values = {
            direction: Values(package.schemas, direction, found)
            for direction, found in pointers.items()
        }

    def valid(self, exchange: Exchange) -> st.SearchStrategy[Message]:
        return st.builds(
            Message,
            parameters=self._parameters(exchange),
            body=self._body(exchange.body, "request"),
            answer=self._body(exchange.answer.body, "response"),
            headers=self._headers(exchange),
        )

    def invalid(self, exchange: Exchange) -> st.SearchStrategy[Message]:
        """Valid ones but for the body: JSON, or one line of it."""
        if exchange.body is None or exchange.body.slot.pointer is None:
            raise ValueError(f"{exchange.name} has no body that could be invalid")
        return st.builds(
            Message,
            parameters=self._parameters(exchange),
            body=self._values["request"].invalid(exchange.body.slot.pointer),
            answer=st.none(),
            headers=st.just({}),
        )

    def _parameters(self, exchange: Exchange) -> st.SearchStrategy[dict[str, Any]]:
        values = {
            one.name: self._values["request"].valid(one.slot.pointer)
            for one in exchange.parameters
            if one.slot.pointer
        }
        for one in exchange.operation.parameters:
            if one.location == "path" and one.argument in values:
                # The client refuses to send nothing there, which tests no more the second time.
                values[one.argument] = values[one.argument].filter(_is_something)
            elif one.location == "header" and one.argument in values:
                values[one.argument] = _mostly(values[one.argument], _fits_a_header)
        required = {one.name: values[one.name] for one in exchange.parameters if one.required}
        # None leaves a parameter out, whatever the contract says of null.
        optional = {
            one.name: values[one.name].filter(lambda value: value is not None)
            for one in exchange.parameters
            if not one.required
        }
        return st.fixed_dictionaries(required, optional=optional)

    def _headers(self, exchange: Exchange) -> st.SearchStrategy[dict[str, Any]]:
        names = {one.argument: one.name for one in exchange.answer.response.headers}
        known = {
            one.name: self._values["response"].valid(one.slot.pointer).filter(_fits_a_header)
            for one in exchange.answer.headers
            if one.slot.pointer and names[one.name].lower() not in _FRAMING
        }
        required = {one.name for one in exchange.answer.headers if one.required}
        return st.fixed_dictionaries(
            {name: values for name, values in known.items() if name in required},
            optional={name: values for name, values in known.items() if name not in required},
        )

    def _body(self, body: Body | None, direction: Direction) -> st.SearchStrategy[Any]:
        if body is None:
            return st.none()
        slot = body.slot
        if slot.adapter is None:
            return self._bytes(body, direction)
        if slot.pointer is None:
            raise ValueError(f"a body of {body.media_type} has a type, and no schema to draw from")
        values = self._values[direction].valid(slot.pointer)
        return st.lists(values, min_size=1, max_size=3) if slot.form == "lines" else values

    def _bytes(self, body: Body, direction: Direction) -> st.SearchStrategy[bytes]:
        pointer = body.slot.pointer
        if pointer is None:
            is_any_json = is_json(body.media_type)
            return ANY_JSON.map(partial(written, body.media_type)) if is_any_json else ANY_BYTES
        values = self._values[direction].valid(pointer)
        # A body of no bytes is none.
        return values.map(partial(written, body.media_type)).filter(bool)


def _mostly(values: st.SearchStrategy[Any], fits: Callable[[Any], bool]) -> st.SearchStrategy[Any]:
    """What can't be sent costs the trial of all else in its message, so it comes seldom."""
    return st.one_of(*[values.filter(fits)] * 9, values)


def _is_something(value: Any) -> bool:
    return value not in ("", [], {}, None)


def _slots(body: Body | None) -> list[Slot]:
    return [body.slot] if body else []


def _fits_a_header(value: Any) -> bool:
    """As `dispatch` writes them: visible ASCII, between commas where it is a list."""
    if isinstance(value, list):
        return bool(value) and all(
            _fits_a_header(one) and "," not in str(one) and not isinstance(one, list)
            for one in value
        )
    if isinstance(value, dict) or value is None:
        return False
    return not isinstance(value, str) or bool(_HEADER_TEXT.fullmatch(value))


@contextmanager
def line(package: Package, echo: Echo, kind: str) -> Iterator[Line]:
    client = package.module("client")
    given = {one.name: "a:b" for one in fields(client.Credentials)}
    options = {"retrying": client.Retrying(attempts=1)}
    with CALLERS[kind](client, echo.url, client.Credentials(**given), **options) as caller:
        problem = package.module("runtime.problems").Problem
        yield Line(caller, echo, problem, client.ClientError, Tags.of(package.document))


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came of the valid messages, and of those whose body is invalid."""

    valid: Tally
    invalid: Tally


def traffic(package: Package, kind: str, examples: int, every: int = 1) -> Traffic:
    """Sends `examples` messages of each n-th exchange by the client of the kind."""
    listed = list(exchanges(package))[::every]
    draw = Draw(package, listed)
    valid, invalid = Tally(), Tally()
    with echoing(package) as echo, line(package, echo, kind) as ready:
        for exchange in listed:
            send = partial(called, ready, exchange)
            _tried(valid, exchange, partial(draw.valid, exchange), examples, send)
            if _can_be_invalid(exchange):
                send = partial(refused, package, ready, exchange)
                _tried(invalid, exchange, partial(draw.invalid, exchange), examples, send)
    return Traffic(valid, invalid)


def _can_be_invalid(exchange: Exchange) -> bool:
    body = exchange.body
    return (
        body is not None and body.slot.adapter is not None and body.slot.form in ("json", "lines")
    )


def _tried(
    tally: Tally,
    exchange: Exchange,
    strategy: Callable[[], st.SearchStrategy[Message]],
    examples: int,
    send: Callable[[Message], set[str]],
) -> None:
    def run(message: Message) -> None:
        tally.seen["values"] += 1
        try:
            tally.seen.update(send(message) or {"to the letter"})
        except (Lost, Changed) as error:
            tally.seen["findings"] += 1
            tally.findings.setdefault(exchange.name, str(error))

    try:
        drawn(strategy(), examples, run)
    except Unsatisfiable:
        tally.without_values.append(exchange.name)
