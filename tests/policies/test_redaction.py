"""What redaction leaves of a document: no secret, no loss, and the same again when done twice."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.redaction import OWN_KEY, Redactor, RefusedText
from policies.redaction_fields import field_of
from policies.redaction_rules import Rule
from policies.redaction_search import JoinedTexts, between
from tests.support.redaction import entries, made_up_secrets, redactor, rules
from tests.support.reports import PREDECESSOR

_SECRETS = list(made_up_secrets())
_MEMBERS = [
    (name, "".join(parts)) for rule in entries() if "key" in rule for name, *parts in rule["hits"]
]
_TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
_PIECES = st.one_of(
    _TEXTS, st.sampled_from([text for _, text in _SECRETS]), st.sampled_from([" ", "\n", "'", '"'])
)
_MIXED = st.lists(_PIECES, max_size=5).map("".join)
_DOCUMENTS = st.recursive(
    st.one_of(_MIXED, st.integers(), st.floats(allow_nan=False), st.none(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_MIXED, inner, max_size=4)
    ),
    max_leaves=12,
)
_PLAIN = Redactor(rules())
_CARD = 4111_1111_1111_1111


def _raw(document: Any) -> dict[str, Any]:
    return {"status": {"api": "pass"}, "raw": {"x": document}}


def _marks(text: str) -> int:
    return text.count("[redacted:")


@pytest.mark.parametrize(("rule_id", "secret"), _SECRETS)
def test_each_made_up_secret_is_gone_wherever_it_stands(rule_id: str, secret: str) -> None:
    report = {
        "status": {secret[:256]: "pass"},
        "notes": [f"see: {secret}", secret],
        "markdown": f"# QC\n\n{secret}\n\nend",
        "policy": {
            "evaluations": [
                {"rule_id": "r", "target": "t", "verdict": "warn", "severity": "warn"}
                | {"message": f"({secret})"}
            ]
        },
        "raw": {"deep": [{secret: {"k": [secret]}}]},
    }
    redaction = redactor().redact(report)
    assert redaction.counts
    assert secret not in json.dumps(redaction.document, ensure_ascii=False)
    assert _PLAIN.redact(redaction.document).document == redaction.document


def test_report_without_a_secret_is_the_very_same_object() -> None:
    redaction = redactor().redact(PREDECESSOR)
    assert redaction.document is PREDECESSOR
    assert (dict(redaction.counts), redaction.share) == ({}, 0.0)


def _text(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


@settings(max_examples=500, deadline=None)
@given(_DOCUMENTS)
def test_text_that_is_clean_is_of_a_document_in_which_nothing_is_redacted(document: Any) -> None:
    if _PLAIN.is_clean(_text(document)):
        assert _PLAIN.redact(document).document is document


@pytest.mark.parametrize(("rule_id", "secret"), _SECRETS)
def test_text_with_a_made_up_secret_is_not_clean_wherever_it_stands(
    rule_id: str, secret: str
) -> None:
    for document in ({"x": secret}, {"x": [f"({secret})"]}, {secret: 1}, [f"a\n{secret}\nb"]):
        assert not _PLAIN.is_clean(_text(document)), document


def test_text_of_a_report_without_a_secret_is_clean() -> None:
    assert redactor().is_clean(_text(PREDECESSOR))
    assert redactor().is_clean(_text([PREDECESSOR] * 10), "a key that no report has")


def test_text_with_the_senders_key_is_not_clean() -> None:
    key = "correct horse battery"
    assert not _PLAIN.is_clean(_text({"k": f"is {key}"}), key)
    assert not _PLAIN.is_clean(_text({"k": f'is {key}"'}), f'{key}"')


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, "".join(parts))
        for each in entries()
        if "key" in each
        for name, *parts in each["hits"]
    ],
)
def test_text_with_a_member_whose_name_a_rule_is_for_is_not_clean(name: str, value: str) -> None:
    assert _PLAIN.redact({"deep": [{name: value}]}).counts
    for within in ([value], [[value]], value):
        assert not _PLAIN.is_clean(_text({"deep": [{name: within}]}))


@given(st.integers(min_value=0, max_value=10**19), st.booleans())
def test_long_number_is_not_clean_where_it_is_no_text(number: int, is_negative: bool) -> None:
    sent = -number if is_negative else number
    for document in (sent, [0, sent], [sent], {"x": sent}):
        if _PLAIN.is_clean(_text(document)):
            assert _PLAIN.redact(document).document is document
            assert abs(number) < 10**12


@settings(deadline=None)
@given(_DOCUMENTS)
def test_redacting_twice_changes_nothing_more(document: Any) -> None:
    once = _PLAIN.redact(document).document
    again = _PLAIN.redact(once)
    assert again.document is once, again.counts


@settings(deadline=None)
@given(_DOCUMENTS)
def test_counts_are_the_marks_and_the_share_is_of_all_characters(document: Any) -> None:
    redaction = _PLAIN.redact(document)
    marks = _marks(json.dumps(redaction.document)) - _marks(json.dumps(document))
    assert sum(redaction.counts.values()) == marks
    assert 0 <= redaction.share <= 1
    assert (redaction.share > 0) == bool(redaction.counts)


@settings(deadline=None)
@given(_DOCUMENTS)
def test_nothing_but_texts_and_long_numbers_changes(document: Any) -> None:
    assert _shape(_PLAIN.redact(document).document) == _shape(document)


def _shape(node: Any) -> Any:
    if isinstance(node, dict):
        return ["object", *(_shape(each) for each in node.values())]
    if isinstance(node, list):
        return [_shape(each) for each in node]
    is_text = isinstance(node, str) or (type(node) is int and abs(node) >= 10**12)
    return "text" if is_text else node


@settings(deadline=None)
@given(st.dictionaries(_MIXED, st.integers(min_value=0, max_value=9), max_size=6))
def test_equal_objects_stay_equal_whatever_order_their_members_came_in(
    members: dict[str, int],
) -> None:
    turned = dict(reversed(members.items()))
    assert _PLAIN.redact(members).document == _PLAIN.redact(turned).document


def test_members_whose_names_become_the_same_are_all_kept() -> None:
    people = {f"{name}@example.com": name for name in ("kim", "lee", "park")}
    kept = _PLAIN.redact({**people, "[redacted:email]": "sent"}).document
    assert sorted(kept.values()) == ["kim", "lee", "park", "sent"]
    assert set(kept) == {
        "[redacted:email]",
        "[redacted:email] (2)",
        "[redacted:email] (3)",
        "[redacted:email] (4)",
    }


def test_a_check_and_the_target_that_names_it_stay_the_same_check() -> None:
    who = "kim@example.com"
    evaluation = {"rule_id": "r", "target": who, "verdict": "block", "severity": "block"}
    report = {"status": {who: "fail"}, "policy": {"evaluations": [evaluation]}}
    kept = redactor().redact(report).document
    [check] = kept["status"]
    assert kept["policy"]["evaluations"][0]["target"] == check


@pytest.mark.parametrize(
    ("field", "report"),
    [
        ("/stream", {"stream": "team/kim@example.com"}),
        ("/source/tool", {"source": {"tool": "kim@example.com"}}),
        ("/policy/policy_version", {"policy": {"policy_version": "kim@example.com"}}),
    ],
)
def test_a_secret_that_reports_are_looked_up_by_is_refused_where_it_stands(
    field: str, report: dict[str, Any]
) -> None:
    with pytest.raises(RefusedText) as refused:
        redactor().redact({"status": {}, **report})
    assert (refused.value.pointer, refused.value.rule_id) == (field, "email")
    assert "kim" not in str(refused.value)


@pytest.mark.parametrize(
    ("where", "limit"), [("message", 8192), ("target", 1024), ("rule_id", 512)]
)
def test_a_text_at_its_limit_gets_short_marks_rather_than_grow(where: str, limit: int) -> None:
    evaluation = {"rule_id": "r", "target": "t", "verdict": "warn", "severity": "warn"}
    text = "a@b.kr " + "x" * (limit - 7)
    report = {"status": {}, "policy": {"evaluations": [{**evaluation, where: text}]}}
    redaction = redactor().redact(report)
    kept = redaction.document["policy"]["evaluations"][0][where]
    assert kept == "*** " + "x" * (limit - 7)
    assert dict(redaction.counts) == {"email": 1}


def test_names_at_their_limit_get_short_marks_and_numbers_where_there_is_room() -> None:
    end = "x" * 245
    report = {"status": {f"a@b.kr {end}": "pass", f"c@d.kr {end}": "warn"}}
    kept = redactor().redact(report).document["status"]
    assert kept == {f"*** {end}": "pass", f"*** {end} (2)": "warn"}


def test_names_that_no_mark_fits_into_are_refused() -> None:
    end = "x" * 249
    report = {"status": {f"a@b.kr {end}": "pass", f"c@d.kr {end}": "warn"}}
    with pytest.raises(RefusedText) as refused:
        redactor().redact(report)
    assert (refused.value.pointer, refused.value.rule_id) == ("/status", "email")


def test_a_run_url_loses_its_credentials_and_stays_one() -> None:
    url = "https://ci:" + "x9K2mQ7v@ci.example/runs/1?token=" + "9fK2mQ7xLw4vTz8R&page=2"
    kept = redactor().redact({"status": {}, "run": {"url": url}}).document["run"]["url"]
    assert kept == (
        "https://[redacted:url-credentials]@ci.example/runs/1"
        "?token=[redacted:url-secret-parameter]&page=2"
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (_CARD, "[redacted:card-number]"),
        (9001011234568, "[redacted:korean-resident-number]"),
        (1735689600123, 1735689600123),
        (1735689600123456, 1735689600123456),
        (9007199254740993, 9007199254740993),
        (12, 12),
    ],
)
def test_a_number_that_is_a_persons_is_replaced_in_raw(number: int, expected: Any) -> None:
    assert redactor().redact(_raw(number)).document["raw"]["x"] == expected


def test_a_number_of_a_declared_field_stays_a_number() -> None:
    entry = {"id": "lcp", "trend": "up", "deltaPct": 999999999999}
    report = {"status": {}, "diff": {"summary": [entry]}, "raw": {"card": _CARD}}
    assert redactor().redact(report).document["diff"]["summary"] == [entry]


@pytest.mark.parametrize(
    ("name", "value", "rule_id"),
    [
        ("DB_PASSWORD", "correcthorse", "password-member"),
        ("adminPassword", 82716450, "password-member"),
        ("api_key", "9fK2mQ7x" + "Lw4vTz8Rb3Nc", "secret-member"),
        ("phone", 821029384756, "person-number-member"),
        ("주민등록번호", 9001011234567, "person-number-member"),
    ],
)
def test_the_value_of_a_member_of_a_telling_name_is_replaced(
    name: str, value: str | int, rule_id: str
) -> None:
    redaction = redactor().redact({"status": {}, "raw": {"env": {name: value, "os": "linux"}}})
    assert redaction.document["raw"]["env"] == {name: f"[redacted:{rule_id}]", "os": "linux"}
    assert dict(redaction.counts) == {rule_id: 1}


def test_a_check_of_a_telling_name_keeps_its_outcome() -> None:
    report = {"status": {"login-password": "pass", "token": "fail"}}
    assert redactor().redact(report).document == report


def test_what_a_first_hit_hid_is_found_too() -> None:
    numbers = " ".join(f"010-2938-47{place:02}" for place in range(9))
    redaction = _PLAIN.redact({"x": numbers})
    assert redaction.document == {"x": " ".join(["[redacted:phone]"] * 9)}
    assert dict(redaction.counts) == {"phone": 9}


def test_the_more_telling_rule_names_what_both_would_hit() -> None:
    token = "ghp_" + "9fK2mQ7xLw4vTz8Rb3Nc6Yd1Jh5Ps0GaUeIo"
    for text in (f"token={token}", f"https://x:{token}@github.example/r.git", f"Bearer {token}"):
        assert "github-token" in _PLAIN.redact(text).counts, text


def test_time_grows_with_the_text_and_no_faster() -> None:
    piece = "eyJhbGciOiJI -----BEGIN RSA PRIVATE KEY----- a@a@a. 4111-1111 password=: token:token: "
    times = []
    for repeated in (1_000, 16_000):
        text = {"x": piece * repeated}
        started = time.perf_counter()
        _PLAIN.redact(text)
        times.append(time.perf_counter() - started)
    # 16 times the text; a quadratic engine would take 256 times as long.
    assert times[1] < 80 * times[0]


def test_a_schema_that_refers_to_itself_is_refused() -> None:
    schemas = {"Node": {"type": "object", "properties": {"next": {"$ref": "#/x/Node"}}}}
    with pytest.raises(ValueError, match="refers to itself"):
        field_of(schemas, "Node")


@settings(deadline=None)
@given(st.lists(_MIXED, max_size=6), st.sampled_from(rules().texts))
def test_texts_searched_together_have_the_hits_that_each_has_alone(
    texts: list[str], rule: Rule
) -> None:
    alone = {place: between(text, list(rule.hits(text))) for place, text in enumerate(texts)}
    together = JoinedTexts(texts).hits(rule)
    assert together == {place: pieces for place, pieces in alone.items() if len(pieces) > 1}


@settings(deadline=None)
@given(st.lists(st.sampled_from([text for _, text in _SECRETS]), min_size=2, max_size=4))
def test_secrets_beside_each_other_are_hit_as_each_is_alone(texts: list[str]) -> None:
    for rule in rules().texts:
        together = JoinedTexts(texts).hits(rule)
        for place, text in enumerate(texts):
            assert bool(together.get(place)) == any(rule.hits(text)), (rule.id, text)


def test_the_senders_own_key_is_taken_out_whatever_it_looks_like() -> None:
    key = "correct horse battery"
    report = {"status": {f"is {key}": "pass"}, "notes": [f"{key},{key}"], "raw": {"k": key}}
    redaction = redactor().redact(report, key)
    assert key not in json.dumps(redaction.document)
    assert dict(redaction.counts) == {OWN_KEY: 4}
    assert redactor().rule_that_hits(f"run {key}", key) == OWN_KEY
    assert redactor().redact(report, "another key of the tenant").document is report


def test_a_key_of_few_characters_is_left_among_the_words_it_may_be() -> None:
    report = {"status": {"operator": "pass"}}
    assert redactor().redact(report, "operator").document is report
