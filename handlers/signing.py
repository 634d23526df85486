"""What a use case needs of signatures; which key and where it is kept, `service` knows."""

from dataclasses import dataclass
from typing import Protocol

from handlers.errors import NotConfigured
from policies.dsse import Envelope, Signature, envelope_text, pre_authentication_encoding
from policies.published_keys import PublishedKey


class Signer(Protocol):
    """Signs under one Ed25519 key. Safe in several threads."""

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key's SubjectPublicKeyInfo, in hexadecimal."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Signing:
    """The signer, None if no key is configured, and every key that signatures may be by."""

    signer: Signer | None
    published: tuple[PublishedKey, ...] = ()

    def require_signer(self, what: str) -> Signer:
        """Raises NotConfigured that says `what` can't be had."""
        if self.signer is None:
            raise NotConfigured(f"{what} can't be signed: SIGNING_KEY is not set.")
        return self.signer


def signed_envelope(signer: Signer, payload_type: str, payload: bytes) -> bytes:
    """A DSSE envelope with one signature, as the text that is kept."""
    message = pre_authentication_encoding(payload_type, payload)
    signature = Signature(signer.key_id, signer.sign(message))
    return envelope_text(Envelope(payload_type, payload, (signature,)))
