"""Checks the form of the `x-` fields that the generated code reads; all others are left alone.

`x-page` names parameters, so it is checked with them.
"""

from collections.abc import Callable
from typing import Any

from .bundle import Bundle
from .diagnostics import Findings
from .shape import Pointer


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_true(value: Any) -> bool:
    return value is True


_FORMS: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "x-max-body": (_is_size, "a whole number of bytes", "write 10485760 for 10 MiB"),
    "x-max-line": (_is_size, "a whole number of bytes", "write 1048576 for 1 MiB"),
    "x-etag": (_is_mapping, "a mapping", "its meaning is the service's; {} will do"),
    "x-idempotency": (_is_true, "true", "leave it out where there is none"),
}


def check_extensions(
    contract: Bundle, pointer: Pointer, operation: dict[str, Any], findings: Findings
) -> None:
    for name, (fits, form, hint) in _FORMS.items():
        if name in operation and not fits(operation[name]):
            place = contract.place((*pointer, name))
            findings.add(place, "CG070", f"{name} must be {form}", hint)
