"""`python -m bench.redaction`: hits in ordinary text, rule by rule, and the share of secrets found.

Ordinary text has no secrets but examples of some, so each hit is listed to be read: `--show` prints
them. Whether a hit is false, a reader decides.
"""

import argparse
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from bench.redaction.corpora import CORPORA, Corpus
from bench.redaction.made_up import AROUND, NAMED, PEOPLE, PROVIDERS
from policies.redaction import Redactor
from service.app import contract
from service.redaction import report_redactor

_SEED = 20261125


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.redaction", description=__doc__)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N hits a rule")
    parser.add_argument("--each", type=int, default=200, help="secrets of each kind (%(default)s)")
    arguments = parser.parse_args()
    redactor = report_redactor(contract()[1])
    for corpus in CORPORA:
        _report_hits(redactor, corpus, arguments.show)
    print()
    _report_found(redactor, arguments.each)
    print()
    _report_time(redactor)


def _report_hits(redactor: Redactor, corpus: Corpus, shown: int) -> None:
    counts: Counter[str] = Counter()
    hits: defaultdict[str, Counter[str]] = defaultdict(Counter)
    characters = 0
    for document in corpus.documents():
        characters += len(json.dumps(document, ensure_ascii=False))
        counts.update(redactor.redact(document).counts)
        for rule_id, hit in _hits(redactor, document):
            hits[rule_id][hit] += 1
    listed = ", ".join(
        f"{rule_id} {number} ({len(hits[rule_id]) or '-'} distinct)"
        for rule_id, number in sorted(counts.items())
    )
    print(f"{corpus.name}: {characters:,} characters; {listed or 'no hits'}")
    for rule_id, found in sorted(hits.items()) if shown else ():
        for hit, number in found.most_common(shown):
            print(f"    {rule_id} {number}x {hit[:100]!r}")


def _hits(redactor: Redactor, node: Any) -> Iterator[tuple[str, str]]:
    """The hits of rules for texts in a document that is redacted no further."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _hits(redactor, name)
            yield from _hits(redactor, value)
    elif isinstance(node, list):
        for value in node:
            yield from _hits(redactor, value)
    elif isinstance(node, str) and redactor.rule_that_hits(node):
        for rule in redactor.rules.texts:
            yield from ((rule.id, node[begin:end]) for begin, end in rule.hits(node))


def _report_found(redactor: Redactor, each: int) -> None:
    dice = random.Random(_SEED)
    for title, kinds in (
        ("providers' tokens and keys", {name: ("{}", make) for name, make in PROVIDERS.items()}),
        ("known by their names", NAMED),
        ("people's", {name: ("{}", make) for name, make in PEOPLE.items()}),
    ):
        missed = {name: _missed(redactor, dice, *kind, each) for name, kind in kinds.items()}
        total = each * len(kinds)
        print(f"{title}: {total - sum(missed.values()):,} of {total:,} found, {len(kinds)} kinds")
        for name, number in missed.items():
            if number:
                print(f"    {name}: {number} of {each} missed")


def _missed(
    redactor: Redactor,
    dice: random.Random,
    named: str,
    make: Callable[[random.Random], str],
    each: int,
) -> int:
    missed = 0
    for number in range(each):
        secret = make(dice)
        text = AROUND[number % len(AROUND)].format(named.format(secret))
        kept = redactor.redact({"status": {}, "notes": [text]}).document["notes"][0]
        missed += secret in kept or secret[-12:] in kept
    return missed


def _report_time(redactor: Redactor) -> None:
    for title, message in (
        ("a report of 1.3 KB without secrets", "Performance 0.41 is below 0.5 on the page {}"),
        ("the same with an e-mail address", "Performance 0.41 is below 0.5, a{}@example.com"),
    ):
        report = _example(6, message)
        print(f"{title}: {_best(redactor, report, 2000) * 1e6:.0f} µs")
    for title, message in (
        ("20,000 evaluations, 9 MiB, without secrets", "Performance 0.41 is below 0.5; " * 12),
        ("the same with an e-mail address in each", "a{}@example.com " + "is below 0.5; " * 25),
    ):
        report = _example(20_000, message)
        print(f"{title}: {_best(redactor, report, 1) * 1e3:.0f} ms")


def _example(evaluations: int, message: str) -> dict[str, Any]:
    judged = {"verdict": "warn", "severity": "warn"}
    return {
        "source": {"tool": "qc-runner", "version": "2.4.0"},
        "stream": "checkout-api/main",
        "run": {"id": "8841", "url": "https://ci.example/runs/8841", "commit": "4f2a9c1"},
        "status": {f"check-{number}": "pass" for number in range(6)},
        "policy": {
            "policy_version": "2026.11",
            "evaluations": [
                {"rule_id": f"rule.{number}", "target": f"check-{number}", **judged}
                | {"message": message.format(number)}
                for number in range(evaluations)
            ],
        },
        "notes": ["Nightly run"],
        "raw": {"lighthouse": {"performance": 0.41}},
    }


def _best(redactor: Redactor, report: dict[str, Any], times: int) -> float:
    """Seconds of processor time, the best of five."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(times):
            redactor.redact(report)
        best = min(best, (time.process_time() - started) / times)
    return best


if __name__ == "__main__":
    main()
