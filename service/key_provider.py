"""Where keys come from: what a provider of keys offers, and what each key is for.

A provider is given a setting's value as it is written, and reveals the key. It writes nothing down
and names nothing secret in an error.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from typing_extensions import override

Purpose = Literal["encryption-key", "signing-key", "link-secret"]
PURPOSES: Final[tuple[Purpose, ...]] = ("encryption-key", "signing-key", "link-secret")


class KeyUnavailable(Exception):
    """Why a key can't be had: a clause that holds nothing secret, and who can't give it."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What one key is for. `setting` is its variable; `kid` its id where the setting has several.

    What `purpose` and `kid` say is bound to a wrapped key: as another one it can't be opened.
    """

    setting: str
    purpose: Purpose
    kid: str | None = None

    @property
    def is_binary(self) -> bool:
        """Whether the key is bytes, written as base64; otherwise it is text."""
        return self.purpose == "encryption-key"

    @property
    def place(self) -> str:
        """As an error names it."""
        return self.setting if self.kid is None else f"{self.setting}, key id {self.kid}"


@dataclass(frozen=True, slots=True)
class Revealed:
    """A key as a setting has it in plain, and the name of the key that it was wrapped under."""

    text: str = field(repr=False)
    wrapped_by: str | None = None


class KeyProvider(Protocol):
    """Reveals keys that are written in a way of its own."""

    def reveal(self, written: str, use: KeyUse) -> Revealed:
        """Raises KeyUnavailable."""
        ...


class KeyWrapper(KeyProvider, Protocol):
    """A provider outside this process that keeps the key which other keys are wrapped under."""

    def wrap(self, text: str, use: KeyUse, key_id: str) -> str:
        """A key, as a setting has it in plain, as it is written wrapped. Raises KeyUnavailable."""
        ...

    def new_key(self, use: KeyUse, key_id: str) -> str:
        """A new key of 32 bytes, wrapped; it is in plain nowhere. Raises KeyUnavailable."""
        ...


class PlainValues(KeyProvider):
    """Keys that stand in the environment, or in a file, as they are."""

    @override
    def reveal(self, written: str, use: KeyUse) -> Revealed:
        return Revealed(written)
