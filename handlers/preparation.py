"""Makes of a valid report what is stored of it: redacted, decided on, canonical, digested.

Pure: reads no clock and opens nothing. One report and a batch of them go through here alike.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from handlers.errors import InvalidValue
from handlers.sealing import with_raw, without_raw
from policies.intake import Decision, decide
from policies.redaction import Redaction, Redactor, RefusedText


@dataclass(frozen=True, slots=True)
class PreparedReport:
    """A report ready to be stored. `document` is its canonical JSON text with null in place of the
    value of raw, and `raw` that value's, to be encrypted; `sha256` is of the whole text.

    `redaction` is JSON text too: the contract's Redaction, None where nothing was taken out.
    """

    document: str
    raw: bytes | None
    sha256: bytes
    decision: Decision
    policy_version: str | None
    source: str | None
    stream: str | None
    redaction: str | None


class Preparation:
    """What every report goes through between the contract's validation and the database."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def prepare(self, sent: Mapping[str, Any], own_secret: str | None) -> PreparedReport:
        """`sent` is the JSON object of a report that is valid by the contract.

        It is kept as it was sent, not as a model has it, which may round a time or a number.
        `own_secret` is the key that the sender has shown. Raises InvalidValue for a secret in a
        field that is never rewritten.
        """
        try:
            redaction = self._redactor.redact(sent, own_secret)
        except RefusedText as refused:
            raise secret_refused("body", refused.pointer, refused.rule_id) from refused
        kept = redaction.document
        text, raw = canonical_text(kept)
        policy = kept.get("policy", {})
        return PreparedReport(
            document=text.decode(),
            raw=raw,
            sha256=hashlib.sha256(text if raw is None else with_raw(text, raw)).digest(),
            decision=_decide(kept["status"], policy.get("evaluations", ())),
            policy_version=policy.get("policy_version"),
            source=kept.get("source", {}).get("tool"),
            stream=kept.get("stream"),
            redaction=_encoded(redaction),
        )

    def is_harmless(self, text: str) -> bool:
        """Whether no rule hits a text."""
        return self._redactor.rule_that_hits(text) is None

    def require_no_secret(
        self, location: str, pointer: str, text: str, own_secret: str | None
    ) -> None:
        """Raises InvalidValue for a text that is stored as it is, such as a key, if a rule hits."""
        if (rule_id := self._redactor.rule_that_hits(text, own_secret)) is not None:
            raise secret_refused(location, pointer, rule_id)


def secret_refused(location: str, pointer: str, rule_id: str) -> InvalidValue:
    """What a sender is told of a secret where none is taken out: the rule, never the value."""
    detail = (
        f"Redaction rule {rule_id} hits a value that is kept as it is or not at all. "
        "Send it without the secret or personal data."
    )
    return InvalidValue(location, pointer, "redaction", rule_id, detail)


def _encoded(redaction: Redaction) -> str | None:
    if not redaction.counts:
        return None
    return orjson.dumps({"counts": redaction.counts, "share": redaction.share}).decode()


def _decide(status: Mapping[str, Any], evaluations: Any) -> Decision:
    judgements = ((each["target"], each["verdict"], each["severity"]) for each in evaluations)
    return decide(status, judgements)


def canonical_text(report: Mapping[str, Any]) -> tuple[bytes, bytes | None]:
    """A report as it is stored, and the value of its raw, which stands there as null.

    Keys sorted, no spaces, UTF-8, each value as it came.
    """
    shown, raw = without_raw(report), report.get("raw")
    try:
        return _dumped(shown), None if raw is None else _dumped(raw)
    except TypeError:
        # orjson knows no integer past 64 bits; these reports are rare, and must lose nothing. Both
        # parts are written alike, for the two write some numbers differently.
        return _dumped_slowly(shown), None if raw is None else _dumped_slowly(raw)


def _dumped(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _dumped_slowly(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
