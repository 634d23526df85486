"""What is made of many reports at once is what is made of each of them."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.errors import InvalidValue
from handlers.preparation import Preparation, PreparedReport
from tests.support.redaction import made_up_secrets, redactor

_SECRETS = [text for _, text in made_up_secrets()]
_TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(_SECRETS), st.sampled_from(['"', "\n", "\\", "é"])
)
_JUDGEMENTS = st.fixed_dictionaries(
    {
        "rule_id": st.just("r"),
        "target": st.sampled_from(["api", "jwks"]),
        "verdict": st.sampled_from(["pass", "warn", "block"]),
        "severity": st.sampled_from(["info", "warn", "block"]),
    }
)
# Identifiers are never rewritten: a secret in one is refused.
_REPORTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"status": st.dictionaries(st.sampled_from(["api", "ics"]), st.sampled_from(["pass", "na"]))},
    optional={
        "notes": st.lists(_TEXTS, max_size=3),
        "stream": st.one_of(st.just("checkout/main"), st.sampled_from(_SECRETS)),
        "policy": st.fixed_dictionaries({"evaluations": st.lists(_JUDGEMENTS, max_size=3)}),
        "raw": st.dictionaries(_TEXTS, st.one_of(_TEXTS, st.integers(), st.none()), max_size=3),
    },
)
_KEY = "the sender's own key"


def _told(preparation: Preparation, report: dict[str, Any]) -> Any:
    try:
        return preparation.prepare(report, _KEY)
    except InvalidValue as refused:
        return _seen(refused)


def _seen(prepared: PreparedReport | InvalidValue) -> Any:
    if isinstance(prepared, InvalidValue):
        return (prepared.pointer, prepared.keyword, prepared.limit, prepared.detail)
    return prepared


@settings(deadline=None, max_examples=300)
@given(st.lists(_REPORTS, max_size=8))
def test_reports_become_together_what_each_becomes_alone(reports: list[dict[str, Any]]) -> None:
    preparation = Preparation(redactor())
    together = preparation.prepare_each(reports, _KEY)
    assert [_seen(each) for each in together] == [_told(preparation, each) for each in reports]


@settings(deadline=None)
@given(_REPORTS, st.booleans())
def test_nothing_is_told_clean_that_redaction_changes(
    report: dict[str, Any], is_key_sent: bool
) -> None:
    if is_key_sent:
        report = {**report, "markdown": f"made with {_KEY}"}
    found = _told(Preparation(redactor()), report)
    if isinstance(found, PreparedReport):
        redacted = redactor().redact(report, _KEY)
        assert (found.content.redaction is None) == (not redacted.counts)
        assert _KEY not in found.content.document
