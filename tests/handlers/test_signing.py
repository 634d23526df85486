"""Signing a report: one bundle for good, links for an hour, and who got them."""

import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from db import access
from db.session import Database
from handlers.signing import Signing
from policies.link_tokens import LinkTokens
from tests.support.client import Callers, Client
from tests.support.database import TestDatabase
from tests.support.evidence import sign, signed_report
from tests.support.reports import SMALLEST
from tests.support.service import SIGNING, IssuedKeys, RunningService, running_service

_ABSENT = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"
_HOUR = timedelta(hours=1)


def _history(callers: Callers, report_id: str) -> list[dict[str, object]]:
    answer = callers.by_role["auditor"].get(f"/reports/{report_id}/sign-history")
    assert answer.status == 200
    items: list[dict[str, object]] = answer.json["items"]
    return items


def test_link_works_without_a_key_for_an_hour(callers: Callers, anyone: Client) -> None:
    report_id = callers.operator.ingest(SMALLEST)["id"]
    answer = callers.operator.send("POST", f"/reports/{report_id}/sign")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    link = answer.json
    issued, expires = (datetime.fromisoformat(link[name]) for name in ("issued_at", "expires_at"))
    assert expires - issued == _HOUR
    assert abs(datetime.now(UTC) - issued) < timedelta(minutes=1)
    assert link["bundle_url"] == f"/reports/{report_id}/bundle.zip?token={link['token']}"
    assert anyone.get(link["bundle_url"]).status == 200


def test_same_link_is_given_while_it_lives_and_each_key_has_its_own(callers: Callers) -> None:
    report_id, link = signed_report(callers)
    assert sign(callers.operator, report_id) == link
    assert sign(callers.by_role["admin"], report_id)["token"] != link["token"]
    assert [entry["key_id"] for entry in _history(callers, report_id)] == [
        "key-admin",
        "key-operator",
    ]


def test_revoking_ends_every_link_and_signing_again_gives_a_new_one(
    callers: Callers, anyone: Client
) -> None:
    report_id, link = signed_report(callers)
    other = sign(callers.by_role["auditor"], report_id)
    for _ in range(2):
        answer = callers.by_role["auditor"].send("DELETE", f"/reports/{report_id}/sign")
        assert (answer.status, answer.content) == (204, b"")
    for each in (link, other):
        refused = anyone.get(each["bundle_url"])
        assert (refused.status, refused.problem_type) == (401, "unauthenticated")
        assert refused.json["detail"] == "The link has been revoked."
    again = sign(callers.operator, report_id)
    assert again["token"] != link["token"]
    assert anyone.get(again["bundle_url"]).status == 200
    states = [(entry["state"], entry["revoked_by"]) for entry in _history(callers, report_id)]
    assert states == [("live", None), ("revoked", "key-auditor"), ("revoked", "key-auditor")]


def test_revoking_where_nothing_was_signed_is_no_mistake(callers: Callers) -> None:
    report_id = callers.operator.ingest(SMALLEST)["id"]
    assert callers.operator.send("DELETE", f"/reports/{report_id}/sign").status == 204
    assert _history(callers, report_id) == []


def test_history_tells_who_when_until_when_and_the_fingerprint_alone(callers: Callers) -> None:
    report_id, link = signed_report(callers)
    [entry] = _history(callers, report_id)
    assert entry == {
        "id": entry["id"],
        "state": "live",
        "key_id": "key-operator",
        "role": "operator",
        "issued_at": link["issued_at"],
        "expires_at": link["expires_at"],
        "revoked_at": None,
        "revoked_by": None,
        "fingerprint": hashlib.sha256(link["token"].encode()).hexdigest(),
    }
    assert link["token"] not in json.dumps(entry)


def test_history_comes_in_pages_newest_first(callers: Callers) -> None:
    report_id = callers.operator.ingest(SMALLEST)["id"]
    for _ in range(3):
        sign(callers.operator, report_id)
        callers.operator.send("DELETE", f"/reports/{report_id}/sign")
    auditor, path = callers.by_role["auditor"], f"/reports/{report_id}/sign-history"
    seen, query = [], {"limit": "2"}
    for _ in range(2):
        page = auditor.get(path, query).json
        seen += [entry["id"] for entry in page["items"]]
        query["page_token"] = page["next_page_token"] or ""
    assert len(seen) == 3
    assert seen == sorted(seen, reverse=True)
    assert query["page_token"] == ""
    other = callers.operator.ingest(SMALLEST)["id"]
    token = auditor.get(path, {"limit": "1"}).json["next_page_token"]
    elsewhere = auditor.get(f"/reports/{other}/sign-history", {"page_token": token})
    assert (elsewhere.status, elsewhere.problem_type) == (400, "foreign-page-token")


def test_bundle_is_described_once_it_is_signed_and_never_otherwise(
    callers: Callers, anyone: Client
) -> None:
    report_id = callers.operator.ingest(SMALLEST)["id"]
    path = f"/reports/{report_id}/bundle-meta"
    before = callers.viewer.get(path)
    assert before.json == {
        "signed_at": None,
        "signing_key_id": None,
        "size": None,
        "sha256": None,
        "files": [],
    }
    archive = anyone.get(sign(callers.operator, report_id)["bundle_url"]).content
    after = callers.viewer.get(path, headers={"If-None-Match": before.etag})
    assert after.status == 200
    assert after.json["sha256"] == hashlib.sha256(archive).hexdigest()
    assert after.json["size"] == len(archive)
    assert after.json["signing_key_id"] == SIGNING.published[0].key_id
    sign(callers.by_role["admin"], report_id)
    assert callers.viewer.get(path, headers={"If-None-Match": after.etag}).status == 304


def test_signing_and_revoking_change_the_tag_of_the_history_and_no_tag_of_lists(
    callers: Callers,
) -> None:
    report_id = callers.operator.ingest(SMALLEST)["id"]
    path, auditor = f"/reports/{report_id}/sign-history", callers.by_role["auditor"]
    listed = callers.viewer.get("/reports")
    tags = [auditor.get(path).etag]
    sign(callers.operator, report_id)
    tags.append(auditor.get(path, headers={"If-None-Match": tags[-1]}).etag)
    callers.operator.send("DELETE", f"/reports/{report_id}/sign")
    tags.append(auditor.get(path, headers={"If-None-Match": tags[-1]}).etag)
    assert len(set(tags)) == 3
    assert callers.viewer.get("/reports", headers={"If-None-Match": listed.etag}).status == 304


def test_retry_with_the_same_idempotency_key_gets_the_same_link_again(
    callers: Callers, shared_database: TestDatabase
) -> None:
    report_id = callers.operator.ingest(SMALLEST)["id"]
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first = callers.operator.send("POST", f"/reports/{report_id}/sign", key)
    again = callers.operator.send("POST", f"/reports/{report_id}/sign", key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    assert again.headers["cache-control"] == "private, no-store"
    # What is remembered is the grant; the token is made of it again.
    rows = shared_database.run(
        access.OWNER,
        "SELECT reference, answer FROM idempotency_keys WHERE key = %(key)s",
        {"key": key["Idempotency-Key"]},
    )
    assert rows == [(_history(callers, report_id)[0]["id"], None)]


@pytest.mark.parametrize(
    ("method", "suffix", "role"),
    [
        ("POST", "sign", "operator"),
        ("DELETE", "sign", "operator"),
        ("GET", "sign-history", "auditor"),
        ("GET", "bundle-meta", "viewer"),
    ],
)
def test_report_that_is_not_there_has_no_evidence(
    callers: Callers, method: str, suffix: str, role: str
) -> None:
    answer = callers.by_role[role].send(method, f"/reports/{_ABSENT}/{suffix}")
    assert (answer.status, answer.problem_type) == (404, "not-found")


def test_audit_chain_tells_of_signing_revoking_and_download_and_holds_no_token(
    callers: Callers, anyone: Client, shared_database: TestDatabase
) -> None:
    report_id, link = signed_report(callers)
    assert anyone.get(link["bundle_url"]).status == 200
    callers.by_role["admin"].send("DELETE", f"/reports/{report_id}/sign")
    grant = str(_history(callers, report_id)[0]["id"])
    rows = shared_database.run(
        access.OWNER,
        "SELECT action, actor, outcome, body FROM audit_entries"
        " WHERE tenant_id = %(tenant)s AND object_id = %(report)s ORDER BY seq",
        {"tenant": callers.tenant, "report": report_id},
    )
    assert [row[:3] for row in rows] == [
        ("sign_report", "key-operator", "done"),
        ("download_bundle", f"link:{grant}", "done"),
        ("revoke_bundle_links", "key-admin", "done"),
    ]
    bodies = " ".join(str(row[3]) for row in rows)
    assert grant in bodies
    assert link["token"] not in bodies


def test_report_is_not_signed_without_a_key_but_links_to_signed_ones_are_given(
    own_database: TestDatabase,
) -> None:
    with running_service(Database(own_database.url(access.APP))) as service:
        callers = Callers(service)
        report_id, _ = signed_report(callers)
        other = callers.operator.ingest(SMALLEST)["id"]
        keys = service.keys
    without = running_service(Database(own_database.url(access.APP)), signing=Signing(None))
    with without as service:
        operator = _same_caller(service, callers, keys)
        answer = operator.send("POST", f"/reports/{other}/sign")
        assert (answer.status, answer.problem_type) == (503, "unavailable")
        assert "SIGNING_KEY is not set" in answer.json["detail"]
        assert sign(operator, report_id)["token"]


def test_without_a_secret_of_links_nothing_is_signed_and_no_link_works(
    own_database: TestDatabase,
) -> None:
    with running_service(Database(own_database.url(access.APP))) as service:
        callers = Callers(service)
        report_id, link = signed_report(callers)
        keys = service.keys
    with running_service(Database(own_database.url(access.APP)), links=None) as service:
        operator = _same_caller(service, callers, keys)
        answer = operator.send("POST", f"/reports/{report_id}/sign")
        assert (answer.status, answer.problem_type) == (503, "unavailable")
        assert "EXPORT_SIGN_SECRET is not set" in answer.json["detail"]
        refused = Client(service).get(link["bundle_url"])
        assert (refused.status, refused.problem_type) == (503, "unavailable")
        revoked = operator.send("DELETE", f"/reports/{report_id}/sign")
        assert revoked.status == 204


def test_links_outlive_one_change_of_the_secret_and_end_with_the_second(
    own_database: TestDatabase,
) -> None:
    first, second, third = "1" * 32, "2" * 32, "3" * 32
    links: list[dict[str, str]] = []
    callers, keys, report_id = None, None, ""
    for configured in ([first], [second, first], [third, second]):
        with running_service(
            Database(own_database.url(access.APP)), links=LinkTokens(configured)
        ) as service:
            if callers is None or keys is None:
                callers, keys = Callers(service), service.keys
                report_id = callers.operator.ingest(SMALLEST)["id"]
            operator = _same_caller(service, callers, keys)
            statuses = [Client(service).get(each["bundle_url"]).status for each in links]
            links.append(sign(operator, report_id))
            assert Client(service).get(links[-1]["bundle_url"]).status == 200
            assert statuses == {1: [], 2: [200], 3: [401, 401]}[len(links)]
    # The grant lives on, so the same link; once its secret is gone, another grant.
    assert links[0] == links[1]
    assert links[2]["token"] != links[1]["token"]


def _same_caller(service: RunningService, callers: Callers, keys: IssuedKeys) -> Client:
    """The operator of before at a service that was started anew."""
    service.keys.adopt(keys)
    return Client(service, callers.tenant, callers.secrets["operator"])
