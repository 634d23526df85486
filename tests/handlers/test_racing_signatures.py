"""Many who sign one report at once, and revoke it: one bundle, and a link for each key."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from db import access
from tests.support.client import Answer, Callers, Client
from tests.support.database import TestDatabase
from tests.support.evidence import sign, signed_report
from tests.support.reports import PREDECESSOR

_SENDERS = 8


def test_first_signings_at_once_freeze_one_attestation(
    callers: Callers, anyone: Client, shared_database: TestDatabase
) -> None:
    for _ in range(4):
        report_id = callers.operator.ingest(PREDECESSOR)["id"]
        together = Barrier(_SENDERS)

        def send(place: int, report_id: str = report_id, together: Barrier = together) -> str:
            client = callers.by_role[("operator", "admin")[place % 2]]
            together.wait()
            token: str = sign(client, report_id)["token"]
            return token

        with ThreadPoolExecutor(_SENDERS) as pool:
            tokens = list(pool.map(send, range(_SENDERS)))
        assert len(set(tokens)) == 2
        path = f"/reports/{report_id}/bundle.zip"
        archives = {anyone.get(path, {"token": token}).content for token in set(tokens)}
        assert len(archives) == 1
        grants = shared_database.run(
            access.OWNER,
            "SELECT count(*) FROM link_grants WHERE object_id = %(id)s",
            {"id": report_id},
        )
        assert grants == [(2,)]


def test_link_given_after_a_revocation_began_either_works_or_is_revoked_with_it(
    callers: Callers, anyone: Client
) -> None:
    report_id, _ = signed_report(callers)

    def act(place: int) -> Answer:
        method = "DELETE" if place % 2 else "POST"
        return callers.operator.send(method, f"/reports/{report_id}/sign")

    with ThreadPoolExecutor(_SENDERS) as pool:
        answers = list(pool.map(act, range(40)))
    assert {answer.status for answer in answers} == {200, 204}
    callers.operator.send("DELETE", f"/reports/{report_id}/sign")
    tokens = {answer.json["token"] for answer in answers if answer.status == 200}
    for token in tokens:
        answer = anyone.get(f"/reports/{report_id}/bundle.zip", {"token": token})
        assert (answer.status, answer.json["detail"]) == (401, "The link has been revoked.")
