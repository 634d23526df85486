"""Bodies of one JSON value a line (NDJSON), read line by line: memory doesn't grow with them.

A line that breaks the contract is told as such and harms no other. Lines end with a line feed; a
carriage return before it, and a missing one at the end, change nothing. A line of white space alone
is passed over, but counted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter

from .json_body import parse_json
from .problems import InputError, Problem, invalid_input, line_too_long
from .schemas import ContractSchemas
from .spool import WHITE_SPACE, Spool
from .typed import typed_value

ItemT = TypeVar("ItemT")
DEFAULT_MAX_LINE: Final = 1024 * 1024
_SKIPPED_AT_A_TIME: Final = 64 * 1024


class JsonLine(NamedTuple):
    """One line that isn't blank, of `size` bytes. `number` counts from 1.

    `value` is JSON that is valid by the contract and exact to the last digit; None, perhaps, if
    there is a `problem`.
    """

    number: int
    size: int
    value: Any
    problem: Problem | None = None


ReadLines = Callable[[], Iterator[JsonLine]]


class JsonLines(Generic[ItemT]):
    """The lines of a body, in order. Each `for` reads them anew; one at a time."""

    def __init__(self, read: ReadLines | None, adapter: TypeAdapter[ItemT]) -> None:
        if read is None:
            raise LookupError("the request has no body of lines")
        self._read = read
        self._adapter = adapter

    def __iter__(self) -> Iterator[JsonLine]:
        return self._read()

    def model(self, line: JsonLine) -> ItemT:
        """The line as a model, for whoever can afford it; only of a line without a problem.

        Raises a 422 Problem for a line that fits the contract but has a value that no Python type
        holds: a handler that tells of each line apart may catch it, as it tells of `line.problem`.
        """
        return typed_value(self._adapter, line.value)


@dataclass(frozen=True, slots=True)
class LinesRule:
    """What the contract says of a body of lines. `pointer` leads to the array that stands for it.

    `most` is None where any number may come; a line may have `longest` bytes, its end not counted.
    """

    pointer: str
    longest: int
    most: int | None
    may_be_empty: bool

    @property
    def item_pointer(self) -> str:
        return f"{self.pointer}/items"


def lines_rule(schemas: ContractSchemas, pointer: str, longest: int) -> LinesRule:
    declared = schemas.at(pointer)
    return LinesRule(pointer, longest, declared.get("maxItems"), declared.get("minItems", 0) == 0)


def refuse_wrong_number(rule: LinesRule, spool: Spool) -> None:
    """Raises a 422 Problem for too many lines, or none where the contract wants one."""
    if rule.most is not None and spool.lines > rule.most:
        error = InputError("body", "", "maxItems", str(rule.most), f"#{rule.pointer}/maxItems")
        detail = f"The body may have {rule.most} lines; {spool.lines} came. Split it."
        raise invalid_input([error], detail)
    if spool.is_blank and not rule.may_be_empty:
        error = InputError("body", "", "minItems", "1", f"#{rule.pointer}/minItems")
        raise invalid_input([error], "The body has blank lines alone; it must have another.")


def read_lines(rule: LinesRule, schemas: ContractSchemas, spool: Spool) -> Iterator[JsonLine]:
    """For worker threads: what is invalid takes its time."""
    source = spool.opened()
    number = 0
    while line := source.readline(rule.longest + len(b"\r\n")):
        number += 1
        content = line.removesuffix(b"\n").removesuffix(b"\r")
        if len(content) > rule.longest:
            size = len(content) + (0 if line.endswith(b"\n") else _skip_rest(source))
            yield JsonLine(number, size, None, line_too_long(rule.longest, size))
        elif content.strip(WHITE_SPACE):
            yield _checked(rule, schemas, number, content)


def _skip_rest(source: IO[bytes]) -> int:
    """Reads up to the end of the line; returns how many bytes of content that was."""
    size, last = 0, b""
    while piece := source.readline(_SKIPPED_AT_A_TIME):
        size += len(piece)
        last = (last + piece)[-2:]
        if piece.endswith(b"\n"):
            break
    return size - len(last) + len(last.removesuffix(b"\n").removesuffix(b"\r"))


def _checked(rule: LinesRule, schemas: ContractSchemas, number: int, content: bytes) -> JsonLine:
    try:
        value = parse_json(content, "line")
    except Problem as problem:
        return JsonLine(number, len(content), None, problem)
    error = schemas.first_error(rule.item_pointer, value, "body")
    if error is None:
        return JsonLine(number, len(content), value)
    return JsonLine(number, len(content), None, invalid_input([error], _SEE_ERRORS))


_SEE_ERRORS: Final = "A value of the line does not fit the contract; see errors."
