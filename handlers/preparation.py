"""Makes of a valid report what is stored of it: decided on, canonical, digested.

Pure: reads no clock and opens nothing. One report and a batch of them go through here alike.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from policies.intake import Decision, decide


@dataclass(frozen=True, slots=True)
class PreparedReport:
    """A report ready to be stored. `document` is its canonical JSON text, `sha256` of that."""

    document: str
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
        document = canonical_json(sent)
        policy = sent.get("policy", {})
        return PreparedReport(
            document=document,
            sha256=hashlib.sha256(document.encode()).digest(),
            decision=_decide(sent["status"], policy.get("evaluations", ())),
            policy_version=policy.get("policy_version"),
            source=sent.get("source", {}).get("tool"),
            stream=sent.get("stream"),
        )


def _decide(status: Mapping[str, Any], evaluations: Any) -> Decision:
    judgements = ((each["target"], each["verdict"], each["severity"]) for each in evaluations)
    return decide(status, judgements)


def canonical_json(document: Mapping[str, Any]) -> str:
    """A report as it is stored and hashed: keys sorted, no spaces, UTF-8, each value as it came."""
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        # orjson knows no integer past 64 bits; these reports are rare, and must lose nothing.
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
