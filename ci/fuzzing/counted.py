"""How often each thing happened that a check or a hook exists for.

A check that never had anything to check is as good as none: `coverage` fails a run for it.
"""

from collections import Counter
from typing import Final

AIMED_AT_NEIGHBOUR: Final = "requests aimed at a neighbour's thing, compared with nobody's"
REVALIDATED: Final = "answers asked for again by their entity tag"
NOT_MODIFIED: Final = "304 answers of Schemathesis's own requests"
HEAD_COMPARED: Final = "HEAD answers compared with GET's"
REPLAYED: Final = "stored requests repeated with the same Idempotency-Key"
CANARIES: Final = "requests with a canary in them"
PACKED: Final = "bodies sent as gzip"
SPOILED: Final = "good requests spoiled with a canary"
ERRORS: Final = "errors searched for input values and canaries"
COMMITTED: Final = "plans of retention committed by another hash, and by their own"

# What a run can't do without; a tag of the tenant's rarely still holds when a request sends it.
ALL: Final = (
    AIMED_AT_NEIGHBOUR,
    REVALIDATED,
    HEAD_COMPARED,
    REPLAYED,
    CANARIES,
    PACKED,
    SPOILED,
    ERRORS,
    COMMITTED,
)

counted: Final[Counter[str]] = Counter()
# Answers to requests that our checks made, as "operation_id status".
answered_beside: Final[Counter[str]] = Counter()
