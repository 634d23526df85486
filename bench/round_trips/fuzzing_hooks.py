"""What Schemathesis is told of services with stub handlers: how lines are written, what counts.

Of failures that count for nothing `fuzzing_reasons` says why; how often, and where first, is told
at the end.
"""

import atexit
import json
from collections import Counter
from typing import Any, Final

import schemathesis
from schemathesis.core.failures import Failure

from bench.round_trips.fuzzing_reasons import reason_of

_met: Final[Counter[str]] = Counter()
_first: Final[dict[str, str]] = {}


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def as_lines(context: schemathesis.SerializationContext, value: Any) -> bytes | None:
    """The items of an array, a line each; anything else as the only line."""
    lines = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: Any, response: Any
) -> bool:
    """Whether it counts."""
    reason = reason_of(failure, case, response)
    if reason is not None:
        _met[reason] += 1
        _first.setdefault(reason, case.operation.label)
    return reason is None


@atexit.register
def tell() -> None:
    for reason, count in _met.items():
        print(f"{count:6} explained: {reason}; first {_first[reason]}")
