"""Public keys: how they are published, read again, and when what they signed is good."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from policies.published_keys import (
    PublishedKey,
    PublishedKeysError,
    as_json,
    by_id,
    public_keys_of_pem,
    read_keys,
)

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
_PEM = _KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC))


@given(st.binary(min_size=32, max_size=32), st.none() | _MOMENTS, st.none() | _MOMENTS)
def test_published_keys_are_read_back_as_they_were(
    seed: bytes, begins: datetime | None, ends: datetime | None
) -> None:
    key = PublishedKey(Ed25519PrivateKey.from_private_bytes(seed).public_key(), begins, ends)
    listing = json.dumps({"keys": [as_json(key)]}).encode()
    assert by_id(read_keys(listing)) == {key.key_id: key}
    assert as_json(key)["status"] == ("current" if ends is None else "retired")


def test_key_id_is_the_digest_of_the_public_key_info() -> None:
    body = "".join(_PEM.splitlines()[1:-1])
    assert PublishedKey(_KEY).key_id == hashlib.sha256(base64.b64decode(body)).hexdigest()


def test_pem_is_read_with_the_validity_before_each_block() -> None:
    first = f"the first\n# valid-until: 2026-11-20T12:00:00Z\n{_PEM}"
    text = f"{first}\nvalid-from: 2026-11-20T13:00:00+01:00\n{_PEM}{_PEM}"
    keys = public_keys_of_pem(text)
    assert [(key.valid_from, key.valid_until) for key in keys] == [
        (None, _NOON),
        (_NOON, None),
        (None, None),
    ]
    assert read_keys(text.encode()) == keys
    assert public_keys_of_pem(text.replace("\n", "\\n")) == keys


def test_key_covers_from_its_first_moment_until_before_its_last() -> None:
    second = timedelta(seconds=1)
    key = PublishedKey(_KEY, _NOON, _NOON + second)
    assert [key.covers(_NOON + step * second) for step in (-1, 0, 1)] == [False, True, False]
    assert PublishedKey(_KEY).covers(_NOON)


def _of_another_kind() -> str:
    key = generate_private_key(SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither JSON nor PEM"),
        ("[]", "no list `keys`"),
        ("[" * 100_000, "neither JSON nor PEM"),
        ('{"keys":[7]}', "key 1 is no Ed25519 key"),
        ('{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}', "key 1: x is no"),
        (json.dumps({"keys": [{**as_json(PublishedKey(_KEY)), "kid": "0" * 64}]}), "kid is not"),
        (
            json.dumps({"keys": [{**as_json(PublishedKey(_KEY)), "valid_from": "noon"}]}),
            "a time of validity",
        ),
        (f"valid-until: 2026-11-20T12:00:00\n{_PEM}", "a time of validity"),
        (_PEM.replace("MCow", "MCox"), "block 1 is no public key"),
        (_PEM + _of_another_kind(), "block 2 is no Ed25519 key"),
        ("-----BEGIN nothing", "no public key in PEM"),
    ],
)
def test_what_is_no_key_is_refused_by_its_place(text: str, said: str) -> None:
    with pytest.raises(PublishedKeysError, match=said):
        read_keys(text.encode())


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(PublishedKeysError):
        read_keys(content)
