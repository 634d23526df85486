"""Rules of redaction: each hits what it says; one that can't be right is refused when loaded."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.redaction import OWN_KEY
from policies.redaction_rules import RulesError, is_mark, load_rules, mark_of
from tests.support.redaction import ORDINARY, SOURCE, made_up_secrets, rules

_SECRETS = list(made_up_secrets())


def _rule(**changes: Any) -> dict[str, Any]:
    good = {"id": "a", "title": "A", "pattern": "x+y", "hits": [["x", "y"]], "misses": ["z"]}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def _load(*entries: dict[str, Any], ordinary: str = ORDINARY) -> None:
    load_rules(yaml.safe_dump({"rules": list(entries)}), ordinary)


def test_the_rules_that_come_with_the_program_load_and_leave_ordinary_text_alone() -> None:
    hit = {rule.id: list(rule.hits(ORDINARY)) for rule in rules().texts}
    assert {name: hits for name, hits in hit.items() if hits} == {}
    assert len(rules().texts) + len(rules().members) == len(yaml.safe_load(SOURCE)["rules"])


@pytest.mark.parametrize(("rule_id", "secret"), _SECRETS)
def test_the_search_for_any_rule_finds_what_each_one_hits(rule_id: str, secret: str) -> None:
    joined = "\n".join(("before", secret, "after"))
    assert rule_id in {rule.id for rule in rules().matching(joined.encode())}


@settings(deadline=None)
@given(st.lists(st.sampled_from([secret for _, secret in _SECRETS]), max_size=3), st.text())
def test_a_hit_of_a_text_is_found_in_any_texts_joined_by_line_feeds(
    secrets: list[str], other: str
) -> None:
    for text in (*secrets, other):
        hitting = {rule.id for rule in rules().texts if any(rule.hits(text))}
        joined = "\n".join((other, text, other))
        assert hitting <= {rule.id for rule in rules().matching(joined.encode())}


def test_no_rule_hits_a_mark() -> None:
    ids = [rule.id for rule in rules().texts] + [rule.id for rule in rules().members]
    for mark in map(mark_of, [*ids, OWN_KEY]):
        assert is_mark(mark)
        for text in (mark, f"password: {mark}", f"https://{mark}@host", "***"):
            assert not any(any(each.hits(text)) for each in rules().texts), text


@settings(deadline=None)
@given(st.text())
def test_no_rule_fails_for_any_text(text: str) -> None:
    for rule in rules().texts:
        list(rule.hits(text))
    for member in rules().members:
        member.is_hit(text)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (_rule(id="Bad Id"), "rules/0/id"),
        (_rule(pattern=None), "rules/0"),
        (_rule(key="k"), "rules/0"),
        (_rule(hits=[]), "rules/0/hits"),
        (_rule(hits=[["xy"]]), "rules/0/hits/0"),
        (_rule(misses=None), "rules/0"),
        (_rule(check="nothing"), "rules/0/check"),
        (_rule(colour="red"), "rules/0"),
        (_rule(pattern="(x"), "a: the pattern does not compile: missing )"),
        (_rule(pattern="(?=x)"), "a: the pattern does not compile: invalid perl operator"),
        (_rule(pattern=r"\Axy"), "a: write ^ and $"),
        (_rule(hits=[["z", "z"]]), "a: hits/0 is not hit"),
        (_rule(misses=["z", "xxy"]), "a: misses/1 is hit"),
        (_rule(pattern=r"[\s\S]+", misses=[""]), "a: takes out"),
    ],
)
def test_a_rule_that_cant_be_right_is_refused_with_its_name_and_reason(
    entry: dict[str, Any], said: str
) -> None:
    with pytest.raises(RulesError) as refused:
        _load(entry)
    assert said in str(refused.value)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(RulesError) as refused:
        _load(_rule(), _rule(hits=[["z", "z"]]), _rule(id="b", pattern="(x"))
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == ["a", "a", "b"]


@pytest.mark.parametrize(("letters", "is_taken"), [("abcdefgh", True), ("abcdefghi", False)])
def test_rules_may_take_out_80_percent_of_ordinary_text_and_no_more(
    letters: str, is_taken: bool
) -> None:
    # One rule a letter, each within the limit: it is of all of them together.
    entries = [_rule(id=each, pattern=each, hits=[["", each]], misses=["z"]) for each in letters]
    if is_taken:
        _load(*entries, ordinary="abcdefghij")
    else:
        with pytest.raises(RulesError, match="all rules: take out 9 of 10"):
            _load(*entries, ordinary="abcdefghij")


def test_what_is_no_yaml_or_no_rules_is_refused() -> None:
    for source in ("rules: [", "", "[]", "rules: []", "other: 1"):
        with pytest.raises(RulesError):
            load_rules(source, ORDINARY)
