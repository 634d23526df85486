"""Makes what handlers take of values that the contract admits.

A model may be stricter than the schema it was made of: the contract's `date-time` may have a leap
second, which no Python type has. Then it is the caller who has to send another value.
"""

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from pydantic import ValidationError

from .document import pointer_to
from .problems import InputError, Problem, invalid_input

if TYPE_CHECKING:
    from .hooks import Call

TypedT = TypeVar("TypedT")
MadeT_co = TypeVar("MadeT_co", covariant=True)
_KEYWORD: Final = "unrepresentable"


class Adapter(Protocol[MadeT_co]):
    """A `TypeAdapter`, but one of a type is one of that type or None too, as bodies may be."""

    def validate_python(self, value: Any, /, *, by_alias: bool, by_name: bool) -> MadeT_co: ...


def typed_body(adapter: Adapter[TypedT], call: "Call") -> TypedT:
    """The body as `adapter` makes it. Raises a 422 Problem for what has no such form."""
    return typed_value(adapter, call.json_body)


def typed_value(adapter: Adapter[TypedT], value: Any) -> TypedT:
    """As `typed_body`, of a body or of one of its lines."""
    try:
        # A member is known by its name in the contract: what is called as its field is in Python is
        # another one.
        return adapter.validate_python(value, by_alias=True, by_name=False)
    except ValidationError as error:
        # Where in the body is not told: the way there has names that the caller chose.
        raise _without_form([InputError("body", "", _KEYWORD)]) from error


def typed_parameters(adapter: Adapter[TypedT], call: "Call") -> TypedT:
    """The parameters as `adapter` makes them. Raises a 422 Problem for what has no such form."""
    try:
        return adapter.validate_python(call.parameters, by_alias=True, by_name=False)
    except ValidationError as error:
        by_argument = {one.argument: one for one in call.operation.parameters}
        found = [
            InputError(parameter.location, pointer_to([parameter.spelled]), _KEYWORD)
            for one in error.errors(include_url=False, include_context=False, include_input=False)
            if (parameter := by_argument.get(str(one["loc"][0])))
        ]
        raise _without_form(found) from error


def _without_form(errors: list[InputError]) -> Problem:
    detail = "A value fits the contract, but is none that the service can hold; see errors."
    return invalid_input(errors, detail)
