"""Compares the operations of two contracts: which came, which went, and each that stayed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..shape import METHODS, Pointer
from .bodies import compare_request_body, compare_responses
from .comparison import Comparison
from .parameters import compare_parameters
from .security import compare_security
from .side import Side, listed, mapping
from .sunset import removal, sunset_rule

_TEMPLATE = re.compile(r"\{[^{}]*\}")
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """`label` is how a summary calls it; `path` names its parameters as this contract does."""

    label: str
    path: str
    pointer: Pointer
    value: dict[str, Any]


def compare_operations(comparison: Comparison) -> None:
    old, new = _operations(comparison.old), _operations(comparison.new)
    for key, operation in old.items():
        if key not in new:
            _tell_removed(comparison, operation)
    for key, operation in new.items():
        if key in old:
            _compare(comparison, old[key], operation)
        else:
            text = "the operation was added"
            comparison.now("operation-added", text, operation.pointer, operation.label)
    _compare_webhooks(comparison)
    _compare_servers(comparison)


def _operations(side: Side) -> dict[Key, Operation]:
    """By method and path; names of path parameters don't count, they aren't sent."""
    found = {}
    for path, item in mapping(side.document.get("paths")).items():
        for method, value in mapping(item).items():
            if method in METHODS and isinstance(value, dict):
                label = f"{method.upper()} {path}"
                key = (method, _TEMPLATE.sub("{}", path))
                found[key] = Operation(label, path, ("paths", path, method), value)
    return found


def _tell_removed(comparison: Comparison, operation: Operation) -> None:
    found = removal(operation.value, comparison.today)
    rule = "operation-removed" if found == "unannounced" else f"operation-removed-{found}"
    text = "the operation is gone"
    if found != "unannounced":
        text += f", x-sunset is {operation.value['x-sunset']}"
    comparison.gone(rule, text, operation.pointer, operation.label)


def _compare(comparison: Comparison, old: Operation, new: Operation) -> None:
    label, pointer = new.label, new.pointer
    before, after = old.value.get("operationId"), new.value.get("operationId")
    if before != after and before is not None:
        text = f"operationId is {after or 'gone'}, was {before}"
        comparison.now("operation-id-changed", text, (*pointer, "operationId"), label)
    was, now = old.value.get("deprecated") is True, new.value.get("deprecated") is True
    if was != now:
        rule = "operation-deprecated" if now else "operation-reactivated"
        text = "the operation is deprecated" if now else "the operation is no longer deprecated"
        comparison.now(rule, text, (*pointer, "deprecated"), label)
    if moved := sunset_rule(old.value, new.value):
        was_on, is_on = (one.value.get("x-sunset", "none") for one in (old, new))
        text = f"x-sunset is {is_on}, was {was_on}"
        comparison.now(moved, text, (*pointer, "x-sunset"), label)
    compare_parameters(comparison, (old.path, old.pointer), (new.path, new.pointer), label)
    compare_request_body(comparison, old.pointer, new.pointer, "request", label)
    compare_responses(comparison, old.pointer, new.pointer, "response", label)
    compare_security(comparison, old.pointer, new.pointer, label)
    _compare_callbacks(comparison, old, new)


def _compare_callbacks(comparison: Comparison, old: Operation, new: Operation) -> None:
    before = dict(_callbacks(comparison.old, old))
    after = dict(_callbacks(comparison.new, new))
    _compare_sent(comparison, before, after, f"{new.label} callback ")


def _callbacks(side: Side, operation: Operation) -> Iterator[tuple[str, Pointer]]:
    for name in mapping(operation.value.get("callbacks")):
        pointer, callback = side.resolved((*operation.pointer, "callbacks", name))
        for expression, item in callback.items():
            for method in METHODS & mapping(item).keys():
                yield f"{name} {method.upper()} {expression}", (*pointer, expression, method)


def _compare_webhooks(comparison: Comparison) -> None:
    _compare_sent(
        comparison, dict(_webhooks(comparison.old)), dict(_webhooks(comparison.new)), "webhook "
    )


def _webhooks(side: Side) -> Iterator[tuple[str, Pointer]]:
    for name, item in mapping(side.document.get("webhooks")).items():
        for method in METHODS & mapping(item).keys():
            yield f"{name} {method.upper()}", ("webhooks", name, method)


def _compare_sent(
    comparison: Comparison, old: dict[str, Pointer], new: dict[str, Pointer], kind: str
) -> None:
    """What the service sends: its requests are to clients what answers are, and the reverse."""
    for name in sorted(old.keys() - new.keys()):
        label = f"{kind}{name}"
        comparison.gone("webhook-removed", "it is no longer sent", old[name], label, "response")
    for name, pointer in sorted(new.items()):
        label = f"{kind}{name}"
        if name not in old:
            comparison.now("webhook-added", "it is sent", pointer, label, "response")
            continue
        compare_request_body(comparison, old[name], pointer, "response", label)
        compare_responses(comparison, old[name], pointer, "request", label)


def _compare_servers(comparison: Comparison) -> None:
    old, new = _servers(comparison.old), _servers(comparison.new)
    for url in sorted(old.keys() - new.keys()):
        text = f"the server {url} is no longer listed"
        comparison.gone("server-removed", text, old[url], "all operations")
    for url in sorted(new.keys() - old.keys()):
        comparison.now("server-added", f"the server {url} is listed", new[url], "all operations")


def _servers(side: Side) -> dict[str, Pointer]:
    servers = listed(side.document.get("servers"))
    return {str(mapping(one).get("url")): ("servers", i) for i, one in enumerate(servers)}
