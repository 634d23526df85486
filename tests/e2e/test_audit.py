"""`collector audit`: an auditor's way from a running service to a verdict that needs none."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from db import access
from db.session import Database
from service.settings import Settings
from service.tasks.audit import expire_audit, seal_journal, write_checkpoint
from service.tasks.task import WorkerParts
from service.worker_parts import worker_parts
from tests.e2e.service_process import Service, clean_environment, run_collector, running
from tests.support.database import TestDatabase

_OPERATOR, _AUDITOR = "operator-key-of-the-audit-tests", "auditor-key-of-the-audit-tests"


@dataclass(frozen=True, slots=True)
class Audited:
    """A service, its database, and the worker's work to be done when a test says."""

    service: Service
    database: TestDatabase
    environment: dict[str, str]
    parts: WorkerParts
    maintenance: Database
    folder: Path

    def call(self, method: str, path: str, key: str | None = _OPERATOR, **options: object) -> int:
        headers = {"X-Tenant": "acme"} | ({"X-Api-Key": key} if key else {})
        url = self.service.url + path
        answer = httpx2.request(method, url, headers=headers, trust_env=False, **options)  # type: ignore[arg-type]  # any of httpx2's
        return answer.status_code

    def work(self) -> None:
        seal_journal(self.maintenance, self.parts)
        write_checkpoint(self.maintenance, self.parts)

    def export(self) -> Path:
        file = self.folder / "acme.ndjson"
        environment = {**self.environment, "COLLECTOR_URL": self.service.url}
        environment |= {"API_KEY": _AUDITOR, "TENANT_ID": "acme"}
        done = run_collector("audit", "export", "-o", str(file), environment=environment)
        assert done.returncode == 0, done.stderr
        return file

    def verify(self, file: Path, *, checkpoints: bool = True) -> subprocess.CompletedProcess[str]:
        keys = self.folder / "keys.json"
        if not keys.exists():
            listing = httpx2.get(f"{self.service.url}/.well-known/collector-keys.json")
            keys.write_bytes(listing.content)
        store = self.environment["CHECKPOINT_STORE"]
        against = ["--checkpoints", store, "--keys", str(keys)] if checkpoints else []
        # Nothing of the service's own settings: a third party has none.
        return run_collector(
            "audit", "verify", str(file), *against, environment=clean_environment()
        )


@pytest.fixture
def audited(own_database: TestDatabase, folder: Path) -> Iterator[Audited]:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    environment = clean_environment(
        DATABASE_URL=own_database.url(access.APP),
        MAINTENANCE_DATABASE_URL=own_database.url(access.MAINTENANCE),
        API_KEYS=f"ci:acme:operator:{_OPERATOR},eve:acme:auditor:{_AUDITOR}",
        SIGNING_KEY=pem.decode(),
        CHECKPOINT_STORE=str(folder / "checkpoints"),
        DRAIN_SECONDS="0",
    )
    settings = Settings(
        database_url=own_database.url(access.APP),
        signing_key=pem.decode(),
        checkpoint_store=folder / "checkpoints",
    )
    maintenance = Database(own_database.url(access.MAINTENANCE), pool_size=1)
    parts = worker_parts(settings, maintenance, maintenance)
    with running("serve", environment, folder / "log") as service:
        yield Audited(service, own_database, environment, parts, maintenance, folder)
    maintenance.close()


def _ingest(audited: Audited, count: int) -> None:
    for number in range(count):
        document = {"status": {"api": "pass"}, "notes": [f"note {number}"]}
        assert audited.call("POST", "/ingest/qc", json=document) == 201


def _cut_the_tail(database: TestDatabase, last: int) -> None:
    """What the database's owner can do about entries after this one."""
    for table in ("audit_entries", "audit_segments"):
        database.run(access.OWNER, f"DELETE FROM {table} WHERE tenant_id = 'acme' AND seq > {last}")
    database.run(
        access.OWNER,
        "UPDATE audit_heads SET seq = entry.seq, hash = entry.hash FROM audit_entries AS entry"
        " WHERE audit_heads.tenant_id = 'acme' AND entry.tenant_id = 'acme'"
        f" AND entry.seq = {last}",
    )


def test_export_verifies_offline_until_it_or_the_database_is_changed(audited: Audited) -> None:
    for _ in range(3):
        _ingest(audited, 2)
        audited.work()
    file = audited.export()
    whole = audited.verify(file)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    lines = whole.stdout.splitlines()
    assert lines[0] == "Tenant acme, entries 1 to 4: 4 verified, which seal 6 reports."
    assert lines[1].startswith("Checkpoints 1 of ")
    assert lines[2:] == ["After the newest checkpoint came entry 4.", "All of this holds."]

    changed = file.read_bytes().replace(b"seal_journal", b"seal_jourmal", 1)
    (audited.folder / "changed").write_bytes(changed)
    found = audited.verify(audited.folder / "changed")
    assert found.returncode == 1
    assert "NOT SO (entry_changed): Entry 1 is not" in found.stdout
    assert "All of this holds" not in found.stdout

    _cut_the_tail(audited.database, 2)
    cut = audited.export()
    alone = audited.verify(cut, checkpoints=False)
    assert alone.returncode == 0
    assert "No checkpoint was looked at" in alone.stdout
    held = audited.verify(cut)
    assert held.returncode == 1
    assert "(chain_rewritten): Checkpoint 3 of" in held.stdout

    declared = run_collector("audit", "declare-restore", environment=audited.environment)
    assert declared.returncode == 0, declared.stderr
    assert "checkpoint 4 is the record of it" in declared.stdout
    after = audited.verify(audited.export())
    assert after.returncode == 0, after.stdout
    assert "Lost in the restore that checkpoint 4 of" in after.stdout
    assert "declares: entry 3." in after.stdout


def test_what_is_no_export_or_no_key_is_told_in_a_sentence(audited: Audited) -> None:
    file = audited.folder / "nothing"
    file.write_text("nothing\n")
    audited.work()
    found = audited.verify(file)
    assert found.returncode == 1
    assert found.stdout.startswith("NOT SO (export_changed): Line 1 is not the head")
    (audited.folder / "keys.json").write_text("nothing")
    assert "neither JSON nor PEM" in audited.verify(file).stderr
    usage = run_collector(
        "audit", "verify", str(file), "--checkpoints", str(audited.folder),
        environment=clean_environment(),
    )  # fmt: skip
    assert (usage.returncode, "--keys" in usage.stderr) == (2, True)


def test_refused_calls_are_in_the_log_after_a_graceful_stop(audited: Audited) -> None:
    for _ in range(5):
        assert audited.call("GET", "/reports", key=None) == 401
    assert audited.call("GET", "/admin/audit/logs") == 403
    assert audited.service.stop() == 0
    told = audited.database.run(
        access.OWNER,
        "SELECT tenant_id, action, actor, sum((body::json #>> '{details,calls}')::int)"
        " FROM audit_entries WHERE outcome = 'denied' GROUP BY 1, 2, 3 ORDER BY 1",
    )
    assert told == [
        ("acme", "list_audit_logs", "ci", 1),
        ("system", "authenticate", None, 5),
    ]


def test_worker_without_a_signing_key_or_anything_to_drop_goes_on(
    audited: Audited, tmp_path: Path
) -> None:
    settings = audited.parts.settings.model_copy(
        update={"signing_key": None, "checkpoint_store": tmp_path / "none"}
    )
    parts = worker_parts(settings, audited.maintenance, audited.maintenance)
    write_checkpoint(audited.maintenance, parts)
    expire_audit(audited.maintenance, parts)
    assert not (tmp_path / "none").exists()
