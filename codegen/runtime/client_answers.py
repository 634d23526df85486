"""What a client knows of an operation, and how an answer becomes the typed result for its status.

Emitted `client/` modules hold one `Described` for each operation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from .client_body import BodyForm
from .client_errors import UnexpectedAnswer
from .client_steps import Received
from .media_types import is_json, is_problem
from .operation import Operation

ResultT = TypeVar("ResultT")
ResultT_co = TypeVar("ResultT_co", covariant=True)
StreamT = TypeVar("StreamT")
_MOST_PLACES = 3
LEAST_ERROR = 400


class Typed:
    """A type whose values are read from JSON. What reads them is made when it is first needed."""

    def __init__(self, type: Any) -> None:
        self._type = type

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self._type)


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A documented header of an answer; `is_list` where its items stand between commas."""

    name: str
    type: Typed
    required: bool = False
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Generic[ResultT_co]):
    """How `make`, the result class of a status, gets its fields.

    `body` is the type of a JSON body; with `is_stream` any other is handed on as it comes, and each
    line of it is of the type `line`, where there is one.
    """

    make: Callable[..., ResultT_co]
    body: Typed | None = None
    headers: Mapping[str, HeaderField] = field(default_factory=dict)
    is_stream: bool = False
    line: Typed | None = None
    has_content_type: bool = False
    has_status: bool = False


@dataclass(frozen=True, slots=True)
class Paging:
    """`argument` takes the token that the member `next` of a page's body holds."""

    argument: str
    next: str


@dataclass(frozen=True, slots=True)
class Described(Generic[ResultT_co]):
    """An operation as the client calls it.

    `path` has names of parameters in braces. `answers` are by status, `2XX` or `default`,
    `forms` of a body by media type. `key` is
    the argument for an idempotency key; `condition` tells of the header parameter If-None-Match.
    """

    operation: Operation
    path: str
    answers: Mapping[str, Answer[ResultT_co]]
    forms: Mapping[str, BodyForm] = field(default_factory=dict)
    key: str | None = None
    condition: bool = False
    paging: Paging | None = None

    def answer(self, status: int, content_type: str) -> Answer[ResultT_co] | None:
        """What the contract says of the status, if that is a result and no problem.

        An error that says of itself that it is a problem is one, whatever stands there: what
        refuses a request may know nothing of the contract.
        """
        if status >= LEAST_ERROR and is_problem(content_type):
            return None
        for key in (str(status), f"{status // 100}XX"):
            if key in self.operation.responses:
                return self.answers.get(key)
        return self.answers.get("default")

    def is_stream(self, status: int, content_type: str) -> bool:
        answer = self.answer(status, content_type)
        if answer is None or not answer.is_stream:
            return False
        return answer.body is None or not is_json(content_type)

    @property
    def accept(self) -> str:
        """Every media type that the contract names for an answer."""
        named = [media.media_type for each in self.operation.responses.values() for media in each]
        return ", ".join(dict.fromkeys(named)) or "*/*"


def read_answer(described: Described[ResultT], received: Received) -> ResultT:
    """Raises UnexpectedAnswer for what doesn't fit the contract."""
    operation, status = described.operation.id, received.status
    answer = described.answer(status, received.content_type)
    if answer is None:
        raise UnexpectedAnswer(operation, status, "the contract has no such answer")
    fields: dict[str, Any] = {}
    reason = _read_headers(answer, received, fields)
    if received.stream is not None:
        stream = received.stream
        fields["body"] = stream if answer.line is None else stream.reading(answer.line, status)
    elif answer.body is not None:
        reason = _read_body(answer.body.adapter, received.body, fields) or reason
    if reason:
        raise UnexpectedAnswer(operation, status, f"what came does not fit the contract: {reason}")
    if answer.has_content_type:
        fields["content_type"] = received.content_type
    if answer.has_status:
        fields["status"] = status
    return answer.make(**fields)


def read_line(operation: str, status: int, line: Typed, text: bytes) -> Any:
    """Raises UnexpectedAnswer for what doesn't fit the contract."""
    fields: dict[str, Any] = {}
    if reason := _read_body(line.adapter, text, fields):
        raise UnexpectedAnswer(operation, status, f"a line does not fit the contract: {reason}")
    return fields["body"]


def next_token(paging: Paging, received: Received) -> str | None:
    """The token of the page behind the one received, whose body is known to be JSON."""
    document = from_json(received.body) if received.body else None
    token = document.get(paging.next) if isinstance(document, dict) else None
    return token if isinstance(token, str) and token else None


def _read_headers(answer: Answer[Any], received: Received, fields: dict[str, Any]) -> str:
    reason = ""
    for argument, header in answer.headers.items():
        text = received.headers.get(header.name.lower())
        if text is None:
            reason = f"the header {header.name} is missing" if header.required else reason
            continue
        value = [item.strip() for item in text.split(",")] if header.is_list else text
        adapter = header.type.adapter
        broken = _read(
            partial(adapter.validate_python, by_alias=True, by_name=False), value, fields, argument
        )
        if broken and not header.is_list:
            # Some types, such as that of one number alone, take no text for it.
            validate = partial(adapter.validate_json, by_alias=True, by_name=False)
            broken = _read(validate, text, fields, argument)
        reason = broken or reason
    return reason


def _read_body(adapter: TypeAdapter[Any], body: bytes, fields: dict[str, Any]) -> str:
    """Members that a newer server added are passed over, where the contract closes a schema too."""
    validate = partial(adapter.validate_json, by_alias=True, by_name=False)
    reason = _read(validate, body, fields, "body")
    return reason and _read(partial(validate, extra="ignore"), body, fields, "body")


def _read(validate: Callable[[Any], Any], value: Any, fields: dict[str, Any], argument: str) -> str:
    """Where the value breaks its type, without the value; empty if it doesn't."""
    try:
        fields[argument] = validate(value)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False, include_context=False)
        places = (
            f"{'/'.join(map(str, (argument, *one['loc'])))} ({one['type']})"
            for one in told[:_MOST_PLACES]
        )
        return ", ".join(places)
    return ""
