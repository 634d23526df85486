"""Keys wrapped by AWS KMS: bound to what they are for, and what is said where it doesn't answer."""

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from service.aws_kms import AwsKms
from service.key_provider import KeyUnavailable, KeyUse
from service.key_values import rewritten, with_keys_revealed
from service.keyring import configured_keyring, parse_keyring
from service.settings import Settings, SettingsError
from service.signing import configured_signing, link_secrets, new_signing_key
from tests.support.kms import KmsServer, answer, answering, aws_variables, error, kms_server

_FIRST = KeyUse("ENCRYPTION_KEYS", "encryption-key", "k1")
_SECOND = KeyUse("ENCRYPTION_KEYS", "encryption-key", "k2")
_SIGNING = KeyUse("SIGNING_KEY", "signing-key")
_LINKS = KeyUse("EXPORT_SIGN_SECRET", "link-secret")
_KEY = base64.b64encode(bytes(range(32))).decode()
_WRAPPED = "aws-kms:" + base64.b64encode(b"what-is-wrapped").decode()


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KmsServer]:
    with kms_server(tmp_path_factory.mktemp("kms")) as server:
        yield server


@pytest.fixture(scope="module")
def only_key(kms: KmsServer) -> str:
    return kms.new_key()


@pytest.fixture
def key_id(kms: KmsServer, only_key: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a key, in a KMS that variables lead to."""
    _set(monkeypatch, kms.variables)
    return only_key


def _set(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_settings_with_wrapped_keys_are_revealed_beside_plain_ones(key_id: str) -> None:
    kms = AwsKms()
    pem = new_signing_key()
    settings = Settings(
        encryption_keys=SecretStr(
            f"k2:{kms.new_key(_SECOND, key_id)} , k1:{kms.wrap(_KEY, _FIRST, key_id)},k0:{_KEY}"
        ),
        signing_key=SecretStr(kms.wrap(pem, _SIGNING, key_id)),
        export_sign_secret=SecretStr("plain-" * 8),
        export_sign_secret_prev=SecretStr(kms.wrap("s" * 40, _LINKS, key_id)),
    )
    revealed = with_keys_revealed(settings)
    text = configured_keyring(revealed)
    assert text is not None
    [(kid, made), *others] = parse_keyring(text).keys
    assert (kid, len(made)) == ("k2", 32)
    assert others == [("k1", bytes(range(32))), ("k0", bytes(range(32)))]
    assert configured_signing(revealed) != configured_signing(Settings())
    assert revealed.signing_key == SecretStr(pem)
    assert link_secrets(revealed) == ("plain-" * 8, "s" * 40)
    assert _KEY not in f"{revealed} {revealed!r} {settings!r}"


def test_single_key_may_be_wrapped_and_keeps_the_id_that_it_has_in_plain(key_id: str) -> None:
    use = KeyUse("ENCRYPTION_KEY", "encryption-key")
    wrapped = AwsKms().wrap(_KEY, use, key_id)
    plain = configured_keyring(Settings(encryption_key=SecretStr(_KEY)))
    revealed = with_keys_revealed(Settings(encryption_key=SecretStr(wrapped)))
    assert configured_keyring(revealed) == plain
    # Where the key before is kept, it needs no wrapping anew.
    assert AwsKms().reveal(wrapped, KeyUse("ENCRYPTION_KEY_PREV", "encryption-key")).text == _KEY


@pytest.mark.parametrize("other", [_SECOND, _SIGNING, _LINKS], ids=lambda use: use.place)
def test_wrapped_key_can_not_be_opened_as_another(other: KeyUse, key_id: str) -> None:
    kms = AwsKms()
    wrapped = kms.wrap(_KEY, _FIRST, key_id)
    assert kms.reveal(wrapped, _FIRST).text == _KEY
    with pytest.raises(KeyUnavailable, match="was wrapped for another setting or key id"):
        kms.reveal(wrapped, other)


def test_wrapped_keys_that_are_swapped_stop_the_start(key_id: str) -> None:
    kms = AwsKms()
    first, second = kms.new_key(_FIRST, key_id), kms.new_key(_SECOND, key_id)
    with pytest.raises(SettingsError, match=r"^ENCRYPTION_KEYS, key id k1: AWS KMS can't open"):
        with_keys_revealed(Settings(encryption_keys=SecretStr(f"k1:{second},k2:{first}")))


def test_damaged_value_and_unknown_key_are_named_as_such(key_id: str) -> None:
    kms = AwsKms()
    wrapped = kms.wrap(_KEY, _FIRST, key_id)
    for damaged in (wrapped[:-8] + "AAAAAAA=", _WRAPPED):
        with pytest.raises(KeyUnavailable, match="it is damaged"):
            kms.reveal(damaged, _FIRST)
    with pytest.raises(KeyUnavailable, match="not base64"):
        kms.reveal("aws-kms:***", _FIRST)
    with pytest.raises(KeyUnavailable, match="knows no such KMS key, here in eu-central-1"):
        kms.wrap(_KEY, _FIRST, "alias/nobody")


def test_key_of_the_wrong_length_is_refused_once_it_is_opened(key_id: str) -> None:
    short = base64.b64encode(b"too short").decode()
    wrapped = AwsKms().wrap(short, _FIRST, key_id)
    revealed = with_keys_revealed(Settings(encryption_keys=SecretStr(f"k1:{wrapped}")))
    with pytest.raises(SettingsError, match="entry 1: the key must be base64 of 32 bytes"):
        configured_keyring(revealed)


def test_key_in_the_place_of_a_key_id_is_refused_unrepeated_and_without_asking() -> None:
    settings = Settings(encryption_keys=SecretStr(f"{_KEY}:{_WRAPPED},k1:{_KEY}"))
    with pytest.raises(SettingsError, match="entry 1: the key id may have") as raised:
        configured_keyring(with_keys_revealed(settings))
    assert _KEY not in str(raised.value)


def test_keys_for_other_purposes_are_left_and_never_taken_for_keys() -> None:
    settings = Settings(export_sign_secret=SecretStr(_WRAPPED * 3))
    # Nothing is asked: no KMS is configured here.
    assert with_keys_revealed(settings, ["signing-key"]) == settings
    with pytest.raises(AssertionError, match="EXPORT_SIGN_SECRET has not been revealed"):
        link_secrets(settings)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (error("AccessDeniedException"), "denies kms:Decrypt to this login"),
        (error("com.amazonaws.kms#DisabledException"), "has disabled the KMS key"),
        (error("KMSInvalidStateException"), "disabled or about to be deleted"),
        (error("NotFoundException"), "knows no such KMS key"),
        (error("ThrottlingException"), "too many requests"),
        (error("UnrecognizedClientException"), "does not accept the login"),
        (error("KMSInternalException", 500), r"no usable answer \(KMSInternalException\)"),
        (error("odd code\n<b>"), "an unknown error"),
        ((502, b"<html>Bad gateway</html>"), "no usable answer"),
        ((200, b"{}"), "an answer that is none of KMS"),
        ((200, b"what is this"), "no usable answer"),
        (answer(KeyId="k", Plaintext="A"), "no usable answer"),
        (answer(KeyId="k", Plaintext="/w=="), "which holds no text"),
    ],
)
def test_start_says_in_a_sentence_which_setting_and_why(
    given: tuple[int, bytes], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(given) as (port, _):
        _set(monkeypatch, aws_variables(port))
        with pytest.raises(SettingsError, match=f"^SIGNING_KEY: AWS KMS .*{said}") as raised:
            with_keys_revealed(Settings(signing_key=SecretStr(_WRAPPED)))
    assert raised.value.__cause__ is None
    for unwanted in (_WRAPPED[8:], "test-password", "\n", "<"):
        assert unwanted not in str(raised.value)


def test_call_that_is_throttled_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = answer(KeyId="arn", Plaintext=base64.b64encode(b"key").decode())
    with answering(error("ThrottlingException"), opened) as (port, answers):
        variables = aws_variables(port)
        del variables["AWS_MAX_ATTEMPTS"]
        _set(monkeypatch, variables)
        assert AwsKms().reveal(_WRAPPED, _SIGNING).text == "key"
    assert answers.asked == ["TrentService.Decrypt"] * 2


def test_silent_and_absent_kms_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(None) as (port, _):
        _set(monkeypatch, aws_variables(port))
        with pytest.raises(KeyUnavailable, match=rf"127.0.0.1:{port} .*\(ReadTimeoutError\)"):
            AwsKms().reveal(_WRAPPED, _SIGNING)
    with pytest.raises(KeyUnavailable, match=r"no usable answer \(EndpointConnectionError\)"):
        AwsKms().reveal(_WRAPPED, _SIGNING)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"AWS_REGION": None}, "has no region: set AWS_REGION"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "has no login"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "has half a login"),
        ({"AWS_PROFILE": "nobody"}, "no such profile"),
        ({"AWS_ENDPOINT_URL_KMS": "not an address"}, "can't be asked"),
    ],
)
def test_what_is_missing_of_a_login_is_named(
    changed: dict[str, str | None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        variables = aws_variables(nobody.getsockname()[1]) | changed
        _set(monkeypatch, {name: value for name, value in variables.items() if value is not None})
        with pytest.raises(KeyUnavailable, match=said):
            AwsKms().reveal(_WRAPPED, _SIGNING)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from([_KEY, _WRAPPED, "", "x:y"])), min_size=1
    )
)
def test_a_keyring_written_anew_has_the_same_entries_in_the_same_order(
    entries: list[tuple[str, str]],
) -> None:
    text = " , ".join(f"{kid}:{written}" for kid, written in entries)
    settings = Settings(encryption_keys=SecretStr(text))
    again = rewritten(settings, "encryption_keys", lambda value: value.written)
    assert again == text.replace(" , ", ",")


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_without_boto3_only_wrapped_keys_are_out_of_reach() -> None:
    done = _python(
        "import sys\n"
        "import service.server_commands, service.worker_command, service.keys_command\n"
        "assert 'boto3' not in sys.modules and 'botocore' not in sys.modules\n"
        "sys.modules['boto3'] = None\n"
        "from service.aws_kms import AwsKms\n"
        "from service.key_provider import KeyUse\n"
        "AwsKms().reveal('aws-kms:AAAA', KeyUse('SIGNING_KEY', 'signing-key'))\n"
    )
    assert "needs the package boto3; install it with `pip install 'collector[kms]'`" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("service.key_provider.KeyUnavailable: ")
