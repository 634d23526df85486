"""What retention may delete, what a plan's hash stands for, and which plans warn."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.retention import (
    PlanPart,
    cutoff_at,
    has_expired,
    larger_chunk,
    planned,
    smaller_chunk,
    warnings_of,
)
from policies.retention_rules import RetentionRulesError, WarningRules, load_retention_rules

_CUTOFF = datetime(2026, 10, 1, tzinfo=UTC)
_RULES = WarningRules(from_reports=1000, share_of_all=0.5, times_the_largest=3)
_MOMENTS = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.integers(-14, 14).map(lambda h: timezone(timedelta(hours=h))),
)
_IDS = st.lists(st.uuids(), min_size=1, max_size=20, unique=True).map(sorted)


def _part(ids: list[UUID], month: str = "2026-09", held: int = 0) -> PlanPart:
    digest = hashlib.sha256(b"".join(each.bytes for each in ids)).digest()
    return PlanPart(month, len(ids), held, ids[0], ids[-1], digest)


@given(_MOMENTS, st.integers(1, 3_650))
def test_report_is_kept_for_whole_days_at_least_and_not_two_more(now: datetime, days: int) -> None:
    cutoff = cutoff_at(now, days)
    assert timedelta(days=days) <= now - cutoff < timedelta(days=days + 1)
    assert (cutoff.tzinfo, cutoff.hour, cutoff.minute, cutoff.microsecond) == (UTC, 0, 0, 0)


@given(_IDS, st.data())
def test_hash_is_another_without_any_one_report(ids: list[UUID], data: st.DataObject) -> None:
    whole = planned(_CUTOFF, [_part(ids)])
    left_out = data.draw(st.sampled_from(ids))
    left = [each for each in ids if each != left_out]
    less = planned(_CUTOFF, [_part(left)] if left else [])
    assert whole.hash != less.hash
    assert whole.candidates == less.candidates + 1
    assert planned(_CUTOFF, [_part(ids)]) == whole


@given(_IDS)
def test_hash_is_another_with_another_cutoff(ids: list[UUID]) -> None:
    earlier = planned(_CUTOFF - timedelta(days=1), [_part(ids)])
    assert earlier.hash != planned(_CUTOFF, [_part(ids)]).hash


def test_plan_counts_by_month_and_knows_its_ends() -> None:
    first, second, third = UUID(int=1), UUID(int=2), UUID(int=3)
    plan = planned(
        _CUTOFF,
        [
            PlanPart("2026-07", 0, 5, None, None, None),
            _part([first], "2026-08", held=2),
            _part([second], "2026-08"),
            _part([third], "2026-09"),
        ],
    )
    assert dict(plan.by_month) == {"2026-08": 2, "2026-09": 1}
    assert (plan.candidates, plan.held, plan.first_id, plan.last_id) == (3, 7, first, third)


def test_plan_of_nothing_has_a_hash_and_no_ends() -> None:
    plan = planned(_CUTOFF, [])
    assert (plan.candidates, plan.first_id, plan.last_id, len(plan.hash)) == (0, None, None, 32)


def test_dry_run_can_be_committed_for_a_day() -> None:
    assert not has_expired(_CUTOFF, _CUTOFF + timedelta(hours=24))
    assert has_expired(_CUTOFF, _CUTOFF + timedelta(hours=24, seconds=1))


@pytest.mark.parametrize(
    ("candidates", "everything", "earlier", "warnings"),
    [
        (999, 999, [1], 0),
        (1000, 2000, [], 0),
        (1001, 2000, [], 1),
        (3000, 100_000, [1000, 10], 0),
        (3001, 100_000, [10, 1000], 1),
        (5000, 6000, [1000], 2),
        (5000, 100_000, [0, 0], 0),
    ],
)
def test_plan_warns_of_a_large_share_or_of_many_times_what_was_usual(
    candidates: int, everything: int, earlier: list[int], warnings: int
) -> None:
    assert len(warnings_of(_RULES, candidates, everything, earlier)) == warnings


@given(st.integers(1, 100_000))
def test_chunk_that_fails_shrinks_to_one_report_and_then_to_nothing(size: int) -> None:
    steps = [size]
    while steps[-1]:
        steps.append(smaller_chunk(steps[-1]))
    assert steps == sorted(steps, reverse=True)
    assert steps[-2:] == [1, 0]
    assert len(steps) < 10
    assert larger_chunk(1, size) <= size


_GOOD = """
tenants:
  acme: {days: 400}
warnings: {from_reports: 10, share_of_all: 0.5, times_the_largest: 3}
"""


def test_rules_have_days_by_tenant_and_for_all_others() -> None:
    rules = load_retention_rules(_GOOD, "policy.yaml", 30)
    assert (rules.days_of("acme"), rules.days_of("other"), rules.longest_days) == (400, 30, 400)
    assert rules.warnings == WarningRules(10, 0.5, 3)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("days: 400", "days: 0", 3),
        ("days: 400", "days: 36501", 3),
        ("days: 400", "day: 400", 3),
        ("days: 400", 'days: "400"', 3),
        ("share_of_all: 0.5", "share_of_all: 50", 4),
        ("from_reports: 10, ", "", 4),
        ("  acme: {days: 400}\n", "  acme: {days: 400}\n  acme: {days: 4}\n", 4),
        ("warnings:", "warning:", 2),
        ("tenants:", "tenants: [", 4),
        (_GOOD, "", 1),
    ],
)
def test_each_mistake_in_rules_is_named_by_file_and_line(old: str, new: str, line: int) -> None:
    with pytest.raises(RetentionRulesError) as refused:
        load_retention_rules(_GOOD.replace(old, new), "policy.yaml", 30)
    lines = [told.split(":")[1] for told in str(refused.value).splitlines()]
    assert str(line) in lines, str(refused.value)
