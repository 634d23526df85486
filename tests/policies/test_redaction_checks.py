"""The tests behind the rules: numbers of cards and people, and what a machine has made."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import redaction_checks as checks
from tests.support.redaction import redactor, rules

_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BIRTHDAYS = st.dates(date(1930, 1, 1), date(2026, 12, 31))
_SERIALS = st.from_regex(r"\A[0-9]{6}\Z")


def _resident(born: date, sex: str, serial: str) -> str:
    return f"{born:%y%m%d}{sex if born.year < 2000 else int(sex) + 2}{serial}"


def _is_hit(rule_id: str, text: str) -> bool:
    [rule] = [each for each in rules().texts if each.id == rule_id]
    return any(rule.hits(text))


def _luhn(digits: str) -> str:
    total = 0
    for place, each in enumerate(reversed(digits)):
        doubled = int(each) * 2 if place % 2 == 0 else int(each)
        total += doubled - 9 if doubled > 9 else doubled
    return digits + str(-total % 10)


@settings(deadline=None)
@given(st.from_regex(r"\A4[0-9]{14}\Z"))
def test_one_of_ten_digits_makes_a_card_number(body: str) -> None:
    right = _luhn(body)
    taken = [digit for digit in "0123456789" if checks.card(body + digit)]
    assert taken == [right[-1]]
    grouped = f"{right[:4]}-{right[4:8]}-{right[8:12]}-{right[12:]}"
    assert checks.card(grouped)


@pytest.mark.parametrize(
    "text",
    [
        "1735689600123456",  # microseconds since 1970
        "9111111111111111",  # no issuer's
        "4111 11111111 1111",  # not as on a card
        "0000 0000 0000 0000",
        "411111111111111",
    ],
)
def test_digits_of_another_kind_are_no_card(text: str) -> None:
    assert not checks.card(text)


@settings(deadline=None)
@given(_BIRTHDAYS, _SERIALS, st.sampled_from("1256"))
def test_any_hyphenated_number_with_a_birthday_is_a_residents(
    born: date, serial: str, sex: str
) -> None:
    number = _resident(born, sex, serial)
    assert checks.korean_resident_number(f"{number[:6]}-{number[6:]}")


@settings(deadline=None)
@given(_BIRTHDAYS, _SERIALS, st.sampled_from("12"))
def test_thirteen_digits_in_a_row_are_one_only_with_the_right_check_digit(
    born: date, serial: str, sex: str
) -> None:
    body = _resident(born, sex, serial)[:12]
    taken = [digit for digit in "0123456789" if checks.korean_resident_number(body + digit)]
    weighed = sum(int(each) * weight for each, weight in zip(body, _WEIGHTS, strict=True))
    right = str((11 - weighed % 11) % 10)
    assert taken == ([] if "10" <= body[:2] <= "21" else [right])


@settings(deadline=None)
@given(st.datetimes(datetime(2001, 9, 10), datetime(2039, 1, 1), timezones=st.just(UTC)))
def test_milliseconds_since_1970_are_nobodys_number(moment: datetime) -> None:
    text = str(int(moment.timestamp() * 1000))
    assert not _is_hit("korean-resident-number", text)
    assert not _is_hit("card-number", text)
    assert not _is_hit("phone", text)


@pytest.mark.parametrize("day", ["990001", "991301", "990230", "990132", "210229"])
def test_no_day_of_the_calendar_no_resident(day: str) -> None:
    sex = "3" if day.startswith("21") else "1"
    assert not _is_hit("korean-resident-number", f"{day}-{sex}234567")


@settings(deadline=None)
@given(st.uuids(), st.binary(min_size=20, max_size=32))
def test_identifiers_and_digests_are_nobodys_number(identifier: UUID, digest: bytes) -> None:
    for text in (str(identifier), identifier.hex, digest.hex(), f"sha256:{digest.hex()}"):
        assert not redactor().rule_that_hits(text), text


@pytest.mark.parametrize(
    ("text", "is_random"),
    [
        ("4f2a9c1b7d3e8f605a1b", True),
        ("9fK2mQ7xLw4vTz8R", True),
        ("9fK2mQ7xLw4vTz8", False),
        ("my-application-secret-v2", False),
        ("unexpected-end-of-file", False),
        ("settings.module_2.value_3.name_4", False),
        ("${SECRET_1_A_2_B_3_C}", False),
        ("xxx1x2x3x4x5x6x7x8", False),
    ],
)
def test_only_letters_and_digits_in_turns_look_made_by_a_machine(
    text: str, is_random: bool
) -> None:
    assert checks.random(text) == is_random
