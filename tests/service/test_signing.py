"""The signing key and the secrets of links: from settings, or made for development and kept."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr

from policies.published_keys import key_id_of
from service.settings import Settings, SettingsError
from service.signing import configured_signing, link_secrets, with_development_signing

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_OLD = Ed25519PrivateKey.from_private_bytes(bytes(32))
_SECRET, _OLD_SECRET = "s" * 32, "o" * 32


def _pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _settings(key: str | None = None, retired: str | None = None) -> Settings:
    return Settings(signing_key=key and SecretStr(key), signing_public_keys=retired)


def test_configured_key_signs_and_is_published_before_the_retired_ones() -> None:
    retired = (
        f"valid-from: 2025-01-01T00:00:00Z\nvalid-until: 2026-01-01T00:00:00Z\n{_public_pem(_OLD)}"
    )
    signing = configured_signing(
        _settings(f"valid-from: 2026-01-01T00:00:00Z\n{_pem(_KEY)}", retired)
    )
    assert signing.signer is not None
    _KEY.public_key().verify(signing.signer.sign(b"message"), b"message")
    assert signing.signer.key_id == key_id_of(_KEY.public_key())
    assert [key.key_id for key in signing.published] == [
        key_id_of(_KEY.public_key()),
        key_id_of(_OLD.public_key()),
    ]
    assert [key.valid_until is None for key in signing.published] == [True, False]


def test_retired_keys_are_published_where_nothing_signs() -> None:
    retired = f"valid-until: 2026-01-01T00:00:00Z\n{_public_pem(_OLD)}"
    signing = configured_signing(_settings(None, retired))
    assert signing.signer is None
    assert len(signing.published) == 1
    assert configured_signing(_settings()).published == ()


def _encrypted() -> str:
    how = BestAvailableEncryption(b"password")
    return _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()


def _of_another_kind() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "must be one key in PEM, not 0 blocks"),
        ("MC4CAQAwBQYDK2VwBCIE", "must be one key in PEM, not 0 blocks"),
        (_pem(_KEY) + _pem(_OLD), "not 2 blocks"),
        (_public_pem(_KEY), "not a private key in PEM"),
        (_encrypted(), "not a private key in PEM without a password"),
        (_of_another_kind(), "not an Ed25519 key"),
        (f"valid-until: 2026-01-01T00:00:00Z\n{_pem(_KEY)}", "has no valid-until"),
        (f"valid-from: yesterday\n{_pem(_KEY)}", "a time of validity"),
    ],
)
def test_unusable_signing_key_is_named_and_never_repeated(key: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^SIGNING_KEY: .*{said}") as raised:
        configured_signing(_settings(key))
    assert not any(line in str(raised.value) for line in key.splitlines() if len(line) > 20)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("retired", "said"),
    [
        (_public_pem(_OLD), "key 1: put a line `valid-until"),
        ("none", "no public key"),
        (f"valid-until: 2026-01-01T00:00:00Z\n{_public_pem(_OLD)}" * 2, "stands there twice"),
        (f"valid-until: 2026-01-01T00:00:00Z\n{_public_pem(_OLD)}" * 100, "holds 100 keys"),
        (f"valid-until: 2026-01-01T00:00:00Z\n{_public_pem(_KEY)}", "the key of SIGNING_KEY"),
    ],
)
def test_unusable_retired_keys_are_named(retired: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^SIGNING_PUBLIC_KEYS: .*{said}"):
        configured_signing(_settings(_pem(_KEY), retired))


def _links(current: str | None, previous: str | None) -> Settings:
    return Settings(
        export_sign_secret=current and SecretStr(current),
        export_sign_secret_prev=previous and SecretStr(previous),
    )


def test_link_secrets_are_newest_first_and_long_enough() -> None:
    assert link_secrets(_links(None, None)) == ()
    assert link_secrets(_links(_SECRET, _OLD_SECRET)) == (_SECRET, _OLD_SECRET)
    with pytest.raises(SettingsError, match="EXPORT_SIGN_SECRET_PREV is set, but"):
        link_secrets(_links(None, _OLD_SECRET))
    with pytest.raises(SettingsError, match="EXPORT_SIGN_SECRET: has 31 characters"):
        link_secrets(_links(_SECRET[1:], None))
    with pytest.raises(SettingsError, match="EXPORT_SIGN_SECRET_PREV: has 5 char"):
        link_secrets(_links(_SECRET, "short"))


def test_development_makes_both_once_and_the_owner_alone_may_read_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = with_development_signing(Settings(collector_home=home))
    again = with_development_signing(Settings(collector_home=home))
    assert made == again
    assert configured_signing(made).published[0].valid_from is not None
    assert len(link_secrets(made)) == 1
    for file in ("signing-key", "export-sign-secret"):
        assert stat.S_IMODE((home / file).stat().st_mode) == 0o600


def test_development_keeps_what_is_configured(tmp_path: Path) -> None:
    settings = Settings(
        collector_home=tmp_path / "home",
        signing_key=SecretStr(_pem(_KEY)),
        export_sign_secret=SecretStr(_SECRET),
    )
    assert with_development_signing(settings) == settings
    assert not (tmp_path / "home").exists()
