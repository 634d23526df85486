"""What looking at something that was signed comes to, each thing in a sentence; and the signature.

Reads no file and asks nobody: the keys that are trusted are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from policies.dsse import Envelope, Verdict, check_signatures
from policies.published_keys import PublishedKey

Keys = Mapping[str, PublishedKey]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `holds` is None for what can't be said, for want of a key."""

    subject: str
    holds: bool | None
    words: str


def wrong_ones(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Those of what does not hold."""
    return tuple(finding for finding in findings if finding.holds is False)


def signature_findings(
    envelope: Envelope, name: str, signed_at: datetime, keys: Keys | None
) -> tuple[Finding, ...]:
    """One for each signature of the envelope called `name`. Without `keys` nobody is trusted."""
    public_keys = {key_id: key.public_key for key_id, key in (keys or {}).items()}
    return tuple(
        _of_signature(key_id, verdict, keys.get(key_id), name, signed_at)
        if keys is not None
        else Finding("signature", None, f"can't be checked without keys; it names {key_id}")
        for key_id, verdict in check_signatures(envelope, public_keys)
    )


def _of_signature(
    key_id: str, verdict: Verdict, key: PublishedKey | None, name: str, signed_at: datetime
) -> Finding:
    if verdict is Verdict.UNKNOWN_KEY or key is None:
        words = f"is by a key that is not among those given, {key_id}"
        return Finding("signature", False, words)
    if verdict is Verdict.WRONG:
        return Finding("signature", False, f"is not the one of key {key_id} over {name}")
    moment = f"{signed_at:%Y-%m-%d %H:%M:%S} UTC"
    if not key.covers(signed_at):
        words = f"is right, but key {key_id} did not sign at {moment}, when it says it was made"
        return Finding("signature", False, words)
    state = "the current key" if key.valid_until is None else "a retired key, in its time,"
    return Finding("signature", True, f"over {name} is right, by {state} {key_id}, of {moment}")
