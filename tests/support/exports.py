"""Exports as tests ask for them and get them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.client import Answer, Callers, Client


def window() -> dict[str, str]:
    """From yesterday to tomorrow: whatever a test has just stored."""
    now = datetime.now(UTC)
    day = timedelta(days=1)
    return {"since": (now - day).isoformat(), "until": (now + day).isoformat()}


def ask(client: Client, **more: Any) -> Answer:
    return client.post_json("/exports", {**window(), "format": "ndjson", **more})


def asked(client: Client, **more: Any) -> str:
    """The id of an export that must be taken."""
    answer = ask(client, **more)
    assert answer.status == 202, answer.content
    export_id: str = answer.json["id"]
    return export_id


def look(client: Client, export_id: str) -> dict[str, Any]:
    answer = client.get(f"/exports/{export_id}")
    assert answer.status == 200, answer.content
    told: dict[str, Any] = answer.json
    return told


def written(callers: Callers, **more: Any) -> dict[str, Any]:
    """An auditor's export that is done."""
    auditor = callers.by_role["auditor"]
    export_id = asked(auditor, **more)
    auditor.have_work_done()
    told = look(auditor, export_id)
    assert told["status"] == "done", told
    return told
