"""Every command of docs/verifying.md, with curl, unzip, jq and OpenSSL, on real evidence.

Nothing of ours takes part in what stands under "With OpenSSL alone", "With a library" and "The same
by hand".
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.e2e.service_process import (
    BIN,
    COLLECTOR,
    ROOT,
    Service,
    clean_environment,
    running,
    short_folder,
)
from tests.support.evidence import files_of

_DOCUMENT: Final = (ROOT / "docs" / "verifying.md").read_text(encoding="utf-8")
_REPORT: Final = {"status": {"api": "pass", "lighthouse": "warn"}}


_OF_EXPORTS: Final = "## An export"
_EXPORT_BY_HAND: Final = "### The same by hand"


def _blocks(language: str, heading: str) -> str:
    """The code blocks of one language, from a heading on to the next of its kind."""
    kind = heading.partition(" ")[0]
    text = _DOCUMENT.partition(f"\n{heading}\n")[2].partition(f"\n{kind} ")[0]
    return _in(text, language, heading)


def _of_bundles(language: str) -> str:
    return _in(_DOCUMENT.partition(f"\n{_OF_EXPORTS}\n")[0], language, "bundles")


def _in(text: str, language: str, section: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, section
    return "\n".join(found)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with short_folder() as folder:
        settings = clean_environment(COLLECTOR_HOME=str(folder / "home"), DRAIN_SECONDS="0")
        with running("up", settings, folder / "log") as started:
            yield started


@pytest.fixture(scope="module")
def archive(service: Service) -> bytes:
    with service.client() as client:
        report_id = client.post("/ingest/qc", json=_REPORT).raise_for_status().json()["id"]
        link = client.post(f"/reports/{report_id}/sign").raise_for_status().json()
    return httpx2.get(service.url + link["bundle_url"]).raise_for_status().content


def _run(script: str, folder: Path, service: Service) -> subprocess.CompletedProcess[str]:
    variables = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "COLLECTOR_URL": service.url,
        "HOME": str(folder),
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_commands_work_in_the_order_in_which_they_stand(
    service: Service, archive: bytes, tmp_path: Path
) -> None:
    (tmp_path / "bundle.zip").write_bytes(archive)
    ended = _run(_of_bundles("sh"), tmp_path, service)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Verified: report " in ended.stdout
    for name in ("qc_report.json", "qc_report.md", "attestation.dsse.json"):
        assert f"{name}: OK" in ended.stdout
    assert "Signature Verified Successfully" in ended.stdout
    assert '"WARNED"' in ended.stdout


@pytest.fixture
def unpacked(archive: bytes, service: Service, tmp_path: Path) -> Path:
    (tmp_path / "bundle").mkdir()
    for name, content in files_of(archive).items():
        (tmp_path / "bundle" / name).write_bytes(content)
    keys = httpx2.get(f"{service.url}/.well-known/collector-keys.json").raise_for_status()
    (tmp_path / "collector-keys.json").write_bytes(keys.content)
    return tmp_path


_BY_OPENSSL: Final = "## With OpenSSL alone"


def _changed(document: dict[str, object]) -> dict[str, object]:
    payload = str(document["payload"])
    return {
        **document,
        "payload": payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:],
    }


def test_openssl_alone_finds_what_was_changed(service: Service, unpacked: Path) -> None:
    script = _blocks("sh", _BY_OPENSSL)
    assert _run(script, unpacked, service).returncode == 0
    bundle = unpacked / "bundle"
    for name in ("qc_report.json", "qc_report.md"):
        path = bundle / name
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        ended = _run(script, unpacked, service)
        assert ended.returncode != 0
        assert f"{name}: FAILED" in ended.stdout
        path.write_bytes(content)


def test_openssl_alone_finds_a_forged_statement_though_the_digests_fit(
    service: Service, unpacked: Path
) -> None:
    path = unpacked / "bundle" / "attestation.dsse.json"
    document = json.loads(path.read_text())
    signature = str(document["signatures"][0]["sig"])
    other = "A" if signature[10] != "A" else "B"
    document["signatures"][0]["sig"] = signature[:10] + other + signature[11:]
    path.write_text(json.dumps(document))
    # The forger mends the manifest, so that only the signature is left to find it.
    script = _blocks("sh", _BY_OPENSSL)
    mended = re.sub(r"^jq .*manifest\.json.*$", "", script, flags=re.MULTILINE)
    assert mended != script
    ended = _run(mended, unpacked, service)
    assert ended.returncode != 0
    assert "Signature Verification Failure" in ended.stdout + ended.stderr


def test_key_that_is_not_in_the_listing_is_found(service: Service, unpacked: Path) -> None:
    (unpacked / "collector-keys.json").write_text('{"keys": []}')
    assert _run(_blocks("sh", _BY_OPENSSL), unpacked, service).returncode != 0


def test_library_verifies_it_and_finds_what_was_changed(unpacked: Path) -> None:
    code = _blocks("python", "## With a library")
    bundle = unpacked / "bundle"

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=bundle, capture_output=True, text=True, check=False
        )

    assert run().stdout == "WARNED\n"
    path = bundle / "attestation.dsse.json"
    path.write_text(json.dumps(_changed(json.loads(path.read_text()))))
    ended = run()
    assert ended.returncode != 0
    assert "VerificationError" in ended.stderr or "UnverifiedSignatureError" in ended.stderr


@pytest.fixture
def exported(service: Service, archive: bytes, tmp_path: Path) -> Path:
    """A folder with an export of the report that the bundle is of, and the keys."""
    command = [COLLECTOR, "export", "--since", "1d", "-o", "november.ndjson.gz"]
    key = {"API_KEY": service.keys["auditor"], "TENANT_ID": "demo"}
    settings = clean_environment(COLLECTOR_URL=service.url, **key)
    subprocess.run(command, cwd=tmp_path, env=settings, check=True)
    keys = httpx2.get(f"{service.url}/.well-known/collector-keys.json").raise_for_status()
    (tmp_path / "collector-keys.json").write_bytes(keys.content)
    return tmp_path


def test_all_commands_on_an_export_work_in_the_order_in_which_they_stand(
    service: Service, exported: Path
) -> None:
    ended = _run(_blocks("sh", _OF_EXPORTS), exported, service)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Verified: export " in ended.stdout
    assert "november.ndjson.gz: OK" in ended.stdout
    assert "as it was from byte 0 on" in ended.stdout
    assert "Signature Verified Successfully" in ended.stdout


def test_openssl_alone_finds_an_export_that_was_changed(service: Service, exported: Path) -> None:
    script = _blocks("sh", _EXPORT_BY_HAND)
    assert _run(script, exported, service).returncode == 0
    file = exported / "november.ndjson.gz"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    ended = _run(script, exported, service)
    assert ended.returncode != 0
    assert "november.ndjson.gz: FAILED" in ended.stdout
    file.write_bytes(content)


def test_openssl_alone_finds_a_manifest_that_was_changed(service: Service, exported: Path) -> None:
    path = exported / "november.ndjson.gz.manifest.json"
    document = json.loads(path.read_text())
    payload = base64.b64decode(document["payload"])
    forged = payload.replace(b'"tenant": "demo"', b'"tenant": "demi"')
    assert forged != payload
    path.write_text(json.dumps({**document, "payload": base64.b64encode(forged).decode()}))
    ended = _run(_blocks("sh", _EXPORT_BY_HAND), exported, service)
    assert ended.returncode != 0
    # The file itself is as it was.
    assert "november.ndjson.gz: OK" in ended.stdout
    assert "Signature Verification Failure" in ended.stdout + ended.stderr


def test_what_it_needs_is_installed() -> None:
    for program in ("curl", "dd", "gunzip", "jq", "openssl", "sha256sum", "unzip"):
        assert shutil.which(program), f"{program} is missing; ci/e2e installs it"
