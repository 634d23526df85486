"""What an export may be: limits to the very edge, and names in the store."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import exports as policy

_moments = st.datetimes(datetime(2000, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC))
_lengths = st.timedeltas(timedelta(microseconds=1), policy.LONGEST_WINDOW)


@given(_moments, _lengths)
def test_window_of_up_to_ninety_days_is_taken(since: datetime, length: timedelta) -> None:
    assert policy.check_window(since, since + length) is None


@given(_moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=3000)))
def test_longer_window_is_refused_with_more_days_than_it_may_have(
    since: datetime, beyond: timedelta
) -> None:
    found = policy.check_window(since, since + policy.LONGEST_WINDOW + beyond)
    assert found is not None
    told = float(found.detail.split()[3])
    assert told > policy.LONGEST_WINDOW.days
    assert "an export may have 90" in found.detail


@given(_moments, st.timedeltas(timedelta(0), timedelta(days=3000)))
def test_window_that_ends_before_it_begins_is_refused(since: datetime, back: timedelta) -> None:
    found = policy.check_window(since, since - back)
    assert found is not None
    assert found.pointer == "/until"


@pytest.mark.parametrize(
    ("count", "exact", "told"),
    [
        (1_000_000, True, None),
        (1_000_001, True, "There are 1,000,001 such reports; an export may have 1,000,000."),
        (5_000_000, False, "There are more than 5,000,000 such reports"),
    ],
)
def test_count_over_a_million_is_refused_with_the_count(
    count: int, exact: bool, told: str | None
) -> None:
    found = policy.check_count(count, exact=exact)
    assert (None if found is None else found.detail.startswith(told or "")) in (None, True)
    assert (found is None) == (told is None)


@given(st.text(min_size=1), st.uuids(), st.integers(1, 999_999))
def test_names_in_a_store_tell_the_export_and_never_the_tenant(
    tenant: str, export_id: UUID, number: int
) -> None:
    folder = policy.folder_name(tenant, export_id)
    part = policy.part_name(folder, number)
    file = policy.file_name(folder, "csv", "gzip")
    assert policy.export_id_in(part) == policy.export_id_in(file) == export_id
    assert part.startswith(policy.parts_prefix(folder))
    assert not file.startswith(policy.parts_prefix(folder))
    assert part.isascii()
    assert folder != policy.folder_name(tenant + "x", export_id)


@pytest.mark.parametrize("name", ["", "a", "a/b", "a/b/c", f"{UUID(int=1)}/x", "a/b/c/d"])
def test_what_no_export_has_written_is_told_apart(name: str) -> None:
    assert policy.export_id_in(name) is None
