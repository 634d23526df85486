"""The keys that settings hold, each revealed by its provider: as it stands, or by a KMS.

What is revealed stays in memory. A process asks once, at start: it needs no KMS afterwards.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from pydantic import SecretStr

from service.aws_kms import SCHEME as AWS_KMS
from service.aws_kms import AwsKms
from service.key_provider import (
    PURPOSES,
    KeyProvider,
    KeyUnavailable,
    KeyUse,
    PlainValues,
    Purpose,
    Revealed,
)
from service.keyring import KID
from service.settings import Settings, SettingsError

KEY_SETTINGS: Final[dict[str, Purpose]] = {
    "encryption_keys": "encryption-key",
    "encryption_key": "encryption-key",
    "encryption_key_prev": "encryption-key",
    "signing_key": "signing-key",
    "export_sign_secret": "link-secret",
    "export_sign_secret_prev": "link-secret",
}
_KEYRING: Final = "encryption_keys"


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key as its setting has it written."""

    use: KeyUse
    written: str = field(repr=False)


class KeyProviders:
    """The providers of one process, each made when a value asks for it."""

    def __init__(self) -> None:
        self._plain = PlainValues()
        self._aws_kms = cache(AwsKms)

    def reveal(self, value: KeyValue) -> Revealed:
        """Raises SettingsError that names the setting, and repeats nothing of the value."""
        try:
            return self._of(value.written).reveal(value.written, value.use)
        except KeyUnavailable as error:
            raise SettingsError(f"{value.use.place}: {error}") from None

    def _of(self, written: str) -> KeyProvider:
        return self._aws_kms() if is_wrapped(written) else self._plain


def is_wrapped(written: str) -> bool:
    return written.startswith(AWS_KMS)


def key_values(settings: Settings, name: str) -> Iterator[KeyValue]:
    """The keys in one of KEY_SETTINGS, in order; none where it isn't set."""
    secret: SecretStr | None = getattr(settings, name)
    if secret is None:
        return
    purpose, text = KEY_SETTINGS[name], secret.get_secret_value()
    if name != _KEYRING:
        yield KeyValue(KeyUse(name.upper(), purpose), text)
        return
    for entry in text.split(","):
        kid, _, written = entry.strip().partition(":")
        yield KeyValue(KeyUse(name.upper(), purpose, kid.strip()), written.strip())


def rewritten(settings: Settings, name: str, write: Callable[[KeyValue], str]) -> str:
    """The text of one of KEY_SETTINGS, each key in it as `write` has it."""
    values = list(key_values(settings, name))
    if name != _KEYRING:
        return write(values[0])
    return ",".join(f"{value.use.kid}:{write(value)}" for value in values)


def with_keys_revealed(settings: Settings, purposes: Collection[Purpose] = PURPOSES) -> Settings:
    """Settings with the keys for these purposes in plain; any other is left as it is written.

    Raises SettingsError at the first key that can't be had.
    """
    providers = KeyProviders()

    def plain(value: KeyValue) -> str:
        if value.use.kid is not None and not KID.fullmatch(value.use.kid):
            # Who reads the keyring refuses it by its place: it may be a key in the wrong one.
            return value.written
        return providers.reveal(value).text

    changed: dict[str, Any] = {}
    for name, purpose in KEY_SETTINGS.items():
        wrapped = any(is_wrapped(value.written) for value in key_values(settings, name))
        if wrapped and purpose in purposes:
            changed[name] = SecretStr(rewritten(settings, name, plain))
    return settings.model_copy(update=changed)
