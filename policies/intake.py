"""Decides how severe an incoming report is, and whether it contradicts itself.

Must not judge the report's form: the contract has been checked before.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

CheckStatus = Literal["pass", "warn", "fail", "na"]
Verdict = Literal["pass", "warn", "block"]
Severity = Literal["info", "warn", "block"]

Judgement = tuple[str, Verdict, Severity]
"""An evaluation as far as it decides: its target, verdict and severity."""

_SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warn", "block")
_RANK_OF_SEVERITY: Final[dict[Severity, int]] = {"info": 0, "warn": 1, "block": 2}
_RANK_OF_VERDICT: Final[dict[Verdict, int]] = {"pass": 0, "warn": 1, "block": 2}
_RANK_OF_STATUS: Final[dict[CheckStatus, int]] = {"na": 0, "pass": 0, "warn": 1, "fail": 2}
_EXPECTED_STATUS: Final[tuple[CheckStatus, ...]] = ("pass", "warn", "fail")


class Counts(NamedTuple):
    """How many evaluations came to each verdict."""

    pass_: int
    warn: int
    block: int


class Decision(NamedTuple):
    """What intake holds of a report."""

    severity: Severity
    counts: Counts
    inconsistencies: int


def decide(status: Mapping[str, CheckStatus], evaluations: Iterable[Judgement]) -> Decision:
    """Decide a report's severity, count its verdicts and its contradictions.

    Severity is the worst of severity and verdict over the evaluations whose verdict isn't
    `pass`, and `info` when there is none such. Without any evaluation it follows `status`:
    any fail is block, any warn is warn, else info.

    An inconsistency is a check of `status` that is also the target of evaluations and whose
    value isn't what they come to: fail if any verdict on it is block, else warn if any is
    warn, else pass. `na` on such a check is one too. Checks that no evaluation names, and
    targets that are no check, can't contradict.
    """
    by_rank = [0, 0, 0]
    worst_verdicts: dict[str, int] = {}
    worst = 0
    for target, verdict, severity in evaluations:
        rank = _RANK_OF_VERDICT[verdict]
        by_rank[rank] += 1
        if rank > worst_verdicts.get(target, -1):
            worst_verdicts[target] = rank
        if rank:
            worst = max(worst, rank, _RANK_OF_SEVERITY[severity])
    if not worst_verdicts:
        worst = max([_RANK_OF_STATUS[value] for value in status.values()], default=0)
    contradictions = 0
    for check, rank in worst_verdicts.items():
        expected = _EXPECTED_STATUS[rank]
        contradictions += status.get(check, expected) != expected
    return Decision(_SEVERITIES[worst], Counts(*by_rank), contradictions)
