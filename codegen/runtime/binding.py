"""Checks at start that handlers and contract agree, and says where they don't.

mypy says the same of handler classes that derive from the emitted protocols; this is for a process
that was started without asking it.
"""

import inspect
from typing import Any


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
    return {
        name: member
        for name, member in vars(protocol).items()
        if inspect.isfunction(member) and getattr(member, "__isabstractmethod__", False)
    }


def _missing_or_wrong(tag: str, protocol: type[Any], handler: object) -> list[str]:
    findings = []
    for name, declared in operations_of(protocol).items():
        found = getattr(type(handler), name, None)
        if found is None or found is declared:
            findings.append(f"{_place(type(handler))}: no handler for operation {name} (tag {tag})")
            continue
        for difference in _differences(declared, found):
            findings.append(f"{_place(found)}: handler of operation {name}: {difference}")
    return findings


def _differences(declared: Any, found: Any) -> list[str]:
    wanted = inspect.signature(declared).parameters
    given = inspect.signature(found).parameters
    differences = [f"argument {name} is missing" for name in wanted if name not in given]
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in given.values()):
        differences = []
    for name, parameter in given.items():
        required = parameter.default is inspect.Parameter.empty
        plain = parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        if name not in wanted and plain and required and _by_keyword(parameter):
            differences.append(f"argument {name} is not in the contract")
        elif name in wanted and required and wanted[name].default is not inspect.Parameter.empty:
            differences.append(f"argument {name} must have a default, as it is optional")
    if inspect.iscoroutinefunction(found):
        differences.append("it must not be async, as handlers run in worker threads")
    return differences


def _by_keyword(parameter: inspect.Parameter) -> bool:
    return parameter.kind is inspect.Parameter.KEYWORD_ONLY


def _left_over(tag: str, protocol: type[Any], handler: object) -> list[str]:
    known = operations_of(protocol)
    return [
        f"{_place(member)}: handler {name} has no operation in the contract (tag {tag})"
        for name, member in vars(type(handler)).items()
        if inspect.isfunction(member) and not name.startswith("_") and name not in known
    ]


def _place(thing: Any) -> str:
    file = inspect.getsourcefile(thing) or "?"
    return f"{file}:{inspect.getsourcelines(thing)[1]}"
