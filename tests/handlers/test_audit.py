"""The audit log by the API: what it tells, what its own reading adds, and whether it is whole."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from db import access
from db.session import Database
from handlers.auditing import Checkpoints
from service.checkpoint_folder import CheckpointFolder
from service.checkpoints import KeptCheckpoints, declare_restore, write_checkpoint
from tests.support.client import Callers, Client
from tests.support.database import TestDatabase
from tests.support.service import SIGNING, RunningService, running_service

_REPORT = {"status": {"api": "pass"}}


@dataclass(frozen=True, slots=True)
class Audited:
    """A service whose database is a test's own, with its worker's work to be done by hand."""

    service: RunningService
    callers: Callers
    database: TestDatabase
    maintenance: Database
    folder: CheckpointFolder

    @property
    def auditor(self) -> Client:
        return self.callers.by_role["auditor"]

    def ingest_and_seal(self, reports: int = 1) -> None:
        for _ in range(reports):
            self.callers.operator.ingest(_REPORT)
        with self.maintenance.system_transaction() as tx:
            tx.rows("SELECT collector_seal_journal(%(t)s, 1000)", {"t": self.callers.tenant})

    def checkpoint(self) -> int | None:
        return write_checkpoint(self.maintenance, self.folder, SIGNING)

    def tamper(self, statement: str, parameters: object = None) -> None:
        """What someone may do who is the database's owner."""
        self.database.run(access.OWNER, statement, parameters)

    def verify(self) -> dict[str, Any]:
        answer = self.auditor.get("/admin/audit/verify")
        assert answer.status == 200
        found: dict[str, Any] = answer.json
        assert found["holds"] is (found["findings"] == [])
        return found

    def faults(self) -> list[tuple[str, int | None]]:
        return [(each["fault"], each["seq"]) for each in self.verify()["findings"]]


class _SwitchedCheckpoints(Checkpoints):
    """Those of the folder of the test that runs."""

    def __init__(self) -> None:
        self.folder: CheckpointFolder | None = None

    @override
    def recent(self) -> Sequence[tuple[int, bytes]]:
        assert self.folder is not None
        return KeptCheckpoints(self.folder, SIGNING).recent()


@pytest.fixture(scope="module")
def switched() -> _SwitchedCheckpoints:
    return _SwitchedCheckpoints()


@pytest.fixture(scope="module")
def audited_service(
    shared_database: TestDatabase, switched: _SwitchedCheckpoints
) -> Iterator[RunningService]:
    with running_service(
        Database(shared_database.url(access.APP)), checkpoints=switched
    ) as service:
        yield service


@pytest.fixture
def audited(
    shared_database: TestDatabase,
    audited_service: RunningService,
    switched: _SwitchedCheckpoints,
    tmp_path: Path,
) -> Iterator[Audited]:
    """A tenant of its own, with whose chain a test may do anything."""
    switched.folder = CheckpointFolder(tmp_path / "checkpoints")
    maintenance = Database(shared_database.url(access.MAINTENANCE), pool_size=2)
    callers = Callers(audited_service)
    yield Audited(audited_service, callers, shared_database, maintenance, switched.folder)
    maintenance.close()


@pytest.fixture
def audited_alone(own_database: TestDatabase, tmp_path: Path) -> Iterator[Audited]:
    """The same with a database of its own, for what is of all tenants."""
    folder = CheckpointFolder(tmp_path / "checkpoints")
    maintenance = Database(own_database.url(access.MAINTENANCE), pool_size=2)
    with running_service(
        Database(own_database.url(access.APP)), checkpoints=KeptCheckpoints(folder, SIGNING)
    ) as service:
        yield Audited(service, Callers(service), own_database, maintenance, folder)
    maintenance.close()


_CHAIN_ANEW = """
DO $$
DECLARE each record; before bytea := decode(repeat('00', 32), 'hex');
BEGIN
  FOR each IN SELECT * FROM audit_entries WHERE tenant_id = '{tenant}' ORDER BY seq LOOP
    before := sha256(before || convert_to(each.body, 'UTF8'));
    UPDATE audit_entries SET hash = before WHERE tenant_id = each.tenant_id AND seq = each.seq;
  END LOOP;
  UPDATE audit_heads SET hash = before WHERE tenant_id = '{tenant}';
END $$
"""


def test_entries_are_listed_newest_first_with_the_reading_itself(audited: Audited) -> None:
    audited.ingest_and_seal(2)
    answer = audited.auditor.get("/admin/audit/logs", {"include_total": "true"})
    items = answer.json["items"]
    assert [item["action"] for item in items] == ["list_audit_logs", "seal_journal"]
    assert [item["seq"] for item in items] == [2, 1]
    assert answer.json["total"] == {"count": 2, "exact": True}
    own, sealed = items
    assert (own["actor"], own["role"], own["outcome"]) == ("key-auditor", "auditor", "done")
    assert own["request_id"] == answer.headers["x-request-id"]
    assert own["details"] == {"parameters": ["include_total"]}
    assert sealed["actor"] is None
    assert sealed["details"]["reports"] == 2
    assert sealed["details"]["requests"] == 2


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({"action": "seal_journal"}, ["seal_journal"]),
        ({"actor": "key-admin"}, ["verify_audit"]),
        ({"outcome": "denied"}, []),
        ({"outcome": "done", "actor": "key-admin"}, ["verify_audit"]),
        ({"object": "no-such-object"}, []),
        ({"until": "2020-01-01T00:00:00Z"}, []),
        ({"since": "2020-01-01T00:00:00Z", "action": "seal_journal"}, ["seal_journal"]),
    ],
)
def test_entries_are_filtered(audited: Audited, query: dict[str, str], actions: list[str]) -> None:
    audited.ingest_and_seal()
    audited.callers.by_role["admin"].get("/admin/audit/verify")
    items = audited.auditor.get("/admin/audit/logs", query).json["items"]
    assert [item["action"] for item in items] == actions


def test_pages_hold_every_entry_once_though_each_reading_adds_one(audited: Audited) -> None:
    for _ in range(7):
        audited.ingest_and_seal()
    seen: list[int] = []
    query = {"limit": "3"}
    while True:
        page = audited.auditor.get("/admin/audit/logs", query).json
        seen += [item["seq"] for item in page["items"]]
        if page["next_page_token"] is None:
            break
        query = {"limit": "3", "page_token": page["next_page_token"]}
    assert seen == list(range(8, 0, -1))


def test_answer_holds_until_something_else_happens(audited: Audited) -> None:
    audited.ingest_and_seal()
    tag = audited.auditor.get("/admin/audit/logs").etag
    for _ in range(2):
        assert audited.auditor.get("/admin/audit/logs", None, {"If-None-Match": tag}).status == 304
    audited.ingest_and_seal()
    answer = audited.auditor.get("/admin/audit/logs", None, {"If-None-Match": tag})
    assert answer.status == 200
    # An answer that told of nothing new has added nothing either.
    assert [item["seq"] for item in answer.json["items"]] == [4, 3, 2, 1]


@pytest.mark.parametrize("path", ["logs", "verify", "chain"])
def test_reading_is_recorded_before_anything_is_shown(audited: Audited, path: str) -> None:
    with audited.service.counted_statements() as statements:
        assert audited.auditor.get(f"/admin/audit/{path}").status == 200
    append = next(place for place, sql in enumerate(statements) if "append_audit" in sql)
    read = next(place for place, sql in enumerate(statements) if "FROM audit_entries" in sql)
    assert append < read
    assert "COMMIT" in statements[append]


def test_whole_chain_holds_and_says_how_far_it_is_protected(audited: Audited) -> None:
    audited.ingest_and_seal(3)
    assert audited.checkpoint() == 1
    audited.callers.operator.ingest(_REPORT)
    found = audited.verify()
    assert found["findings"] == []
    assert (found["first"], found["last"], found["entries"]) == (1, 2, 2)
    assert found["sealed_reports"] == 3
    assert found["unprotected"] == 1
    assert found["unsealed"]["requests"] == 1
    assert found["unsealed"]["since"] is not None
    assert found["checkpoint"]["number"] == 1
    assert found["checkpoint"]["seq"] == 1
    assert found["next_after"] is None


def test_without_checkpoints_the_answer_says_so(audited: Audited) -> None:
    audited.ingest_and_seal()
    assert audited.verify()["checkpoint"] is None


def _sealed_chain(audited: Audited) -> str:
    """Six entries, the last one's checkpoint among them."""
    for _ in range(6):
        audited.ingest_and_seal()
    audited.checkpoint()
    return f"tenant_id = '{audited.callers.tenant}'"


def test_entry_that_the_owner_changed_is_named(audited: Audited) -> None:
    whose = _sealed_chain(audited)
    audited.tamper(
        f"UPDATE audit_entries SET body = replace(body, 'done', 'gone') WHERE seq = 3 AND {whose}"
    )
    assert audited.faults()[0] == ("entry_changed", 3)


def test_entry_whose_columns_alone_were_changed_is_named(audited: Audited) -> None:
    whose = _sealed_chain(audited)
    audited.tamper(f"UPDATE audit_entries SET actor = 'someone' WHERE seq = 4 AND {whose}")
    assert audited.faults() == [("columns_changed", 4)]


def test_entry_that_the_owner_removed_is_named(audited: Audited) -> None:
    whose = _sealed_chain(audited)
    audited.tamper(f"DELETE FROM audit_entries WHERE seq IN (2, 3) AND {whose}")
    assert audited.faults()[0] == ("entry_missing", 2)


def test_beginning_that_the_owner_removed_is_named(audited: Audited) -> None:
    whose = _sealed_chain(audited)
    audited.tamper(f"DELETE FROM audit_entries WHERE seq <= 2 AND {whose}")
    audited.tamper(f"DELETE FROM audit_segments WHERE seq <= 2 AND {whose}")
    assert audited.faults() == [("entry_missing", 1)]


def test_tail_that_the_owner_cut_is_named_by_the_checkpoint(audited: Audited) -> None:
    whose = _sealed_chain(audited)
    audited.tamper(f"DELETE FROM audit_entries WHERE seq > 2 AND {whose}")
    audited.tamper(f"DELETE FROM audit_segments WHERE seq > 2 AND {whose}")
    audited.tamper(
        f"UPDATE audit_heads SET seq = 2, hash = (SELECT hash FROM audit_entries"
        f" WHERE seq = 2 AND {whose}) WHERE {whose}"
    )
    # The worker sees it with its next checkpoint, which makes nothing of it good.
    assert audited.checkpoint() == 2
    [finding] = audited.verify()["findings"]
    assert (finding["fault"], finding["seq"]) == ("tail_missing", 4)
    audited.ingest_and_seal(8)
    audited.checkpoint()
    assert audited.faults()[0][0] in ("tail_missing", "chain_rewritten")


def test_chain_that_the_owner_wrote_anew_is_named_by_the_checkpoint(audited: Audited) -> None:
    whose = _sealed_chain(audited)
    audited.tamper(
        f"UPDATE audit_entries SET body = replace(body, 'done', 'failed'), outcome = 'failed'"
        f" WHERE seq = 3 AND {whose}"
    )
    audited.tamper(_CHAIN_ANEW.format(tenant=audited.callers.tenant))
    assert audited.checkpoint() == 2
    assert ("chain_rewritten", 6) in audited.faults()
    audited.checkpoint()
    assert ("chain_rewritten", 6) in audited.faults()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit_segments SET leaves = overlay(leaves PLACING '\\x00' FROM 20)", "changed"),
        (
            "UPDATE audit_segments SET origins = replace(origins::text, 'key', 'kee')::json",
            "changed",
        ),
        ("DELETE FROM audit_segments", "missing"),
    ],
)
def test_segment_that_the_owner_changed_is_named(
    audited: Audited, statement: str, fault: str
) -> None:
    whose = _sealed_chain(audited)
    audited.tamper(f"{statement} WHERE seq = 5 AND {whose}")
    assert audited.faults() == [(f"segment_{fault}", 5)]


def test_segment_that_no_entry_sealed_is_named(audited: Audited) -> None:
    audited.ingest_and_seal()
    audited.verify()
    audited.tamper(
        "INSERT INTO audit_segments SELECT tenant_id, 2, leaves, origins FROM audit_segments"
        " WHERE tenant_id = %s",
        (audited.callers.tenant,),
    )
    assert audited.faults() == [("segment_changed", 2)]


def _restored_from_before(audited: Audited) -> None:
    """The state that a backup from before would bring back."""
    tables = ("audit_heads", "audit_entries", "audit_segments", "ingest_journal")
    for table in tables:
        audited.tamper(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    for _ in range(4):
        audited.ingest_and_seal()
    audited.checkpoint()
    for table in tables:
        audited.tamper(f"DELETE FROM {table}")
        audited.tamper(f"INSERT INTO {table} SELECT * FROM kept_{table}")


def test_database_from_an_old_backup_is_named_until_a_restore_is_declared(
    audited_alone: Audited,
) -> None:
    _sealed_chain(audited_alone)
    _restored_from_before(audited_alone)
    assert audited_alone.checkpoint() == 3
    assert audited_alone.faults() == [("tail_missing", 8)]
    assert declare_restore(audited_alone.maintenance, audited_alone.folder, SIGNING) == 4
    assert audited_alone.faults() == []
    audited_alone.ingest_and_seal()
    assert audited_alone.checkpoint() == 5
    found = audited_alone.verify()
    assert found["findings"] == []
    assert found["checkpoint"]["number"] == 5


def test_epoch_that_was_replaced_without_a_record_is_named(audited_alone: Audited) -> None:
    _sealed_chain(audited_alone)
    audited_alone.tamper("UPDATE epoch SET value = gen_random_uuid()")
    assert audited_alone.faults() == [("epoch_changed", None)]


def test_replaced_epoch_stands_in_the_systems_own_chain(audited_alone: Audited) -> None:
    declare_restore(audited_alone.maintenance, audited_alone.folder, SIGNING)
    key = audited_alone.service.keys.issue("key-operations", "system", "auditor")
    system = Client(audited_alone.service, "system", key)
    [_, replaced] = system.get("/admin/audit/logs").json["items"]
    assert replaced["action"] == "replace_epoch"
    [(epoch,)] = audited_alone.database.run(access.OWNER, "SELECT value::text FROM epoch")
    assert replaced["object_id"] == epoch


def test_chain_is_handed_out_as_it_is_stored(audited: Audited) -> None:
    audited.ingest_and_seal(2)
    part = audited.auditor.get("/admin/audit/chain").json
    assert part["after"] == {"seq": 0, "hash": "00" * 32}
    before = bytes(32)
    for entry in part["entries"]:
        before = sha256(before + entry["body"].encode()).digest()
        assert entry["hash"] == before.hex()
    assert part["head"] == {"seq": 2, "hash": before.hex()}
    assert part["next_after"] is None
    sealed, own = part["entries"]
    assert own["segment"] is None
    assert sum(origin["reports"] for origin in sealed["segment"]["origins"]) == 2
    rest = audited.auditor.get("/admin/audit/chain", {"after": "1"}).json
    assert rest["after"] == {"seq": 1, "hash": sealed["hash"]}
    assert [entry["seq"] for entry in rest["entries"]] == [2, 3]


def test_past_the_end_there_is_nothing_to_verify(audited: Audited) -> None:
    audited.ingest_and_seal()
    found = audited.auditor.get("/admin/audit/verify", {"after": "77"}).json
    assert (found["holds"], found["entries"], found["last"]) == (True, 0, 2)
    assert found["next_after"] is None
    part = audited.auditor.get("/admin/audit/chain", {"after": str(2**53 - 1)}).json
    assert (part["after"]["seq"], part["entries"], part["next_after"]) == (3, [], None)


def test_after_an_entry_that_is_missing_verifying_goes_on_from_the_one_before(
    audited: Audited,
) -> None:
    whose = _sealed_chain(audited)
    audited.tamper(f"DELETE FROM audit_entries WHERE seq = 3 AND {whose}")
    found = audited.auditor.get("/admin/audit/verify", {"after": "3"}).json
    assert (found["findings"][0]["fault"], found["findings"][0]["seq"]) == ("entry_missing", 3)


def test_dropped_entries_are_told_and_the_rest_holds(audited: Audited) -> None:
    whose = _sealed_chain(audited)
    before = f"(SELECT at FROM audit_entries WHERE seq = 4 AND {whose})"
    audited.database.run(
        access.MAINTENANCE,
        f"SELECT collector_expire_audit(%s, {before}, 400)",
        (audited.callers.tenant,),
    )
    found = audited.verify()
    # The one checkpoint came after these entries, so that it can't tell how old they were.
    assert found["findings"] == []
    assert (found["first"], found["dropped_through"]) == (4, 3)
    part = audited.auditor.get("/admin/audit/chain").json
    assert part["after"]["seq"] == 3
    audited.tamper(f"DELETE FROM audit_entries WHERE action = 'expire_audit' AND {whose}")
    assert audited.faults()


def test_denied_role_is_told_in_the_keys_own_tenants_chain(audited: Audited) -> None:
    viewer = audited.callers.viewer
    for _ in range(3):
        assert viewer.post_json("/ingest/qc", _REPORT).status == 403
    assert viewer.get("/admin/audit/logs").status == 403
    audited.service.denials.flush()
    items = audited.auditor.get("/admin/audit/logs", {"outcome": "denied"}).json["items"]
    told = {item["action"]: item for item in items}
    assert told.keys() == {"ingest_qc", "list_audit_logs"}
    assert told["ingest_qc"]["details"]["calls"] == 3
    assert told["ingest_qc"]["details"]["reason"] == "role"
    assert (told["ingest_qc"]["actor"], told["ingest_qc"]["role"]) == ("key-viewer", "viewer")


def test_callers_that_are_nobodys_are_told_in_the_systems_chain(audited_alone: Audited) -> None:
    stranger = Client(audited_alone.service, audited_alone.callers.tenant, "no-such-key")
    foreign = Client(audited_alone.service, "elsewhere", audited_alone.callers.secrets["admin"])
    for _ in range(4):
        assert stranger.get("/reports").status == 401
    assert foreign.get("/reports").status == 403
    audited_alone.service.denials.flush()
    key = audited_alone.service.keys.issue("key-operations", "system", "auditor")
    items = Client(audited_alone.service, "system", key).get("/admin/audit/logs").json["items"]
    told = {item["details"].get("reason"): item for item in items}
    assert told["unauthenticated"]["details"]["calls"] == 4
    assert told["unauthenticated"]["details"]["source"] == "127.0.0.1"
    assert told["unauthenticated"]["actor"] is None
    assert told["foreign_tenant"]["details"]["calls"] == 1
    assert told["foreign_tenant"]["actor"] == "key-admin"
    assert audited_alone.callers.tenant not in json.dumps(items)


def test_entries_of_another_tenant_are_not_listed(audited: Audited) -> None:
    other = Callers(audited.service)
    audited.ingest_and_seal()
    items = other.by_role["auditor"].get("/admin/audit/logs").json["items"]
    assert [item["action"] for item in items] == ["list_audit_logs"]
    assert other.by_role["auditor"].get("/admin/audit/verify").json["entries"] == 2


def test_long_chain_is_verified_in_parts(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.auditing._PAGE", 3)
    monkeypatch.setattr("handlers.auditing._MOST_ENTRIES", 5)
    whose = _sealed_chain(audited)
    for _ in range(6):
        audited.ingest_and_seal()
    audited.tamper(f"UPDATE audit_entries SET body = body || ' ' WHERE seq = 9 AND {whose}")
    after, faults, last = 0, [], 0
    while after is not None:
        found = audited.auditor.get("/admin/audit/verify", {"after": str(after)}).json
        assert found["first"] == last + 1
        faults += [(each["fault"], each["seq"]) for each in found["findings"]]
        after, last = found["next_after"], found["last"]
    assert faults == [("entry_changed", 9)]
    assert last > 12


def test_verifying_beside_writers_finds_nothing(audited: Audited) -> None:
    ended = threading.Event()

    def until_ended(work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            while not ended.is_set():
                work()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    audited.ingest_and_seal()
    threads = [
        until_ended(audited.ingest_and_seal),
        until_ended(audited.checkpoint),
        until_ended(lambda: audited.auditor.get("/admin/audit/logs")),
    ]
    try:
        assert [audited.faults() for _ in range(20)] == [[]] * 20
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("offset", ["-23:59", "-20:36", "+16:00", "+23:59"])
def test_log_is_filtered_by_times_of_any_offset(callers: Callers, offset: str) -> None:
    query = {"since": f"2026-01-01T00:00:00{offset}", "until": f"2999-12-31T00:00:00{offset}"}
    assert callers.by_role["auditor"].get("/admin/audit/logs", query).status == 200
