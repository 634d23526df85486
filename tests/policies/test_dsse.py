"""DSSE envelopes: our text against the specification's vector and another implementation."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib import dsse as other
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._crypto_signer import CryptoSigner
from securesystemslib.signer._key import SSlibKey

from policies.dsse import (
    IN_TOTO,
    Envelope,
    EnvelopeError,
    Signature,
    Verdict,
    check_signatures,
    envelope_text,
    parse_envelope,
    pre_authentication_encoding,
)
from policies.published_keys import key_id_of

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_ID = key_id_of(_KEY.public_key())
_KEYS = {_ID: _KEY.public_key()}


def _signed(payload: bytes, payload_type: str = IN_TOTO) -> Envelope:
    message = pre_authentication_encoding(payload_type, payload)
    return Envelope(payload_type, payload, (Signature(_ID, _KEY.sign(message)),))


def test_encoding_is_that_of_the_specification() -> None:
    # The example of the DSSE protocol, section "Test vectors".
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(
    st.binary(max_size=200), st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)
)
def test_envelope_is_read_back_as_it_was_and_is_right(payload: bytes, kind: str) -> None:
    envelope = _signed(payload, kind)
    read = parse_envelope(envelope_text(envelope)) if payload else envelope
    assert read == envelope
    assert check_signatures(read, _KEYS) == ((_ID, Verdict.RIGHT),)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_byte_changed_is_found(payload: bytes, data: st.DataObject) -> None:
    text = bytearray(envelope_text(_signed(payload)))
    offset = data.draw(st.integers(0, len(text) - 1))
    text[offset] ^= data.draw(st.integers(1, 255))
    try:
        verdicts = check_signatures(parse_envelope(bytes(text)), _KEYS)
    except EnvelopeError:
        return
    assert Verdict.RIGHT not in [verdict for _, verdict in verdicts]


def test_another_implementation_reads_and_verifies_it() -> None:
    key = SSlibKey.from_crypto(_KEY.public_key(), keyid=_ID)
    envelope = _signed(b'{"a":1}')
    assert list(_read_by_other(envelope).verify([key], 1)) == [_ID]
    with pytest.raises(VerificationError):
        _read_by_other(replace(envelope, payload=b'{"a":2}')).verify([key], 1)


def _read_by_other(envelope: Envelope) -> other.Envelope:
    return other.Envelope.from_dict(json.loads(envelope_text(envelope)))


def test_envelope_of_another_implementation_is_read_and_verified() -> None:
    signer = CryptoSigner(_KEY, SSlibKey.from_crypto(_KEY.public_key(), keyid=_ID))
    made = other.Envelope(b"payload", "text/plain", {})
    made.sign(signer)
    read = parse_envelope(json.dumps(made.to_dict(), indent=1).encode())
    assert check_signatures(read, _KEYS) == ((_ID, Verdict.RIGHT),)


def test_verdict_names_unknown_keys_and_wrong_signatures() -> None:
    envelope = _signed(b"payload")
    assert check_signatures(envelope, {}) == ((_ID, Verdict.UNKNOWN_KEY),)
    wrong = replace(envelope, payload=b"other")
    assert check_signatures(wrong, _KEYS) == ((_ID, Verdict.WRONG),)
    of_another_type = replace(envelope, payload_type="text/plain")
    assert check_signatures(of_another_type, _KEYS) == ((_ID, Verdict.WRONG),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "signatures is not a list"),
        (b'{"signatures":[]}', "signatures is not a list"),
        (b'{"signatures":[1],"payloadType":"a","payload":"YQ=="}', "not an object"),
        (b'{"signatures":[{"keyid":"a"}],"payloadType":"a","payload":"YQ=="}', "sig is not a text"),
        (b'{"signatures":[{"keyid":"a","sig":"YQ"}],"payloadType":"a","payload":"YQ=="}', "base64"),
        (
            b'{"signatures":[{"keyid":"a","sig":"YR=="}],"payloadType":"a","payload":"YQ=="}',
            "base6",
        ),
        (b'{"signatures":[{"keyid":"a","sig":"YQ=="}],"payload":"YQ=="}', "payloadType is not"),
    ],
)
def test_what_is_no_envelope_is_refused_in_words(content: bytes, said: str) -> None:
    with pytest.raises(EnvelopeError, match=said):
        parse_envelope(content)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(EnvelopeError):
        parse_envelope(content)
