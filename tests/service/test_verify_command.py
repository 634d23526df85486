"""`collector verify` of an export's file and its manifest: what it says, and how it ends."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from policies.published_keys import as_json
from service.verify_command import verify
from tests.policies.exports import EXPORT_ID, KEYS, envelope_of

_PARTS = (b'{"id":1}\n{"id":2}\n', b'{"id":3}\n')


@dataclass(frozen=True, slots=True)
class _Files:
    export: Path
    manifest: Path
    keys: Path


@pytest.fixture
def files(tmp_path: Path) -> _Files:
    found = _Files(tmp_path / "november.ndjson", tmp_path / "m.json", tmp_path / "keys.json")
    found.export.write_bytes(b"".join(_PARTS))
    found.manifest.write_bytes(envelope_of(_PARTS))
    found.keys.write_text(json.dumps({"keys": [as_json(key) for key in KEYS.values()]}))
    return found


def _verify(*arguments: object) -> tuple[int, str]:
    ended = CliRunner().invoke(verify, [str(each) for each in arguments])
    assert ended.exception is None or isinstance(ended.exception, SystemExit)
    return ended.exit_code, ended.output


def test_export_is_verified_and_told_of(files: _Files) -> None:
    code, said = _verify(files.export, "--manifest", files.manifest, "--keys", files.keys)
    assert code == 0, said
    assert [line.split()[0] for line in said.splitlines()[:2]] == ["ok", "ok"]
    assert f"Verified: export {EXPORT_ID} of tenant acme, 3 reports (info, warn, block; " in said
    assert "without raw) stored from 2026-11-13 12:00:00 to 2026-11-20 11:59:00 UTC" in said


def test_manifest_beside_the_file_is_found_by_itself(files: _Files) -> None:
    files.manifest.rename(f"{files.export}.manifest.json")
    assert _verify(files.export, "--keys", files.keys)[0] == 0


@pytest.mark.parametrize("place", [0, 17, 18, 26])
def test_part_that_was_changed_is_named(files: _Files, place: int) -> None:
    content = bytearray(files.export.read_bytes())
    content[place] ^= 1
    files.export.write_bytes(content)
    code, said = _verify(files.export, "--manifest", files.manifest, "--keys", files.keys)
    assert code == 1
    part = "part 1 of 2, bytes 0 to 17" if place < 18 else "part 2 of 2, bytes 18 to 26"
    assert (
        f"WRONG   november.ndjson is not what was signed: the first part that differs is {part}"
        in (said)
    )
    assert "Not verified: wrong is november.ndjson." in said
    assert "Verified: " not in said


def test_without_keys_it_says_that_nobody_knows_who_signed(files: _Files) -> None:
    code, said = _verify(files.export, "--manifest", files.manifest)
    assert code == 3
    assert "who signed can't be said without --keys" in said


def test_export_without_its_manifest_is_asked_for_it(files: _Files, tmp_path: Path) -> None:
    for begin in (b"\x1f\x8b\x08\x00", b"PAR1"):
        files.export.write_bytes(begin + bytes(20))
        code, said = _verify(files.export, "--keys", files.keys)
        assert (code, "name its --manifest" in said) == (2, True)
    table = tmp_path / "november.csv"
    for text in ("id,severity\n", '{"id": 1}\n{"id": 2}\n'):
        table.write_text(text)
        code, said = _verify(table, "--keys", files.keys)
        assert (code, "named by --manifest" in said) == (1, True)


def test_manifest_in_the_place_of_the_export_is_told(files: _Files) -> None:
    code, said = _verify(files.manifest, "--keys", files.keys)
    assert (code, "m.json is the manifest of an export" in said) == (2, True)


def test_manifest_that_is_none_is_wrong_and_one_that_is_huge_is_not_read(files: _Files) -> None:
    code, said = _verify(files.export, "--manifest", files.keys, "--keys", files.keys)
    assert (code, "WRONG   manifest can't be read" in said) == (1, True)
    with files.manifest.open("r+b") as opened:
        opened.truncate(17 * 1024 * 1024)
    code, said = _verify(files.export, "--manifest", files.manifest, "--keys", files.keys)
    assert (code, "too large to be a manifest" in said) == (2, True)


def test_report_is_not_for_exports(files: _Files) -> None:
    code, said = _verify(files.export, "--manifest", files.manifest, "--report", files.keys)
    assert (code, "--report is for an attestation alone" in said) == (2, True)
