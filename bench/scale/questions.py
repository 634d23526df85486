"""What is asked of each size, as paths of the API. Sends nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlencode

from bench.scale.fill import WEEKS, Size
from bench.workload import PAGE, TENANT
from db.ids import first_id_at
from policies.paging import seal

Kind = Literal["single filter", "no match", "two filters", "other"]
Filters = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request. `rows` is what the page must hold at every size; None where that differs."""

    name: str
    path: str
    kind: Kind
    rows: int | None = None


_SINGLE: Final[Mapping[str, Filters]] = {
    "no filter": {},
    "severity, 2 %": {"severity": ["block"]},
    "source, 2.5 %": {"source": "source-19"},
    "stream, 0.6 %": {"stream": "service-79/main"},
    "policy_version, this week's": {"policy_version": "2026.11"},
    "policy_version, 12 weeks old": {"policy_version": "2026.0"},
}
_DEEP: Final[Mapping[str, Filters]] = {
    "no filter": {},
    "severity, 2 %": {"severity": ["block"]},
    "source, 2.5 %": {"source": "source-19"},
    "stream, 11 %": {"stream": "service-0/main"},
    "policy_version, 12 weeks old": {"policy_version": "2026.0"},
}
_NO_MATCH: Final[Mapping[str, Filters]] = {
    "source": {"source": "nobody"},
    "stream": {"stream": "nothing/main"},
    "policy_version": {"policy_version": "never"},
    "a window before everything": {"until": "2020-01-01T00:00:00Z"},
}
_TWO: Final[Mapping[str, Filters]] = {
    "two severities, 16 %": {"severity": ["warn", "block"]},
    "severity and source": {"severity": ["block"], "source": "source-3"},
    "severity and a rare stream": {"severity": ["block"], "stream": "service-79/main"},
    "source and policy_version": {"source": "source-19", "policy_version": "2026.11"},
    "stream and an old policy_version": {
        "stream": "service-79/main",
        "policy_version": "2026.0",
    },
    "severity and source that never meet": {"severity": ["block"], "source": "source-7"},
}


def questions(size: Size, report_id: str) -> list[Question]:
    """All, in the same order for every size. `report_id` is of a report that can be read."""
    week = _window(size, timedelta(days=7))
    day = _window(size, timedelta(days=1))
    never: Filters = {**_TWO["severity and source that never meet"], **day}
    return [
        *(_page(f"{name}, first page", "single filter", f, PAGE) for name, f in _SINGLE.items()),
        _page("a week of time, first page", "single filter", week, PAGE),
        *(
            _page(f"{name}, from the middle on", "single filter", f, PAGE, _middle(size, f))
            for name, f in _DEEP.items()
        ),
        *(_page(f"{name}: none", "no match", filters, 0) for name, filters in _NO_MATCH.items()),
        *(_page(name, "two filters", filters, None) for name, filters in _TWO.items()),
        _page("the same two within a day", "two filters", never, 0),
        _page("no filter, with total", "other", {"include_total": "true"}, PAGE),
        _page(
            "severity, with total", "other", {"severity": ["block"], "include_total": "true"}, PAGE
        ),
        Question(name="timeline of 24 h", path="/timeline?window_h=24", kind="other"),
        Question(name="timeline of 720 h", path="/timeline?window_h=720", kind="other"),
        Question(name="one report by id", path=f"/reports/{report_id}", kind="other"),
    ]


def _page(
    name: str, kind: Kind, filters: Filters, rows: int | None, token: str | None = None
) -> Question:
    sent = {**filters, "limit": str(PAGE), **({"page_token": token} if token else {})}
    return Question(name=name, path=f"/reports?{urlencode(sent, doseq=True)}", kind=kind, rows=rows)


def _middle(size: Size, filters: Filters) -> str:
    """The token of a page that begins halfway through all that the filters leave."""
    span = size.end - size.start
    # The oldest version's reports are all of the first week.
    share = 0.5 / WEEKS if "policy_version" in filters else 0.5
    cursor = str(first_id_at(size.start + span * share))
    canonical = json.dumps(filters, sort_keys=True, separators=(",", ":"))
    return seal("list_reports", TENANT, canonical, cursor)


def _window(size: Size, length: timedelta) -> dict[str, str]:
    middle = size.start + (size.end - size.start) / 2
    return {
        "since": middle.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "until": (middle + length).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
