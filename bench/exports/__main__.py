"""`python -m bench.exports`: how fast exports are made, in how much memory, and killed on the way.

The same rows by `psql \\copy | gzip` in the same rounds. Needs about 2.5 GB of disk a million
reports; what was made is deleted at the end, however it ends.
"""

import argparse
import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bench.deployment import Deployment, deployed
from bench.exports.asking import Exports, Made
from bench.exports.copying import Copied, copied
from bench.processes import BenchError
from bench.show import say, show

FORMATS: Final = ("ndjson", "csv", "parquet")
_TENTH: Final = 10


@dataclass(frozen=True, slots=True)
class Round:
    copied: Copied
    made: dict[str, Made]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__)
    parser.add_argument(
        "--reports", type=int, default=1_000_000, help="of the tenant (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="each of all (%(default)s)")
    parser.add_argument("--kills", type=int, default=3, help="of the worker (%(default)s)")
    parser.add_argument("--home", type=Path, help="folder for the database (a temporary one)")
    return parser.parse_args()


def _run(arguments: argparse.Namespace, home: Path) -> None:
    reports = arguments.reports
    with deployed(home, reports, say) as deployment:
        exports = Exports(deployment)
        since, until = deployment.size.start - timedelta(minutes=1), deployment.size.end
        tenth = since + (until - since) / _TENTH
        small = {form: exports.timed(form, since, tenth) for form in FORMATS}
        rounds = [
            _round(deployment, exports, number, reports, since, until)
            for number in range(1, arguments.rounds + 1)
        ]
        print(_table(reports, rounds, small), flush=True)
        for form in FORMATS:
            print(_killed(exports, form, since, until, arguments.kills, rounds[0].made[form]))
        print(_cancelled(exports, since, until), flush=True)


def _round(
    deployment: Deployment,
    exports: Exports,
    number: int,
    reports: int,
    since: datetime,
    until: datetime,
) -> Round:
    say(f"round {number}: psql and gzip")
    target = deployment.store.parent / "copied.csv.gz"
    peer = copied(deployment, reports, target)
    target.unlink()
    made = {}
    for form in FORMATS:
        say(f"round {number}: {form}")
        made[form] = exports.timed(form, since, until)
    return Round(peer, made)


def _table(reports: int, rounds: list[Round], small: dict[str, Made]) -> str:
    peer = statistics.median(each.copied.seconds for each in rounds)
    lines = [
        f"| {reports:,} reports | reports a second | of psql and gzip | MB "
        "| peak of the worker, MB | peak at a tenth of them, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        f"| psql \\\\copy, gzip | {reports / peer:,.0f} | 100% "
        f"| {rounds[0].copied.size / 1e6:,.0f} | - | - |",
    ]
    for form in FORMATS:
        made = [each.made[form] for each in rounds]
        seconds = statistics.median(each.seconds for each in made)
        share = statistics.median(each.copied.seconds / each.made[form].seconds for each in rounds)
        peak = max(each.peak for each in made)
        lines.append(
            f"| {form} | {reports / seconds:,.0f} | {share:.0%} | {made[0].size / 1e6:,.0f} "
            f"| {peak / 1e6:,.0f} | {small[form].peak / 1e6:,.0f} |"
        )
    return "\n".join(lines)


def _killed(
    exports: Exports, form: str, since: datetime, until: datetime, kills: int, undisturbed: Made
) -> str:
    say(f"{form}, with the worker killed {kills} times")
    made = exports.killed(form, since, until, kills)
    if (made.size, made.sha256) != (undisturbed.size, undisturbed.sha256):
        raise BenchError(f"{form}: killed on the way, the export differs from an undisturbed one")
    return f"{form}: worker killed {kills} times, {made.seconds:.0f} s, byte for byte the same"


def _cancelled(exports: Exports, since: datetime, until: datetime) -> str:
    say("a cancelled one")
    before = set(exports.files())
    export_id = exports.make("ndjson", since, until)
    exports.wait_for_share(export_id, 0.3)
    exports.cancel(export_id)
    deadline = time.monotonic() + 60
    while left := set(exports.files()) - before:
        if time.monotonic() > deadline:
            raise BenchError(f"a cancelled export left {sorted(left)}")
        time.sleep(0.2)
    return "A cancelled export left no file."


def main() -> None:
    arguments = _arguments()
    with show("exports", arguments.home) as home:
        _run(arguments, home)


if __name__ == "__main__":
    main()
