"""The page of a report: what a person looks for is there, and a sender's text stays text."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from typing_extensions import override

from policies.attestation import ReportFacts
from policies.report_markdown import ROWS, report_markdown
from tests.support.reports import PREDECESSOR

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_RENDERER = MarkdownIt("gfm-like")
_OURS = {"h1", "h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "hr"}
_texts = st.lists(
    st.sampled_from(
        [*"ab1.)(][!*_`~<>&|#+-=:/@\\\"' \n\t", "http://", "www.", "a@b.de", "<b>", "##"]
    ),
    min_size=1,
    max_size=12,
).map("".join)
_reports = st.fixed_dictionaries(
    {
        "status": st.dictionaries(
            _texts, st.sampled_from(["pass", "warn", "fail", "na"]), max_size=4
        )
    },
    optional={
        "stream": _texts,
        "source": st.fixed_dictionaries({"tool": _texts}, optional={"version": _texts}),
        "run": st.fixed_dictionaries({}, optional={"id": _texts, "url": _texts, "branch": _texts}),
        "notes": st.lists(_texts, max_size=4),
        "diff": st.fixed_dictionaries(
            {
                "summary": st.lists(
                    st.fixed_dictionaries(
                        {
                            "id": _texts,
                            "trend": st.sampled_from(["up", "down", "flat"]),
                            "deltaPct": st.floats(-1e12, 1e12),
                        }
                    ),
                    max_size=2,
                )
            }
        ),
        "policy": st.fixed_dictionaries(
            {
                "evaluations": st.lists(
                    st.fixed_dictionaries(
                        {
                            "rule_id": _texts,
                            "target": _texts,
                            "verdict": st.sampled_from(["pass", "warn", "block"]),
                            "severity": st.sampled_from(["info", "warn", "block"]),
                            "message": _texts,
                        }
                    ),
                    max_size=4,
                )
            }
        ),
    },
)


class _Page(HTMLParser):
    """The tags of a rendered page and its text, by cell or paragraph."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.texts.append("")

    @override
    def handle_data(self, data: str) -> None:
        self.texts.append((self.texts.pop() if self.texts else "") + data)


def _page(report: dict[str, Any], severity: str = "warn") -> str:
    facts = ReportFacts("acme", "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11", _NOON, severity)
    return report_markdown(facts, report)


def _rendered(report: dict[str, Any]) -> _Page:
    page = _Page()
    page.feed(_RENDERER.render(_page(report)))
    return page


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@given(_reports)
def test_senders_text_becomes_no_link_heading_list_or_html(report: dict[str, Any]) -> None:
    page = _rendered(report)
    assert set(page.tags) <= {*_OURS, "code"}
    assert page.tags.count("h1") == 1
    assert page.tags.count("ul") == bool(report.get("notes"))
    assert page.tags.count("li") == len(report.get("notes", []))
    # Code is what we write ourselves: the id, and the names of the file and of a field.
    assert page.tags.count("code") == 2


@given(_reports)
def test_senders_text_is_shown_as_it_was_sent(report: dict[str, Any]) -> None:
    shown = "\n".join(_line(text) for text in _rendered(report).texts)
    wanted = [*report["status"], *report.get("notes", [])]
    for one in report.get("policy", {}).get("evaluations", []):
        if one["verdict"] != "pass":
            wanted += [one["rule_id"], one["target"], one["message"]]
    for text in wanted:
        assert _line(text) in shown


def test_report_of_the_predecessor_reads_well() -> None:
    page = _page(PREDECESSOR, "block")
    assert page.startswith("# Quality report\n\n❌ **Blocked**")
    assert "1 failed, 1 warned, 3 passed, 1 not run." in page
    checks = page.partition("## Checks")[2].partition("## Rules")[0]
    assert checks.index("lighthouse") < checks.index("observability") < checks.index("api")


def test_lists_that_end_early_say_by_how_much() -> None:
    evaluation = {"rule_id": "r", "target": "t", "verdict": "warn", "severity": "warn"}
    report: dict[str, Any] = {
        "status": {f"check-{number}": "pass" for number in range(ROWS + 3)},
        "policy": {"evaluations": [evaluation] * (ROWS + 20)},
        "notes": ["note"] * (ROWS + 1),
    }
    page = _page(report)
    assert re.findall(r"… and (\d+) more in `qc_report.json`", page) == ["3", "20", "1"]
    policy = {"evaluations": [evaluation] * (ROWS + 20), "topN": ROWS + 15}
    assert "… and 5 more" in _page({**report, "policy": policy})


def test_long_text_says_what_was_left_out_of_the_line() -> None:
    page = _page({"status": {}, "notes": ["x" * 700]})
    assert "… (100 characters more)" in page


def test_rules_that_all_passed_are_counted() -> None:
    one = {"rule_id": "r", "target": "t", "verdict": "pass", "severity": "block"}
    page = _page({"status": {}, "policy": {"evaluations": [one, one]}}, "info")
    assert "2 evaluated, 2 passed." in page
    assert "| Verdict |" not in page


def test_every_example_of_the_contract_makes_a_page() -> None:
    reports: list[dict[str, Any]] = [{"status": {}}, {**PREDECESSOR, "raw": None}]
    for report in reports:
        assert _page(json.loads(json.dumps(report))).endswith("stored.\n")
