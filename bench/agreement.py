"""Asks the service and its peers the same before anything is measured: they must agree.

Bodies are compared where they can be equal; of errors, status and media type alone. Stock
Connexion says 400 where the contract says 422, and has no limit to a body's size.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from bench.processes import BenchError, Server
from bench.workload import OPERATOR_KEY, PAGE, REPORT, VIEWER_KEY, headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request. `ignored` are members of the answer that differ between any two requests."""

    method: str = "GET"
    path: str = f"/reports?limit={PAGE}"
    headers: dict[str, str] = field(default_factory=headers)
    content: bytes | None = None
    ignored: tuple[str, ...] = ()
    compare: Literal["body", "media type", "status"] = "body"


_JSON = {"Content-Type": "application/json"}
_STRANGER = {"X-Api-Key": "nobody's", "X-Tenant": "bench"}
_FOREIGN = {"X-Api-Key": OPERATOR_KEY, "X-Tenant": "other-1"}
_REPORT = json.dumps(REPORT).encode()


def _refused(**changes: Any) -> Question:
    return Question(**changes, compare="media type")


def _post(content: bytes, **changes: Any) -> Question:
    sent = {**headers(), **_JSON}
    defaults = {"method": "POST", "path": "/ingest/qc", "headers": sent, "content": content}
    return Question(**{**defaults, **changes})


QUESTIONS = {
    "a page": Question(),
    "a page with its count": Question(path="/reports?limit=2&include_total=true"),
    "a filtered page": Question(path="/reports?limit=5&severity=block&source=source-0"),
    "a stream's page": Question(path="/reports?limit=5&stream=service-3/main"),
    "a report": _post(_REPORT, ignored=("id", "duplicate_of")),
    "a batch": _post(
        _REPORT + b'\n{"status":{},"x":1}\n\n{',
        path="/ingest/qc/batch",
        headers={**headers(), "Content-Type": "application/x-ndjson"},
        # Whether the first is a duplicate depends on who was asked first.
        ignored=("created", "duplicates", "outcomes"),
    ),
    "no key": _refused(headers={}),
    "an unknown key": _refused(headers=_STRANGER),
    "another's tenant": _refused(headers=_FOREIGN),
    "a page of no size": _refused(path="/reports?limit=0"),
    "an unknown parameter": _refused(path="/reports?colour=red"),
    "a foreign page token": _refused(path="/reports?page_token=AAAA"),
    "an unknown path": _refused(path="/nowhere"),
    "a viewer's report": _post(
        _REPORT, headers={**headers(VIEWER_KEY), **_JSON}, compare="media type"
    ),
    "an empty report": _post(b"{}", compare="media type"),
    "a report with a member too many": _post(b'{"status":{},"x":1}', compare="media type"),
    # FastAPI refuses it in plain text, before any handler of the application's is asked.
    "a report that is too large": _post(b" " * (10 * 1024 * 1024 + 1), compare="status"),
}


def require_agreement(ours: Server, peers: Sequence[Server], report_id: str) -> None:
    """Raises BenchError that names every question on which they differ."""
    questions = {**QUESTIONS, "one report": Question(path=f"/reports/{report_id}")}
    differing = []
    for name, question in questions.items():
        expected = _ask(ours, question)
        for peer in peers:
            found = _ask(peer, question)
            if found != expected and not _may_differ(peer, question, found[0]):
                differing.append(f"{name}: ours {expected!r:.300}, {peer.name} {found!r:.300}")
    for server in (ours, *peers):
        if finding := _not_conditional(server):
            differing.append(finding)
    if differing:
        raise BenchError("ours and its peers don't agree on:\n  " + "\n  ".join(differing))


def _may_differ(peer: Server, question: Question, status: int) -> bool:
    if peer.name != "connexion":
        return False
    return question.compare == "status" or (question.compare == "media type" and status == 400)


def _ask(server: Server, question: Question) -> tuple[int, str, Any]:
    answer = httpx2.request(
        question.method,
        f"http://127.0.0.1:{server.port}{question.path}",
        headers=question.headers,
        content=question.content,
        timeout=30,
    )
    if question.compare == "status":
        return answer.status_code, "", None
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    body = answer.json() if question.compare == "body" else None
    if isinstance(body, dict):
        # Each binds its page tokens in its own way.
        body = {**body, "next_page_token": bool(body.get("next_page_token"))}
        body = {name: value for name, value in body.items() if name not in question.ignored}
    return answer.status_code, media_type, body


def _not_conditional(server: Server) -> str | None:
    """What is wrong with the server's entity tags, if anything."""
    tag = entity_tag(server, f"/reports?limit={PAGE}")
    url = f"http://127.0.0.1:{server.port}/reports?limit={PAGE}"
    same = httpx2.get(url, headers={**headers(), "If-None-Match": tag}, timeout=30)
    other = httpx2.get(url, headers={**headers(), "If-None-Match": '"other"'}, timeout=30)
    if (same.status_code, other.status_code) == (304, 200) and not same.content:
        return None
    return f"entity tags: {server.name} answered {same.status_code} and {other.status_code}"


def entity_tag(server: Server, path: str) -> str:
    url = f"http://127.0.0.1:{server.port}{path}"
    answer = httpx2.get(url, headers=headers(), timeout=30)
    if answer.status_code != 200 or "etag" not in answer.headers:
        raise BenchError(f"{server.name} answered {answer.status_code} without an entity tag")
    return str(answer.headers["etag"])


def store_one(server: Server) -> str:
    """Has a report stored; its id."""
    url = f"http://127.0.0.1:{server.port}/ingest/qc"
    answer = httpx2.post(url, headers=headers(), json=REPORT, timeout=30)
    if answer.status_code != 201:
        raise BenchError(f"{server.name} answered {answer.status_code} to a report")
    return str(answer.json()["id"])
