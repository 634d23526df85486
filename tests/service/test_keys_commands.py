"""`collector keys`: what makes, wraps, retires and shows keys, and what is said where it can't."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.keys_command import keys
from tests.support.kms import answering, aws_variables, error


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def _run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(keys, arguments, env=environment)


def test_commands_say_why_the_kms_wraps_nothing_and_print_no_key() -> None:
    with answering(error("AccessDeniedException")) as (port, _):
        environment = {**aws_variables(port), "EXPORT_SIGN_SECRET": "s" * 40}
        for command in (["new"], ["new-signing-key"], ["wrap", "EXPORT_SIGN_SECRET"]):
            ended = _run(*command, "--kms", "alias/c", **environment)
            assert (ended.exit_code, ended.stdout) == (1, "")
            assert re.fullmatch(
                r"Error: [A-Z_]+.*: AWS KMS denies kms:\w+ to this login; .*", ended.stderr.strip()
            )


def test_what_is_not_set_or_can_not_be_used_is_not_wrapped() -> None:
    unset = _run("wrap", "SIGNING_KEY", "--kms", "k")
    assert (unset.exit_code, unset.stdout) == (1, "")
    assert "SIGNING_KEY must be set, or SIGNING_KEY_FILE" in unset.stderr
    short = _run("wrap", "EXPORT_SIGN_SECRET", "--kms", "k", EXPORT_SIGN_SECRET="short")
    assert (short.exit_code, short.stdout) == (1, "")
    assert "EXPORT_SIGN_SECRET: has 5 characters" in short.stderr


def test_plain_keys_are_made_retired_and_shown_by_their_ids(tmp_path: Path) -> None:
    values = {
        "ENCRYPTION_KEYS": _run("new").stdout.strip(),
        "SIGNING_KEY": _run("new-signing-key").stdout.strip(),
        "EXPORT_SIGN_SECRET": _run("new-link-secret").stdout.strip(),
    }
    retired = _run("retire-signing-key", "--until", "2030-01-02T03:04:05Z", **values).stdout
    assert retired.startswith("valid-from: 20")
    assert "valid-until: 2030-01-02T03:04:05Z\n-----BEGIN PUBLIC KEY-----" in retired
    shown = _run("show", **values)
    assert shown.exit_code == 0, shown.output
    rows = [line.split() for line in shown.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == list(values)
    assert rows[0][1] == values["ENCRYPTION_KEYS"].partition(":")[0]
    assert re.fullmatch("[0-9a-f]{64}", rows[1][1])
    assert {row[2] for row in rows} == {"nothing"}
    for secret in values.values():
        assert secret not in shown.stdout
    in_file = {**values, "SIGNING_KEY_FILE": str(tmp_path / "key")}
    (tmp_path / "key").write_text(in_file.pop("SIGNING_KEY"))
    assert _run("show", **in_file).stdout == shown.stdout
    # What was retired takes the place of what it was made of.
    follows = {**values, "SIGNING_KEY": _run("new-signing-key").stdout}
    again = _run("show", **follows, SIGNING_PUBLIC_KEYS=retired).stdout.splitlines()
    assert again[-1].split() == ["SIGNING_PUBLIC_KEYS", rows[1][1], "public"]


def test_single_keys_are_shown_by_the_ids_that_are_made_of_them() -> None:
    made = [_run("new").stdout.strip().split(":") for _ in range(2)]
    shown = _run("show", ENCRYPTION_KEY=made[0][1], ENCRYPTION_KEY_PREV=made[1][1])
    assert [line.split()[:2] for line in shown.stdout.splitlines()[1:]] == [
        ["ENCRYPTION_KEY", made[0][0]],
        ["ENCRYPTION_KEY_PREV", made[1][0]],
    ]


def test_nothing_set_is_shown_as_no_key_and_nothing_to_retire() -> None:
    assert _run("show").stdout.splitlines()[1:] == []
    assert _run("retire-signing-key").exit_code == 1
