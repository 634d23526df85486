"""Bounds and status of an assembled report, and the shortening of what is too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats import assembly as assembly_module
from formats.assembly import ReportAssembly
from formats.document import (
    MAX_MESSAGE,
    MAX_NOTES,
    MAX_RULE_ID,
    MAX_SUMMARY_ITEMS,
    Severity,
    Verdict,
)
from formats.errors import TranslationError
from formats.shortening import shorten_identifier, shorten_message
from tests.formats.expectations import assert_within_contract, evaluations_of

_SEVERITY: dict[Verdict, Severity] = {"pass": "info", "warn": "warn", "block": "block"}


def assembly_of(*verdicts: Verdict) -> ReportAssembly:
    assembly = ReportAssembly()
    for verdict in verdicts:
        assembly.evaluate("rule", "target", verdict, _SEVERITY[verdict], "message")
    return assembly


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["pass"], "pass"),
        (["pass", "warn", "pass"], "warn"),
        (["block", "warn", "pass"], "fail"),
        (["warn", "block"], "fail"),
    ],
)
def test_status_of_a_target_is_its_worst_verdict(verdicts: list[Verdict], status: str) -> None:
    report = assembly_of(*verdicts).document("tool")
    assert_within_contract(report)
    assert report["status"] == {"target": status}


def test_target_without_evaluations_is_not_applicable_only_while_it_has_none() -> None:
    assembly = assembly_of("warn")
    assembly.check_without_evaluations("target")
    assembly.check_with_nothing_found("target")
    assembly.check_without_evaluations("other")
    assembly.check_with_nothing_found("clean")
    report = assembly.document("tool")
    assert report["status"] == {"target": "warn", "other": "na", "clean": "pass"}


def test_everything_over_its_bound_is_shortened_and_noted() -> None:
    assembly = ReportAssembly()
    for ending in "ab":
        assembly.evaluate("r" * 1_000 + ending, "t" * 1_000 + ending, "pass", "info", "m" * 10_000)
    assembly.summarise("s" * 1_000, 1)
    assembly.note("n" * 10_000)
    report = assembly.document("o" * 1_000, "v" * 1_000, "p" * 1_000)
    assert_within_contract(report)
    assert len({item["rule_id"] for item in evaluations_of(report)}) == 2
    assert len(report["status"]) == 2
    assert report["notes"][1:] == [
        "3 messages were longer than 8192 characters and are shortened where marked.",
        "8 names were over their length limit and end in ~ and a digest of the whole.",
    ]


def test_names_to_filter_by_stand_on_one_line() -> None:
    report = assembly_of("pass").document(" one\r\ntool\x7f ", "1", "policy\t7")
    assert_within_contract(report)
    assert report["source"]["tool"] == "one tool"
    assert report["policy"]["policy_version"] == "policy 7"
    assert assembly_of("pass").document("\x7f")["source"]["tool"] == "(unnamed tool)"
    assert "policy_version" not in assembly_of("pass").document("tool", None, "\n")["policy"]


def test_too_many_notes_or_summary_items_are_refused_by_their_number() -> None:
    noted, summarised = assembly_of("pass"), assembly_of("pass")
    for _ in range(MAX_NOTES):
        noted.note("note")
        summarised.summarise("item", 1)
    noted.document("tool")
    summarised.document("tool")
    noted.note("note")
    summarised.summarise("item", 1)
    for assembly, limit in ((noted, MAX_NOTES), (summarised, MAX_SUMMARY_ITEMS)):
        with pytest.raises(TranslationError) as raised:
            assembly.document("tool")
        assert (raised.value.limit, raised.value.actual) == (limit, limit + 1)


def test_messages_together_are_bounded() -> None:
    assembly = ReportAssembly()
    fitting = assembly_module.MAX_MESSAGE_CHARACTERS // MAX_MESSAGE
    for _ in range(fitting):
        assembly.evaluate("rule", "target", "pass", "info", "m" * MAX_MESSAGE)
    with pytest.raises(TranslationError) as raised:
        assembly.evaluate("rule", "target", "pass", "info", "m")
    assert raised.value.limit == assembly_module.MAX_MESSAGE_CHARACTERS


def test_notes_of_counts_are_worded_for_one_and_many_and_left_out_for_none() -> None:
    assembly = assembly_of("pass")
    for count in (0, 1, 2):
        assembly.note_count(count, "thing is.", "things are.")
    assert assembly.document("tool")["notes"] == ["1 thing is.", "2 things are."]


@given(st.text(), st.integers(17, 60))
def test_identifier_stays_within_its_limit_and_unchanged_when_it_fits(
    text: str, limit: int
) -> None:
    short = shorten_identifier(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    else:
        assert short.startswith(text[: limit - 17])
        assert len(short) == limit


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_long_identifiers_stay_different(first: str, second: str) -> None:
    shared = "x" * MAX_RULE_ID
    same = shorten_identifier(shared + first, MAX_RULE_ID) == shorten_identifier(
        shared + second, MAX_RULE_ID
    )
    assert same == (first == second)


@given(st.integers(0, 300), st.integers(200, 250))
def test_shortened_message_accounts_for_every_character(length: int, limit: int) -> None:
    text = "".join(chr(0x4E00 + number) for number in range(length))
    short = shorten_message(text, limit)
    assert len(short) <= limit
    if length <= limit:
        assert short == text
        return
    head, _, rest = short.partition("\n… [")
    left_out, _, tail = rest.partition(" characters left out] …\n")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + int(left_out) + len(tail) == length
    assert len(head) >= 3 * len(tail)


def test_notes_past_the_limit_are_counted_and_refused_by_their_number() -> None:
    assembly = ReportAssembly()
    for number in range(MAX_NOTES + 3):
        assembly.note(str(number))
    with pytest.raises(TranslationError) as raised:
        assembly.document("tool")
    assert (raised.value.limit, raised.value.actual) == (MAX_NOTES, MAX_NOTES + 3)


def test_shared_text_is_shortened_with_room_to_spare_and_counted() -> None:
    assembly = ReportAssembly()
    assert assembly.shorten("a" * MAX_MESSAGE, 100) == "a" * MAX_MESSAGE
    assert len(assembly.shorten("a" * (MAX_MESSAGE + 1), 100)) <= MAX_MESSAGE - 100
    assert "1 message was longer" in assembly.document("tool")["notes"][0]
