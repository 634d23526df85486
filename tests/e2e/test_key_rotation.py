"""A rehearsal of docs/keys.md: every key changed twice, wrapped by a KMS, and nothing is lost."""

import base64
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import httpx2
import pytest
from click.testing import CliRunner

from db import access
from service.aws_kms import AwsKms
from service.key_provider import KeyUse
from service.keys_command import keys as keys_command
from service.verify_command import verify
from tests.e2e.service_process import (
    Service,
    clean_environment,
    run_collector,
    running,
    wait_until,
)
from tests.support.database import TestDatabase
from tests.support.kms import KmsServer, kms_server

_API_KEY = "key-of-the-key-rotation-tests"
_HEADERS = {"X-Api-Key": _API_KEY, "X-Tenant": "acme"}
_SECRETS = ("ENCRYPTION_KEYS", "SIGNING_KEY", "EXPORT_SIGN_SECRET", "EXPORT_SIGN_SECRET_PREV")


@pytest.fixture
def kms(folder: Path) -> Iterator[KmsServer]:
    with kms_server(folder) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Keys:
    """The variables that an operator has set, and the commands that change them."""

    database: dict[str, str]
    kms: dict[str, str]
    key_id: str
    kids: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return self.database | self.kms | self.values

    def command(self, *arguments: str) -> str:
        """What a command prints that makes or shows keys; in this process, as there are many."""
        done = CliRunner().invoke(keys_command, arguments, env=self.values | self.kms)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def rewrap(self) -> str:
        done = run_collector("keys", "rewrap", environment=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def new(self, command: str) -> str:
        made = self.command(command, "--kms", self.key_id)
        assert re.fullmatch(r"(key-[0-9a-f]{12}:)?aws-kms:[A-Za-z0-9+/=]+", made)
        return made

    def rotated(self) -> Self:
        """Each key is a new one; the one before is kept for what it made, and no older one."""
        entry, old = self.new("new"), self.values
        values = {
            "ENCRYPTION_KEYS": entry,
            "SIGNING_KEY": self.new("new-signing-key"),
            "EXPORT_SIGN_SECRET": self.new("new-link-secret"),
        }
        if old:
            values["ENCRYPTION_KEYS"] += "," + old["ENCRYPTION_KEYS"].partition(",")[0]
            retired = self.command("retire-signing-key")
            values["SIGNING_PUBLIC_KEYS"] = old.get("SIGNING_PUBLIC_KEYS", "") + "\n" + retired
            values["EXPORT_SIGN_SECRET_PREV"] = old["EXPORT_SIGN_SECRET"]
        return replace(self, values=values, kids=(*self.kids, entry.partition(":")[0]))

    def wrapped_anew(self, key_id: str) -> Self:
        """The same keys, wrapped by another key of the KMS."""
        changed = {
            name: self.command("wrap", name, "--kms", key_id)
            for name in _SECRETS
            if name in self.values
        }
        return replace(self, values=self.values | changed, key_id=key_id)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A signed report as it was answered at first: its document, its bundle and the link to it."""

    path: str
    document: bytes
    bundle: bytes
    link: str


def _evidence(client: httpx2.Client) -> Evidence:
    posted = client.post("/ingest/qc", json={"status": {"api": "pass"}, "raw": {"log": "a line"}})
    assert posted.status_code == 201, posted.text
    path = posted.headers["location"]
    signed = client.post(f"{path}/sign")
    assert signed.status_code == 200, signed.text
    link = signed.json()["bundle_url"]
    return Evidence(path, client.get(path).content, _by_link(client, link).content, link)


def _by_link(client: httpx2.Client, link: str) -> httpx2.Response:
    return httpx2.get(client.base_url.join(link), timeout=60)


def _assert_kept(client: httpx2.Client, evidence: list[Evidence], folder: Path) -> None:
    """Everything is read as it was, and verifies by the keys that are served now."""
    listing = folder / "collector-keys.json"
    listing.write_bytes(client.get("/.well-known/collector-keys.json").content)
    for each in evidence:
        assert client.get(each.path).content == each.document
        link = client.post(f"{each.path}/sign").json()["bundle_url"]
        assert _by_link(client, link).content == each.bundle
        (folder / "bundle.zip").write_bytes(each.bundle)
        verified = CliRunner().invoke(verify, [str(folder / "bundle.zip"), "--keys", str(listing)])
        assert verified.exit_code == 0, verified.output


@contextmanager
def _serving(keys: Keys, folder: Path) -> Iterator[tuple[Service, httpx2.Client]]:
    with running("serve", keys.environment, folder / "log") as service:
        with httpx2.Client(base_url=service.url, headers=_HEADERS, timeout=60) as client:
            yield service, client
        assert service.stop() == 0


def _on(database: TestDatabase, **others: str) -> dict[str, str]:
    return clean_environment(
        DATABASE_URL=database.url(access.APP),
        MAINTENANCE_DATABASE_URL=database.url(access.MAINTENANCE),
        API_KEYS=f"ci:acme:admin:{_API_KEY}",
        DRAIN_SECONDS="0",
        # The most that can be logged, of what libraries send and receive too.
        LOG_LEVEL="debug",
        **others,
    )


def test_every_key_is_changed_twice_and_all_that_was_stored_reads_and_verifies(
    own_database: TestDatabase, kms: KmsServer, folder: Path
) -> None:
    first = Keys(_on(own_database), kms.variables, kms.new_key()).rotated()
    with _serving(first, folder) as (_, client):
        evidence = [_evidence(client)]
        _assert_kept(client, evidence, folder)

    second = first.rotated()
    with _serving(second, folder) as (_, client):
        _assert_kept(client, evidence, folder)
        assert _by_link(client, evidence[0].link).content == evidence[0].bundle
        evidence.append(_evidence(client))
        assert f"Nothing is under {first.kids[0]} any more" in second.rewrap()

    # Another key of the KMS too: what is in the variables is wrapped anew, and is the same.
    third = second.rotated().wrapped_anew(kms.new_key())
    shown = third.command("show").splitlines()[1:]
    assert [line.split()[-1] for line in shown] == [third.key_id] * 5 + ["public"] * 2
    with _serving(third, folder) as (_, client):
        evidence.append(_evidence(client))
        _assert_kept(client, evidence, folder)
        assert _by_link(client, evidence[0].link).status_code == 401
        assert _by_link(client, evidence[1].link).content == evidence[1].bundle
        assert f"Nothing is under {second.kids[1]} any more" in third.rewrap()

    newest, older = third.values["ENCRYPTION_KEYS"].split(",")
    alone = replace(third, values=third.values | {"ENCRYPTION_KEYS": newest})
    with _serving(alone, folder) as (_, client):
        _assert_kept(client, evidence, folder)
    refused = run_collector("serve", environment=third.environment | {"ENCRYPTION_KEYS": older})
    assert refused.returncode == 1
    assert f"encrypted under {third.kids[2]}, which the keyring lacks" in refused.stderr
    _assert_nothing_leaked(third, folder)


def _assert_nothing_leaked(keys: Keys, folder: Path) -> None:
    """No key that was opened stands in the log, in any form that a library would give it."""
    logged = (folder / "log").read_text()
    assert '"event":"request"' in logged
    pem, token = (_revealed(keys, name) for name in ("SIGNING_KEY", "EXPORT_SIGN_SECRET"))
    for secret in (pem.splitlines()[2], token):
        assert secret not in logged
        assert base64.b64encode(secret.encode()).decode()[:24] not in logged
    assert "Plaintext" not in logged
    assert "aws-kms:" not in logged


def _revealed(keys: Keys, name: str) -> str:
    use = KeyUse(name, "signing-key" if name == "SIGNING_KEY" else "link-secret")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in keys.kms.items():
            patch.setenv(variable, value)
        return AwsKms().reveal(keys.values[name], use).text


def test_server_processes_begin_anew_while_the_kms_is_away_but_a_start_is_refused(
    own_database: TestDatabase, kms: KmsServer, folder: Path
) -> None:
    keys = Keys(_on(own_database, WORKERS="2"), kms.variables, kms.new_key()).rotated()
    with _serving(keys, folder) as (service, client):
        evidence = [_evidence(client)]
        kms.end()
        before = service.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(set(service.workers()) - set(before)) == 2, "two new processes")
        wait_until(lambda: _answers(client), "the new processes to serve")
        _assert_kept(client, evidence, folder)
    for command in ("serve", "worker"):
        refused = run_collector(command, environment=keys.environment)
        assert refused.returncode == 1
        assert re.fullmatch(
            r"Error: ENCRYPTION_KEYS, key id.*: AWS KMS at 127.0.0.1:\d+ gives no usable answer "
            r"\(EndpointConnectionError\)",
            refused.stderr.strip(),
        )


def _answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx2.TransportError:
        return False
