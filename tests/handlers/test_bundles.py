"""A report's bundle: the same bytes for ever, for whoever has a link, and no one else."""

import hashlib
import json
import secrets
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from itsdangerous import Signer

from db import access
from db.session import Database
from handlers.signing import Signing
from policies.bundle import FILES, MANIFEST, MARKDOWN, REPORT
from policies.bundle_check import check_bundle
from policies.link_tokens import Link
from policies.published_keys import PublishedKey
from service.signing import KeyInMemory
from tests.support.client import Answer, Callers, Client
from tests.support.database import TestDatabase
from tests.support.evidence import KEYS, files_of, sign, signed_report
from tests.support.reports import PREDECESSOR, SMALLEST
from tests.support.service import LINK_SECRET, LINKS, RunningService, running_service


def _holds(archive: bytes) -> bool:
    return all(finding.holds for finding in check_bundle(archive, KEYS).findings)


def test_bundle_holds_report_page_manifest_and_attestation(
    callers: Callers, anyone: Client
) -> None:
    report_id, link = signed_report(callers, PREDECESSOR)
    answer = anyone.get(link["bundle_url"])
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    saved_as = f'attachment; filename="qc-report-{report_id}.zip"'
    assert answer.headers["content-disposition"] == saved_as
    assert int(answer.headers["content-length"]) == len(answer.content)
    files = files_of(answer.content)
    assert tuple(files) == FILES
    assert json.loads(files[REPORT]) == PREDECESSOR
    assert files[MARKDOWN].startswith("# Quality report\n\n❌".encode())
    described = callers.viewer.get(f"/reports/{report_id}/bundle-meta").json["files"]
    assert [(each["name"], each["size"]) for each in described] == [
        (name, len(content)) for name, content in files.items()
    ]
    assert json.loads(files[MANIFEST])["report_id"] == report_id
    checked = check_bundle(answer.content, KEYS)
    assert _holds(answer.content)
    assert checked.statement is not None
    assert (checked.statement.tenant_id, checked.statement.report_id, checked.statement.result) == (
        callers.tenant,
        report_id,
        "FAILED",
    )


def test_bundle_has_the_redacted_report_and_the_senders_own_page(
    callers: Callers, anyone: Client
) -> None:
    secret = "ghp_" + secrets.token_hex(18)
    report = {"status": {}, "markdown": f"# Mine\nSeen: {secret}", "raw": {"token": secret}}
    report_id, link = signed_report(callers, report)
    files = files_of(anyone.get(link["bundle_url"]).content)
    stored = callers.viewer.get(f"/reports/{report_id}").json["report"]
    assert json.loads(files[REPORT]) == stored
    assert files[MARKDOWN].decode() == stored["markdown"]
    assert files[MARKDOWN].startswith(b"# Mine\nSeen: [redacted:")
    assert all(secret.encode() not in content for content in files.values())


def test_bundle_is_the_same_under_another_signing_key_later(own_database: TestDatabase) -> None:
    with running_service(Database(own_database.url(access.APP))) as service:
        callers = Callers(service)
        _, link = signed_report(callers, PREDECESSOR)
        first = Client(service).get(link["bundle_url"]).content
        assert Client(service).get(link["bundle_url"]).content == first
    key = Ed25519PrivateKey.generate()
    rotated = Signing(KeyInMemory(key), (PublishedKey(key.public_key()),))
    with running_service(Database(own_database.url(access.APP)), signing=rotated) as service:
        assert Client(service).get(link["bundle_url"]).content == first
    assert _holds(first)


def _refused(answer: Answer, status: int, problem: str) -> str:
    assert (answer.status, answer.problem_type) == (status, problem)
    if status == 401:
        assert answer.headers["www-authenticate"] == 'ApiKey query="token"'
    detail: str = answer.json["detail"]
    return detail


def test_token_is_for_one_report_alone(callers: Callers, anyone: Client) -> None:
    _, link = signed_report(callers)
    other, _ = signed_report(callers)
    never = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"
    for report_id in (other, never):
        answer = anyone.get(f"/reports/{report_id}/bundle.zip", {"token": link["token"]})
        assert _refused(answer, 403, "forbidden") == "The link is to another thing."


def test_token_is_for_one_tenant_alone(
    callers: Callers, other_callers: Callers, anyone: Client
) -> None:
    report_id, link = signed_report(callers)
    foreign, _ = signed_report(other_callers)
    told = [
        anyone.get(f"/reports/{each}/bundle.zip", {"token": link["token"]})
        for each in (foreign, "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11")
    ]
    bodies = [{**answer.json, "instance": ""} for answer in told]
    assert bodies[0] == bodies[1]
    # A token that says another tenant has the grant of this one: signed, yet never given out.
    grant = callers.by_role["auditor"].get(f"/reports/{report_id}/sign-history").json["items"][0]
    issued, expires = (datetime.fromisoformat(grant[name]) for name in ("issued_at", "expires_at"))
    forged = Link(
        other_callers.tenant, UUID(report_id), "bundle", UUID(grant["id"]), issued, expires
    )
    token = LINKS.token(forged)
    answer = anyone.get(f"/reports/{report_id}/bundle.zip", {"token": token})
    assert _refused(answer, 401, "unauthenticated") == "The link was never given out here."


def test_token_is_for_one_purpose_alone(callers: Callers, anyone: Client) -> None:
    report_id, link = signed_report(callers)
    payload = json.loads(b64decode(link["token"].partition(".")[0] + "==", b"-_"))
    payload[3] = "sign"
    text = urlsafe_b64encode(json.dumps(payload, separators=(",", ":")).encode()).rstrip(b"=")
    signer = Signer(
        LINK_SECRET, salt="collector link v1", key_derivation="hmac", digest_method=hashlib.sha256
    )
    token = signer.sign(text).decode()
    answer = anyone.get(f"/reports/{report_id}/bundle.zip", {"token": token})
    assert _refused(answer, 401, "unauthenticated") == "The link's token is unknown."
    payload[3] = "export"
    text = urlsafe_b64encode(json.dumps(payload, separators=(",", ":")).encode()).rstrip(b"=")
    answer = anyone.get(f"/reports/{report_id}/bundle.zip", {"token": signer.sign(text).decode()})
    assert _refused(answer, 403, "forbidden") == "The link is to another thing."
    payload[3] = "bundle"
    text = urlsafe_b64encode(json.dumps(payload, separators=(",", ":")).encode()).rstrip(b"=")
    assert signer.sign(text).decode() == link["token"]


def test_key_is_no_token_and_token_is_no_key(callers: Callers, anyone: Client) -> None:
    report_id, link = signed_report(callers)
    path = f"/reports/{report_id}/bundle.zip"
    admin = callers.by_role["admin"]
    _refused(admin.get(path), 401, "unauthenticated")
    _refused(admin.get(path, {"token": callers.secrets["admin"]}), 401, "unauthenticated")
    _refused(anyone.get(path), 401, "unauthenticated")
    headers = {"X-Api-Key": link["token"], "X-Tenant": callers.tenant}
    assert anyone.get("/reports", headers=headers).status == 401
    assert anyone.get("/reports", {"token": link["token"]}).status == 401
    twice = anyone.get(path, {"token": [link["token"], link["token"]]})
    _refused(twice, 400, "malformed-request")


@pytest.mark.parametrize("token", ["", "a", "a.b", ".", "é", "x" * 5000, "\x00"])
def test_text_that_is_no_token_is_refused_before_anything_is_looked_up(
    token: str, anyone: Client
) -> None:
    answer = anyone.get(
        "/reports/0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11/bundle.zip", {"token": token}
    )
    assert answer.status == 401


def test_expired_token_is_refused(
    callers: Callers, anyone: Client, shared_database: TestDatabase
) -> None:
    report_id, _ = signed_report(callers)
    now = datetime.now(UTC).replace(microsecond=0)
    issued, expires = now - timedelta(hours=2), now - timedelta(seconds=1)
    [(grant,)] = shared_database.run(
        access.OWNER,
        "UPDATE link_grants SET issued_at = %(issued)s, expires_at = %(expires)s"
        " WHERE object_id = %(report)s RETURNING id::text",
        {"issued": issued, "expires": expires, "report": report_id},
    )
    link = Link(callers.tenant, UUID(report_id), "bundle", UUID(str(grant)), issued, expires)
    answer = anyone.get(f"/reports/{report_id}/bundle.zip", {"token": LINKS.token(link)})
    assert _refused(answer, 401, "unauthenticated") == "The link has expired."
    history = callers.by_role["auditor"].get(f"/reports/{report_id}/sign-history").json["items"]
    assert [entry["state"] for entry in history] == ["expired"]
    again = sign(callers.operator, report_id)
    assert anyone.get(again["bundle_url"]).status == 200


def test_token_with_other_times_than_its_grant_is_refused(callers: Callers, anyone: Client) -> None:
    report_id, link = signed_report(callers)
    read = LINKS.read(link["token"])
    longer = Link(
        read.tenant_id,
        read.object_id,
        "bundle",
        read.grant_id,
        read.issued_at,
        read.expires_at + timedelta(days=365),
    )
    answer = anyone.get(f"/reports/{report_id}/bundle.zip", {"token": LINKS.token(longer)})
    assert _refused(answer, 401, "unauthenticated") == "The link was never given out here."


def test_link_to_a_report_that_is_gone_says_so(
    callers: Callers, anyone: Client, shared_database: TestDatabase
) -> None:
    report_id, link = signed_report(callers)
    _delete(shared_database, report_id)
    _refused(anyone.get(link["bundle_url"]), 410, "gone")
    for method, suffix in (("POST", "sign"), ("GET", "bundle-meta")):
        answer = callers.operator.send(method, f"/reports/{report_id}/{suffix}")
        assert answer.status == 404
    history = callers.by_role["auditor"].get(f"/reports/{report_id}/sign-history")
    assert len(history.json["items"]) == 1
    assert callers.operator.send("DELETE", f"/reports/{report_id}/sign").status == 204
    _refused(anyone.get(link["bundle_url"]), 401, "unauthenticated")


def _delete(database: TestDatabase, report_id: str) -> None:
    database.run(access.OWNER, "DELETE FROM reports WHERE id = %(id)s", {"id": report_id})


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE reports SET document = '{\"status\":{}}' WHERE id = %(id)s",
        "UPDATE report_bundles SET markdown = 'other' WHERE report_id = %(id)s",
        "UPDATE report_bundles SET attestation = '{}' WHERE report_id = %(id)s",
        "DELETE FROM report_bundles WHERE report_id = %(id)s",
    ],
)
def test_bundle_that_is_not_what_was_signed_is_never_sent(
    callers: Callers, service: RunningService, shared_database: TestDatabase, change: str
) -> None:
    report_id, link = signed_report(callers)
    shared_database.run(access.OWNER, change, {"id": report_id})
    # Not by a client of ours, which takes no answer of a service that failed.
    response = service.http.get(link["bundle_url"])
    assert response.status_code == 500
    assert b"PK" not in response.content


def test_role_of_the_service_can_not_change_what_is_frozen(
    callers: Callers, shared_database: TestDatabase
) -> None:
    report_id, _ = signed_report(callers)
    for statement in (
        "UPDATE report_bundles SET markdown = ''",
        "DELETE FROM report_bundles",
        "UPDATE link_grants SET expires_at = now() + interval '1 year'",
        "DELETE FROM link_grants",
    ):
        with pytest.raises(Exception, match="permission denied"):
            shared_database.run(access.APP, statement)
    assert callers.viewer.get(f"/reports/{report_id}/bundle-meta").json["files"]


def test_database_holds_no_token(
    callers: Callers, anyone: Client, shared_database: TestDatabase
) -> None:
    _, link = signed_report(callers, SMALLEST)
    assert anyone.get(link["bundle_url"]).status == 200
    tables = shared_database.run(
        access.OWNER, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    signature = link["token"].rpartition(".")[2]
    for (table,) in tables:
        held = f"SELECT count(*) FROM {table} AS row WHERE row::text LIKE %(token)s"
        found = shared_database.run(access.OWNER, held, {"token": f"%{signature}%"})
        assert found == [(0,)], table
