"""Exports through the API: asked for, written, had, cancelled; what is refused."""

import gzip
import json
from typing import Any

from policies.dsse import parse_envelope
from policies.export_manifest import read_manifest
from tests.support.client import Answer, Callers, Client

_WINDOW = {"since": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}


def _now_window() -> dict[str, str]:
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    return {
        "since": (now - timedelta(days=1)).isoformat(),
        "until": (now + timedelta(days=1)).isoformat(),
    }


def _ask(client: Client, **more: Any) -> Answer:
    return client.post_json("/exports", {**_now_window(), "format": "ndjson", **more})


def test_an_export_has_what_the_api_answers_of_each_report(
    callers: Callers, anyone: Client
) -> None:
    ids = [
        callers.operator.ingest({"status": {"api": "pass"}, "raw": {"n": n}})["id"]
        for n in range(3)
    ]
    asked = _ask(callers.by_role["auditor"], include_raw=True)
    assert asked.status == 202, asked.content
    assert asked.json["status"] == "queued"
    assert asked.json["progress"] == {"done": 0, "total": 3}
    callers.viewer.have_work_done()
    done = callers.by_role["auditor"].get(asked.headers["location"])
    assert done.json["status"] == "done", done.json
    path, _, token = done.json["download_url"].partition("?token=")
    file = anyone.get(path, {"token": token})
    lines = gzip.decompress(file.content).splitlines()
    assert [json.loads(line) for line in lines] == [
        callers.viewer.get(f"/reports/{each}").json for each in ids
    ]
    manifest = callers.by_role["auditor"].get(f"/exports/{done.json['id']}/manifest")
    read = read_manifest(parse_envelope(manifest.content).payload)
    assert (read.records, read.size) == (3, len(file.content))
