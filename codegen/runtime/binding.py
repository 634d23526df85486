"""Checks at start that handlers and contract agree, and says where they don't.

mypy says the same of handler classes that derive from the emitted protocols; this is for a process
that was started without asking it.
"""

import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

_STANDING_FOR = ("typing", "typing_extensions", "pydantic")
_KINDS_BY_NAME = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class HandlerMismatch(Exception):
    """Handlers and contract disagree; the message lists every place as `file:line: …`."""

    def __init__(self, findings: list[str]) -> None:
        self.findings = findings
        super().__init__("handlers do not fit the contract:\n  " + "\n  ".join(findings))


def check_handlers(tag: str, protocol: type[Any], handler: object) -> None:
    """Raises HandlerMismatch unless `handler` has just the protocol's operations and signatures."""
    findings = [*_missing_or_wrong(tag, protocol, handler), *_left_over(tag, protocol, handler)]
    if findings:
        raise HandlerMismatch(findings)


def operations_of(protocol: type[Any]) -> dict[str, Any]:
    """Every public function that stands in the emitted protocol itself."""
    return {
        name: member
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def _missing_or_wrong(tag: str, protocol: type[Any], handler: object) -> Iterator[str]:
    for name, declared in operations_of(protocol).items():
        found = getattr(type(handler), name, None)
        if found is None or found is declared:
            yield f"{_place(type(handler))}: no handler for operation {name} (tag {tag})"
            continue
        if not inspect.isfunction(found):
            place = _place(type(handler))
            yield f"{place}: handler of operation {name}: it must be a plain method"
            continue
        for difference in _differences(declared, found):
            yield f"{_place(found)}: handler of operation {name}: {difference}"


def _differences(declared: Any, found: Any) -> Iterator[str]:
    """What keeps `found` from being called as the route calls: context first, the rest by name."""
    # The first two are self and context, whose names are the handler's own affair.
    wanted = dict(list(inspect.signature(declared).parameters.items())[2:])
    parameters = list(inspect.signature(found).parameters.values())
    if len([one for one in parameters if one.kind < inspect.Parameter.KEYWORD_ONLY]) < 2:
        yield "it must take the context as its first argument"
    given = {one.name: one for one in parameters[2:] if one.kind in _KINDS_BY_NAME}
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        yield from (f"argument {name} is missing" for name in wanted if name not in given)
    for name, parameter in given.items():
        if _is_required(parameter) and name not in wanted:
            yield f"argument {name} is not in the contract"
        elif _is_required(parameter) and not _is_required(wanted[name]):
            yield f"argument {name} must have a default, as it is optional"
    yield from _wrong_types([*(wanted.keys() & given.keys()), "return"], declared, found)
    if inspect.iscoroutinefunction(found):
        yield "it must not be async, as handlers run in worker threads"


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _wrong_types(names: list[str], declared: Any, found: Any) -> Iterator[str]:
    """Annotations that can't be right, as far as classes tell; mypy knows the rest."""
    wanted, given = _annotations(declared), _annotations(found)
    for name in sorted(wanted.keys() & given.keys() & set(names)):
        if name == "return":
            # A handler may return less than the contract allows.
            for one in _surplus(_members(given[name]), _members(wanted[name])):
                yield f"it may not return {one.__qualname__}"
        else:
            # And it may take more.
            for one in _surplus(_members(wanted[name]), _members(given[name])):
                yield f"argument {name} must take {one.__qualname__}"


def _surplus(values: list[type | None], slots: list[type | None]) -> list[type]:
    """Classes among `values` that fit into none of `slots`; None stands for what isn't known."""
    known = [slot for slot in slots if slot is not None]
    if len(known) < len(slots):
        return []
    # By PEP 484 an int is welcome wherever a float is.
    return [
        value
        for value in values
        if value is not None
        and not any(issubclass(value, slot) or (value, slot) == (int, float) for slot in known)
    ]


def _annotations(function: Any) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, AttributeError, TypeError):
        # A name that is imported for type checkers alone, say.
        return {}


def _members(annotation: Any) -> list[type | None]:
    """The classes of a union's members, or of the one type that it is."""
    while hasattr(annotation, "__value__"):
        annotation = annotation.__value__
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [found for member in typing.get_args(annotation) for found in _members(member)]
    found = typing.get_origin(annotation) or annotation
    # Any is a class since Python 3.11, and some of pydantic's, as AwareDatetime, stand for others.
    is_known = isinstance(found, type) and found.__module__.split(".")[0] not in _STANDING_FOR
    return [found if is_known else None]


def _left_over(tag: str, protocol: type[Any], handler: object) -> Iterator[str]:
    known = operations_of(protocol)
    for name, member in vars(type(handler)).items():
        if inspect.isfunction(member) and not name.startswith("_") and name not in known:
            yield f"{_place(member)}: handler {name} has no operation in the contract (tag {tag})"


def _place(thing: Any) -> str:
    file = inspect.getsourcefile(thing) or "?"
    return f"{file}:{inspect.getsourcelines(thing)[1]}"
