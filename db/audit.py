"""Audit entries as they are written: remembered by the transaction, appended as it commits.

An entry stands in the chain of its transaction's tenant, if and only if what it tells of happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import orjson

if TYPE_CHECKING:
    from db.transaction import Transaction

SYSTEM_TENANT: Final = "system"
"""Whose chain tells of what belongs to no tenant, such as calls without a key."""

Outcome = Literal["done", "denied", "failed"]

# The head's row is held from here to the COMMIT, which is in the same round trip.
APPEND: Final = "SELECT collector_append_audit(%(events)s)"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to which object. The database adds tenant, number and time.

    `action` is an operation id, or that of the system's own acts; `actor` a key id and `role` its
    role, None for the system. `details` are few and small: no secret, and no text that was sent.
    """

    action: str
    object_type: str | None = None
    object_id: str | None = None
    outcome: Outcome = "done"
    actor: str | None = None
    role: str | None = None
    request_id: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


def record(tx: Transaction, event: AuditEvent) -> None:
    """Have the transaction append this to its tenant's chain, as the last thing before COMMIT."""
    tx.audit_at_commit(event)


def encoded(events: list[AuditEvent]) -> str:
    """The parameter of APPEND."""
    return orjson.dumps(events).decode()
