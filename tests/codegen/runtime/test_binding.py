"""Handlers that don't fit the contract are named at start: all of them, each with its place."""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar

import pytest
from pydantic import AwareDatetime
from typing_extensions import TypeAliasType, override

from codegen.runtime.binding import HandlerMismatch, check_handlers, operations_of

ContextT_contra = TypeVar("ContextT_contra", contravariant=True)
Kind = TypeAliasType("Kind", Literal["big", "small"])


class Found:
    """A result."""


class Refused:
    """Another result."""


class ThingsHandlers(Protocol[ContextT_contra]):
    """As the generator emits it: bodies without meaning, not marked as abstract."""

    def list_things(
        self,
        context: ContextT_contra,
        /,
        *,
        kind: Kind,
        since: AwareDatetime | None = None,
        limit: int = 20,
    ) -> Found | Refused:
        """All things."""
        ...

    def drop_thing(self, context: ContextT_contra, /, *, thing_id: str) -> Found: ...


class Good(ThingsHandlers[str]):
    @override
    def list_things(
        self, context: str, /, *, kind: Any, since: Any = None, limit: int = 20
    ) -> Found:
        return Found()

    @override
    def drop_thing(self, context: str, /, *, thing_id: str) -> Found:
        return self._drop(thing_id)

    def _drop(self, thing_id: str) -> Found:
        return Found()


class WithoutAnnotations:
    def list_things(self, its_context, **rest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN201
        """What mypy can't check is what this is about."""

    def drop_thing(self, c, thing_id):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """The same, its argument taken by place too."""


class TakesMore:
    def list_things(
        self,
        context: object,
        /,
        *,
        kind: str,
        since: object = None,
        limit: float = 1,
        extra: int = 5,
    ) -> Refused:
        return Refused()

    def drop_thing(self, context: str, /, **sent: object) -> Found:
        return Found()


class Missing(ThingsHandlers[str]):
    """Nothing here, so that the protocol's own functions are all there is."""


def findings_for(handler: object, protocol: type[Any] = ThingsHandlers) -> list[str]:
    with pytest.raises(HandlerMismatch) as caught:
        check_handlers("things", protocol, handler)
    message = str(caught.value)
    assert message.startswith("handlers do not fit the contract:\n  ")
    assert all(finding in message for finding in caught.value.findings)
    return caught.value.findings


def place_of(thing: type[Any] | Callable[..., Any]) -> str:
    return f"{__file__}:{inspect.getsourcelines(thing)[1]}"


@pytest.mark.parametrize("handler", [Good(), WithoutAnnotations(), TakesMore()])
def test_fitting_handlers_pass(handler: object) -> None:
    check_handlers("things", ThingsHandlers, handler)


def test_every_public_function_of_a_protocol_is_an_operation() -> None:
    assert list(operations_of(ThingsHandlers)) == ["list_things", "drop_thing"]


def test_functions_marked_as_abstract_are_operations_too() -> None:
    class Marked(Protocol):
        @abstractmethod
        def ping(self, context: str, /) -> Found: ...

    assert list(operations_of(Marked)) == ["ping"]


def test_missing_handlers_are_named_with_the_file_of_the_class() -> None:
    assert findings_for(Missing()) == [  # type: ignore[abstract]  # as it runs without mypy
        f"{place_of(Missing)}: no handler for operation {name} (tag things)"
        for name in ("list_things", "drop_thing")
    ]


class LeftOver(Good):
    def drop_everything(self, context: str, /) -> Found:
        return Found()


def test_a_handler_without_an_operation_is_named() -> None:
    assert findings_for(LeftOver()) == [
        f"{place_of(LeftOver.drop_everything)}: handler drop_everything has no operation in the "
        "contract (tag things)"
    ]


class Wrong:
    async def list_things(
        self, context: str, /, *, kind: int, limit: int, colour: str
    ) -> Found | str | None:
        return Found()

    drop_thing = 5

    def list_thing(self, context: str, /) -> Found:
        return Found()


def test_all_differences_are_told_at_once() -> None:
    place = place_of(Wrong.list_things)
    listed = f"{place}: handler of operation list_things"
    found = findings_for(Wrong())
    assert found == [
        f"{listed}: argument since is missing",
        f"{listed}: argument limit must have a default, as it is optional",
        f"{listed}: argument colour is not in the contract",
        f"{listed}: it may not return str",
        f"{listed}: it may not return NoneType",
        f"{listed}: it must not be async, as handlers run in worker threads",
        f"{place_of(Wrong)}: handler of operation drop_thing: it must be a plain method",
        f"{place_of(Wrong.list_thing)}: handler list_thing has no operation in the contract "
        "(tag things)",
    ]


class NoContext:
    def list_things(self, *, kind: Kind, since: Any = None, limit: int = 1) -> Found:
        return Found()

    def drop_thing(self, context: str, /, *, thing_id: Sequence[int]) -> Found:
        return Found()


def test_the_context_comes_first() -> None:
    found = findings_for(NoContext())
    assert found[0].endswith("it must take the context as its first argument")


class WrongTypes:
    def list_things(
        self, context: str, /, *, kind: Kind, since: Any = None, limit: str = ""
    ) -> Found:
        return Found()

    def drop_thing(self, context: str, /, *, thing_id: list[str] | None) -> "Found":
        return Found()


def test_annotations_are_compared() -> None:
    assert [finding.rpartition(": ")[2] for finding in findings_for(WrongTypes())] == [
        "argument limit must take int",
        "argument thing_id must take str",
    ]


class Unresolvable:
    def list_things(
        self,
        context: str,
        /,
        *,
        kind: "Nowhere",  # type: ignore[name-defined]  # noqa: F821  # as after a bad edit
        since: Any = None,
        limit: str = "",
    ) -> Found:
        return Found()

    def drop_thing(self, context: str, /, *, thing_id: str) -> Found:
        return Found()


def test_annotations_that_can_not_be_evaluated_are_left_to_mypy() -> None:
    check_handlers("things", ThingsHandlers, Unresolvable())
