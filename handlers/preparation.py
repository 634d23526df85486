"""Makes of a valid report what is stored of it: decided on, canonical, digested.

Pure: reads no clock and opens nothing. One report and a batch of them go through here alike.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from handlers.sealing import with_raw, without_raw
from policies.intake import Decision, decide


@dataclass(frozen=True, slots=True)
class PreparedReport:
    """A report ready to be stored. `document` is its canonical JSON text with null in place of the
    value of raw, and `raw` that value's, to be encrypted; `sha256` is of the whole text.
    """

    document: str
    raw: bytes | None
    sha256: bytes
    decision: Decision
    policy_version: str | None
    source: str | None
    stream: str | None


class Preparation:
    """What every report goes through between the contract's validation and the database."""

    def prepare(self, sent: Mapping[str, Any]) -> PreparedReport:
        """`sent` is the JSON object of a report that is valid by the contract.

        It is kept as it was sent, not as a model has it, which may round a time or a number.
        """
        text, raw = canonical_text(sent)
        policy = sent.get("policy", {})
        return PreparedReport(
            document=text.decode(),
            raw=raw,
            sha256=hashlib.sha256(text if raw is None else with_raw(text, raw)).digest(),
            decision=_decide(sent["status"], policy.get("evaluations", ())),
            policy_version=policy.get("policy_version"),
            source=sent.get("source", {}).get("tool"),
            stream=sent.get("stream"),
        )


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
