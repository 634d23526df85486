"""Decides what retention may delete, whether a plan still stands, and what is unusually large.

Takes facts and the time; reads no clock and no database.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from policies.retention_rules import WarningRules

PLAN_LASTS: Final = timedelta(hours=24)
"""How old a dry run may be that is committed."""
_HASH_VERSION: Final = b"collector retention plan 1\n"


@dataclass(frozen=True, slots=True)
class PlanPart:
    """Reports of one month, in the order of their ids: `digest` is SHA-256 of the ids of those that
    may be deleted, None if all are held. `first_id` and `last_id` are of those too.
    """

    month: str
    candidates: int
    held: int
    first_id: UUID | None
    last_id: UUID | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would delete: `candidates` reports older than `cutoff`, not the `held` ones."""

    cutoff: datetime
    candidates: int
    held: int
    by_month: Mapping[str, int]
    first_id: UUID | None
    last_id: UUID | None
    hash: bytes


def cutoff_at(now: datetime, days: int) -> datetime:
    """What is older may be deleted: the beginning of the day (UTC) that is so many days past.

    A report is kept for that many whole days at least.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def planned(cutoff: datetime, parts: Iterable[PlanPart]) -> Plan:
    """The plan that the parts make, in their order.

    Its hash stands for the cutoff and for each report that would be deleted. Ids are enough: what
    is stored under one never changes.
    """
    found = hashlib.sha256(_HASH_VERSION + cutoff.isoformat().encode())
    by_month: dict[str, int] = {}
    candidates = held = 0
    first_id = last_id = None
    for part in parts:
        held += part.held
        if part.digest is None:
            continue
        candidates += part.candidates
        by_month[part.month] = by_month.get(part.month, 0) + part.candidates
        first_id = first_id or part.first_id
        last_id = part.last_id
        found.update(part.digest)
    return Plan(cutoff, candidates, held, by_month, first_id, last_id, found.digest())


def has_expired(planned_at: datetime, now: datetime) -> bool:
    """Whether a dry run is too old to be committed."""
    return now - planned_at > PLAN_LASTS


def warnings_of(
    rules: WarningRules, candidates: int, all_reports: int, earlier: Sequence[int]
) -> list[str]:
    """Why a plan is unusually large, for people; nothing if it isn't.

    `all_reports` are all of the tenant's, `earlier` how many its last runs deleted.
    """
    if candidates < max(rules.from_reports, 1):
        return []
    found = []
    if candidates > rules.share_of_all * all_reports:
        share = 100 * candidates / all_reports
        found.append(
            f"It deletes {share:.0f} % of all reports ({candidates} of {all_reports}); "
            f"more than {100 * rules.share_of_all:g} % is unusual."
        )
    largest = max(earlier, default=0)
    if largest and candidates > rules.times_the_largest * largest:
        found.append(
            f"It deletes {candidates / largest:.1f} times as many reports as the largest of the "
            f"last {len(earlier)} runs ({largest}); more than {rules.times_the_largest:g} times is "
            "unusual."
        )
    return found


def smaller_chunk(size: int) -> int:
    """How many reports to try where a chunk of `size` can't be deleted; 0 if it was one alone."""
    return size // 8 or (1 if size > 1 else 0)


def larger_chunk(size: int, largest: int) -> int:
    """How many to try after a chunk that could be."""
    return min(size * 8, largest)
