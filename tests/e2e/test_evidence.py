"""Evidence by whole commands: sign, download, verify offline; what is kept and what is not."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from policies.bundle import FILES
from policies.published_keys import public_keys_of_pem
from service.verify_command import verify
from tests.e2e.service_process import Service, clean_environment, run_collector, running
from tests.support.evidence import files_of

_REPORT = {"status": {"api": "pass", "lighthouse": "warn"}, "stream": "checkout-api/main"}


@dataclass(frozen=True, slots=True)
class Received:
    """What a third party has: a bundle, the keys' listing, and the address it came from."""

    bundle: Path
    keys: Path
    report_id: str
    token: str


def _received(service: Service, folder: Path) -> Received:
    with service.client() as client:
        report_id = client.post("/ingest/qc", json=_REPORT).raise_for_status().json()["id"]
        link = client.post(f"/reports/{report_id}/sign").raise_for_status().json()
    with httpx2.Client(base_url=service.url) as anyone:
        archive = anyone.get(link["bundle_url"]).raise_for_status().content
        listing = anyone.get("/.well-known/collector-keys.json").raise_for_status().content
    received = Received(folder / "bundle.zip", folder / "keys.json", report_id, link["token"])
    received.bundle.write_bytes(archive)
    received.keys.write_bytes(listing)
    return received


@pytest.fixture
def received(shared_service: Service, tmp_path: Path) -> Received:
    return _received(shared_service, tmp_path)


def _verify(*arguments: object) -> tuple[int, str]:
    """The exit code of `collector verify`, and what it says; in this process, which is sooner."""
    ended = CliRunner().invoke(verify, [str(each) for each in arguments])
    assert ended.exception is None or isinstance(ended.exception, SystemExit)
    return ended.exit_code, ended.output


def _verify_by_itself(*arguments: object) -> tuple[int, str]:
    """The same as a command of its own. Nothing is set: no database, no key, no home."""
    ended = run_collector("verify", *map(str, arguments), environment=clean_environment())
    return ended.returncode, ended.stdout + ended.stderr


def test_bundle_is_verified_with_the_keys_alone(received: Received) -> None:
    code, said = _verify_by_itself(received.bundle, "--keys", received.keys)
    assert (code, said) == _verify(received.bundle, "--keys", received.keys)
    assert code == 0, said
    assert [line.split()[0] for line in said.splitlines()[:5]] == ["ok"] * 5
    assert f"Verified: report {received.report_id} of tenant demo, " in said
    assert "came to WARNED" in said


def test_keys_are_taken_from_a_collectors_address_too(
    received: Received, shared_service: Service
) -> None:
    assert _verify(received.bundle, "--keys", shared_service.url)[0] == 0
    assert _verify(received.bundle, "--keys", f"{shared_service.url}/")[0] == 0
    code, said = _verify(received.bundle, "--keys", f"{shared_service.url}/nowhere")
    assert (code, "the answer is 404, not 200" in said) == (2, True)
    code, said = _verify(received.bundle, "--keys", "http://127.0.0.1:9/")
    assert (code, "--keys: no answer" in said) == (2, True)


def test_each_changed_byte_ends_with_1_and_names_what_it_belongs_to(received: Received) -> None:
    whole = received.bundle.read_bytes()
    places = {name: whole.index(content) for name, content in files_of(whole).items()}
    picked = [*places.values(), 0, len(whole) - 1, *random.Random(7).sample(range(len(whole)), 60)]
    for place in picked:
        changed = bytearray(whole)
        changed[place] ^= 0x20
        received.bundle.write_bytes(bytes(changed))
        code, said = _verify(received.bundle, "--keys", received.keys)
        assert code == 1, place
        assert "Not verified: wrong is archive" in said
        for name in FILES:
            if places[name] == place:
                assert any(name in line for line in said.splitlines() if line.startswith("WRONG"))


def test_without_keys_nothing_is_called_verified(received: Received) -> None:
    code, said = _verify(received.bundle)
    assert code == 3
    assert "unknown signature can't be checked without keys" in said
    assert "Not verified: nothing is wrong, but who signed can't be said without --keys." in said


def test_key_of_another_is_not_enough(received: Received, tmp_path: Path) -> None:
    listing = json.loads(received.keys.read_text())
    (tmp_path / "none.json").write_text(json.dumps({"keys": []}))
    code, said = _verify(received.bundle, "--keys", tmp_path / "none.json")
    assert code == 1
    assert "is by a key that is not among those given" in said
    assert received.report_id not in said
    pem = tmp_path / "key.pem"
    pem.write_text(listing["keys"][0]["pem"])
    assert len(public_keys_of_pem(pem.read_text())) == 1
    assert _verify(received.bundle, "--keys", pem)[0] == 0


def test_key_retired_before_it_signed_is_not_enough(received: Received) -> None:
    listing = json.loads(received.keys.read_text())
    listing["keys"][0] |= {"valid_from": None, "valid_until": "2020-01-01T00:00:00Z"}
    received.keys.write_text(json.dumps(listing))
    code, said = _verify(received.bundle, "--keys", received.keys)
    assert (code, "did not sign at" in said) == (1, True)


def test_attestation_alone_is_verified_and_a_report_against_it(
    received: Received, tmp_path: Path
) -> None:
    for name, content in files_of(received.bundle.read_bytes()).items():
        (tmp_path / name).write_bytes(content)
    attestation = tmp_path / "attestation.dsse.json"
    code, said = _verify(attestation, "--keys", received.keys)
    assert (code, "qc_report.json is looked at where --report names it" in said) == (0, True)
    report = tmp_path / "qc_report.json"
    assert _verify(attestation, "--keys", received.keys, "--report", report)[0] == 0
    report.write_bytes(report.read_bytes() + b" ")
    code, said = _verify(attestation, "--keys", received.keys, "--report", report)
    assert (code, "WRONG   qc_report.json" in said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.zip"], "does not exist"),
        (["{bundle}", "--keys", "nowhere.json"], "--keys: can't read the file"),
        (["{bundle}", "--keys", "{bundle}"], "--keys: it is neither JSON nor PEM"),
        (["{bundle}", "--report", "{keys}"], "--report is for an attestation alone"),
    ],
)
def test_what_can_not_be_checked_ends_with_2(
    received: Received, arguments: list[str], said: str
) -> None:
    named: Mapping[str, object] = {"bundle": received.bundle, "keys": received.keys}
    code, told = _verify(*(each.format(**named) for each in arguments))
    assert code == 2
    assert said in told


def test_listing_given_as_a_bundle_is_no_attestation(received: Received) -> None:
    code, said = _verify(received.keys, "--keys", received.keys)
    assert (code, "WRONG   attestation.dsse.json can't be read" in said) == (1, True)


def test_bundle_and_link_outlive_a_restart_and_the_token_is_kept_nowhere(
    folder: Path, environment: dict[str, str]
) -> None:
    settings = {**environment, "LOG_LEVEL": "debug"}
    with running("up", settings, folder / "log") as service:
        received = _received(service, folder)
        assert service.stop() == 0
    path = f"/reports/{received.report_id}/bundle.zip"
    with running("up", settings, folder / "log") as service:
        again = httpx2.get(service.url + path, params={"token": received.token})
        assert again.content == received.bundle.read_bytes()
        wrong = httpx2.get(service.url + path, params={"token": f"{received.token}x"})
        assert wrong.status_code == 401
        with service.client("viewer") as client:
            assert client.get(path, params={"token": received.token[:-1]}).status_code == 401
        assert service.stop() == 0
        log = service.log()
    assert log.count('"operation":"download_bundle"') == 4
    # Neither whole nor its signature alone, in the log, the database's files or its own log.
    signature = received.token.rpartition(".")[2].encode()
    searched = [path for path in (folder / "home").rglob("*") if path.is_file()]
    assert len(searched) > 100
    for file in (*searched, folder / "log"):
        assert signature not in file.read_bytes(), file
