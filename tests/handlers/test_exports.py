"""Exports through the API: asked for, written, had, cancelled; what is refused."""

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from db import access
from db.session import Database
from policies.dsse import Verdict, check_signatures, parse_envelope
from policies.export_manifest import PAYLOAD_TYPE, read_manifest
from policies.exports import folder_name
from service.settings import Settings
from service.tasks.exports import sweep_export_store, tend_exports
from service.tasks.task import WorkerParts
from tests.support.client import Callers, Client
from tests.support.database import TestDatabase
from tests.support.evidence import signed_report
from tests.support.exports import ask, asked, look, window, written
from tests.support.reports import SMALLEST
from tests.support.service import SIGNING, SIGNING_KEY, RunningService

_ABSENT = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b21"


def _folder(service: RunningService, callers: Callers, export_id: str) -> Path:
    return service.export_folder / folder_name(callers.tenant, UUID(export_id))


def test_an_export_has_what_the_api_answers_of_each_report_and_its_manifest_holds(
    callers: Callers, anyone: Client
) -> None:
    ids = [
        callers.operator.ingest({"status": {"api": "pass"}, "raw": {"n": n}})["id"]
        for n in range(3)
    ]
    auditor = callers.by_role["auditor"]
    answer = ask(auditor, include_raw=True)
    assert answer.status == 202
    assert (answer.json["status"], answer.json["progress"]) == ("queued", {"done": 0, "total": 3})
    assert "download_url" not in look(auditor, answer.json["id"])
    early = auditor.get(f"/exports/{answer.json['id']}/manifest")
    assert (early.status, early.problem_type) == (409, "export-not-finished")
    auditor.have_work_done()
    done = auditor.get(answer.headers["location"]).json
    assert (done["status"], done["progress"]) == ("done", {"done": 3, "total": 3})
    file = anyone.get(done["download_url"])
    assert [json.loads(line) for line in gzip.decompress(file.content).splitlines()] == [
        callers.viewer.get(f"/reports/{each}").json for each in ids
    ]
    assert done["sha256"] == hashlib.sha256(file.content).hexdigest()
    assert done["size"] == len(file.content)
    envelope = parse_envelope(auditor.get(f"/exports/{done['id']}/manifest").content)
    assert envelope.payload_type == PAYLOAD_TYPE
    keys = {SIGNING.published[0].key_id: SIGNING_KEY.public_key()}
    assert [verdict for _, verdict in check_signatures(envelope, keys)] == [Verdict.RIGHT]
    manifest = read_manifest(envelope.payload)
    assert (manifest.records, manifest.size, manifest.sha256) == (3, done["size"], done["sha256"])
    for part in manifest.parts:
        content = file.content[part.offset : part.offset + part.size]
        assert part.sha256 == hashlib.sha256(content).hexdigest()


def test_raw_leaves_only_where_it_is_asked_for(callers: Callers, anyone: Client) -> None:
    callers.operator.ingest({"status": {"api": "pass"}, "raw": {"secret": "kept"}})
    done = written(callers, compression="none")
    [line] = anyone.get(done["download_url"]).content.splitlines()
    assert json.loads(line)["report"]["raw"] is None


def test_an_export_of_nothing_is_an_empty_file(callers: Callers, anyone: Client) -> None:
    done = written(callers)
    assert gzip.decompress(anyone.get(done["download_url"]).content) == b""


def test_only_the_severities_asked_for_are_in_it(callers: Callers, anyone: Client) -> None:
    for outcome in ("pass", "warn", "fail"):
        callers.operator.ingest({"status": {"api": outcome}})
    done = written(callers, severity=["block", "warn"], compression="none")
    lines = anyone.get(done["download_url"]).content.splitlines()
    assert [json.loads(line)["severity"] for line in lines] == ["warn", "block"]
    assert done["severity"] == ["warn", "block"]


def test_what_is_stored_later_is_not_in_it(callers: Callers, anyone: Client) -> None:
    callers.operator.ingest(SMALLEST)
    export_id = asked(callers.by_role["auditor"], compression="none")
    callers.operator.ingest(SMALLEST)
    callers.viewer.have_work_done()
    done = look(callers.by_role["auditor"], export_id)
    assert len(anyone.get(done["download_url"]).content.splitlines()) == 1


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (
            {"since": "2026-01-01T00:00:00Z", "until": "2026-04-02T00:00:00Z"},
            "/until",
            "91 days long; an export may have 90",
        ),
        (
            {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
            "/until",
            "not after since",
        ),
        ({"format": "parquet", "compression": "gzip"}, "/compression", "compresses its columns"),
    ],
)
def test_what_is_over_a_limit_is_refused_with_the_limit_and_the_size(
    callers: Callers, body: dict[str, str], pointer: str, detail: str
) -> None:
    answer = callers.by_role["auditor"].post_json(
        "/exports", {**window(), "format": "ndjson", **body}
    )
    assert (answer.status, answer.problem_type) == (422, "invalid-input")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert detail in answer.json["detail"]


def test_window_may_be_told_with_any_offset(callers: Callers) -> None:
    since, until = "2026-01-01T00:00:00+23:59", "2026-01-01T00:00:00-23:59"
    told = ask(callers.by_role["auditor"], since=since, until=until)
    assert told.status == 202
    assert (told.json["since"], told.json["until"]) == (
        "2025-12-31T00:01:00Z",
        "2026-01-01T23:59:00Z",
    )


def test_a_fourth_at_a_time_has_to_wait(callers: Callers, other_callers: Callers) -> None:
    auditor = callers.by_role["auditor"]
    first, *_ = [asked(auditor) for _ in range(3)]
    refused = ask(auditor)
    assert (refused.status, refused.problem_type) == (429, "too-many-exports")
    assert int(refused.headers["retry-after"]) > 0
    asked(other_callers.by_role["auditor"])
    assert auditor.send("POST", f"/exports/{first}/cancel").status == 200
    asked(auditor)


def test_request_with_the_same_idempotency_key_asks_for_one_export(callers: Callers) -> None:
    auditor, body = callers.by_role["auditor"], {**window(), "format": "ndjson"}
    headers = {"Idempotency-Key": "export-1"}
    first = auditor.post_json("/exports", body, headers)
    second = auditor.post_json("/exports", body, headers)
    assert (first.json["id"], first.status) == (second.json["id"], second.status)
    assert second.headers["idempotency-replayed"] == "true"
    assert len(auditor.get("/exports").json["items"]) == 1


def test_another_tenants_export_is_like_one_that_never_was(
    callers: Callers, other_callers: Callers, anyone: Client
) -> None:
    done = written(callers)
    stranger = other_callers.by_role["admin"]
    for export_id in (done["id"], _ABSENT):
        for method, path in (("GET", ""), ("GET", "/manifest"), ("POST", "/cancel")):
            answer = stranger.send(method, f"/exports/{export_id}{path}")
            assert (answer.status, answer.problem_type) == (404, "not-found")
    assert stranger.get("/exports").json["items"] == []
    assert anyone.get(done["download_url"]).status == 200


def test_list_is_newest_first_in_pages(callers: Callers) -> None:
    auditor = callers.by_role["auditor"]
    ids = [asked(auditor) for _ in range(3)]
    page = auditor.get("/exports", {"limit": "2"}).json
    rest = auditor.get("/exports", {"limit": "2", "page_token": page["next_page_token"]}).json
    assert [item["id"] for item in [*page["items"], *rest["items"]]] == ids[::-1]


def test_tags_change_with_what_becomes_of_an_export(callers: Callers) -> None:
    auditor = callers.by_role["auditor"]

    def tags() -> tuple[str, str]:
        return auditor.get(f"/exports/{export_id}").etag, auditor.get("/exports").etag

    export_id = asked(auditor)
    seen = [tags()]
    auditor.have_work_done()
    seen.append(tags())
    assert seen[-1] == tags()
    auditor.send("POST", f"/exports/{export_id}/cancel")
    seen.append(tags())
    assert len({tag for tag, _ in seen}) == len({tag for _, tag in seen}) == 3


def test_link_is_the_same_while_it_lives_and_each_keys_own(callers: Callers) -> None:
    done = written(callers)
    again = look(callers.by_role["auditor"], done["id"])
    assert again["download_url"] == done["download_url"]
    other = look(callers.by_role["admin"], done["id"])
    assert other["download_url"] != done["download_url"]
    ends = datetime.fromisoformat(done["download_expires_at"])
    assert timedelta(minutes=59) < ends - datetime.now(UTC) <= timedelta(hours=1)


def test_parts_of_a_file_are_had_by_range(callers: Callers, anyone: Client) -> None:
    callers.operator.ingest(SMALLEST)
    url = written(callers)["download_url"]
    whole = anyone.get(url)
    assert whole.headers["accept-ranges"] == "bytes"
    size, tag = len(whole.content), whole.etag
    part = anyone.get(url, headers={"Range": "bytes=10-19", "If-Range": tag})
    assert (part.status, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{size}"
    assert anyone.get(url, headers={"Range": "bytes=-5"}).content == whole.content[-5:]
    other = anyone.get(url, headers={"Range": "bytes=10-19", "If-Range": '"other"'})
    assert (other.status, other.content) == (200, whole.content)
    beyond = anyone.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.problem_type) == (416, "range-not-satisfiable")
    for tags in (tag, f'"other", W/{tag}', "*"):
        held = anyone.get(url, headers={"If-None-Match": tags})
        assert (held.status, held.content, held.etag) == (304, b"", tag)
    assert anyone.get(url, headers={"If-None-Match": '"other"'}).status == 200
    head = anyone.send("HEAD", url)
    assert (head.status, head.headers["content-length"], head.content) == (200, str(size), b"")


def test_links_are_for_one_thing_alone(callers: Callers, anyone: Client) -> None:
    first, second = written(callers), written(callers)
    token = first["download_url"].partition("token=")[2]
    wrong = anyone.get(f"/exports/{second['id']}/download", {"token": token})
    assert (wrong.status, wrong.problem_type) == (403, "forbidden")
    report_id, link = signed_report(callers)
    as_bundle = anyone.get(f"/reports/{report_id}/bundle.zip", {"token": token})
    as_export = anyone.get(f"/exports/{first['id']}/download", {"token": link["token"]})
    assert (as_bundle.status, as_export.status) == (403, 403)


def test_link_ends_with_its_hour_and_with_the_file(
    callers: Callers, anyone: Client, shared_database: TestDatabase
) -> None:
    done = written(callers)
    shared_database.run(
        access.OWNER,
        "UPDATE exports SET expires_at = now() - interval '1 second' WHERE id = %s",
        (done["id"],),
    )
    assert anyone.get(done["download_url"]).status == 410
    assert "download_url" not in look(callers.by_role["auditor"], done["id"])


def test_file_that_was_cut_or_removed_is_not_given_out(
    callers: Callers, anyone: Client, service: RunningService
) -> None:
    callers.operator.ingest(SMALLEST)
    done = written(callers)
    [file] = _folder(service, callers, done["id"]).iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert anyone.get(done["download_url"]).status == 410
    file.unlink()
    assert anyone.get(done["download_url"]).status == 410


def test_cancelled_export_leaves_nothing(
    callers: Callers, anyone: Client, service: RunningService
) -> None:
    auditor = callers.by_role["auditor"]
    done, waiting = written(callers), asked(auditor)
    for export_id, was in ((done["id"], "done"), (waiting, "queued")):
        for _ in range(2):
            answer = auditor.send("POST", f"/exports/{export_id}/cancel")
            assert (answer.status, answer.json["status"]) == (200, "cancelled"), was
    auditor.have_work_done()
    for export_id in (done["id"], waiting):
        assert not _folder(service, callers, export_id).exists()
        assert auditor.get(f"/exports/{export_id}/manifest").status == 410
    assert anyone.get(done["download_url"]).status == 410


def test_who_asked_cancelled_and_had_it_stands_in_the_audit_log(
    callers: Callers, anyone: Client
) -> None:
    done = written(callers)
    anyone.get(done["download_url"])
    callers.by_role["admin"].send("POST", f"/exports/{done['id']}/cancel")
    entries = callers.by_role["auditor"].get("/admin/audit/logs", {"object": done["id"]}).json
    told = [(each["action"], each["actor"]) for each in entries["items"]]
    assert [action for action, _ in told] == [
        "cancel_export",
        "download_export",
        "write_export",
        "create_export",
    ]
    assert (told[0][1], told[2][1], told[3][1]) == ("key-admin", None, "key-auditor")
    assert str(told[1][1]).startswith("link:")


def test_expired_export_keeps_its_manifest_and_no_file(
    callers: Callers,
    service: RunningService,
    shared_database: TestDatabase,
    shared_maintenance: Database,
) -> None:
    done = written(callers)
    shared_database.run(
        access.OWNER,
        "UPDATE exports SET expires_at = now() - interval '1 second' WHERE id = %s",
        (done["id"],),
    )
    tend_exports(shared_maintenance, _parts(service, shared_maintenance))
    auditor = callers.by_role["auditor"]
    assert look(auditor, done["id"])["status"] == "expired"
    assert not _folder(service, callers, done["id"]).exists()
    assert auditor.get(f"/exports/{done['id']}/manifest").status == 200


def test_export_whose_job_is_gone_fails_with_a_reason(
    callers: Callers,
    service: RunningService,
    shared_database: TestDatabase,
    shared_maintenance: Database,
) -> None:
    export_id = asked(callers.by_role["auditor"])
    shared_database.run(
        access.OWNER,
        "SET search_path = procrastinate; DELETE FROM procrastinate_jobs"
        " WHERE id = (SELECT job_id FROM public.exports WHERE id = %s)",
        (export_id,),
    )
    tend_exports(shared_maintenance, _parts(service, shared_maintenance))
    told = look(callers.by_role["auditor"], export_id)
    assert told["status"] == "failed"
    assert "Ask for the export again" in told["failure"]


def test_files_that_no_export_has_are_swept(
    callers: Callers, service: RunningService, shared_maintenance: Database, anyone: Client
) -> None:
    done = written(callers)
    left = f"{folder_name(callers.tenant, UUID(_ABSENT))}part-000001"
    service.exports.store.put(left, [b"left behind"])
    sweep_export_store(shared_maintenance, _parts(service, shared_maintenance))
    assert not _folder(service, callers, _ABSENT).exists()
    assert anyone.get(done["download_url"]).status == 200


def _parts(service: RunningService, maintenance: Database) -> WorkerParts:
    return WorkerParts(
        settings=Settings(),
        tenants=service.database,
        maintenance=maintenance,
        exports=service.exports,
    )
