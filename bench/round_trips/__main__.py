"""`python -m bench.round_trips FILE …`: random values of every schema of contracts, through models.

Valid ones must come back equal; invalid ones must be refused as the server refuses them. What comes
of them is a row each; findings are listed, and make it fail. With `--calls` they are messages of
every operation, and go through client, socket, server and handler instead.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.round_trips.models import targets
from bench.round_trips.package import Package, package_of
from bench.round_trips.traffic import CALLERS, traffic
from bench.round_trips.trials import Tally, try_invalid, try_valid

_HEAD = (
    "| contract | schemas | valid | came back | differently | invalid | refused by both | looser "
    "| findings | seconds |\n|---|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.round_trips", description=__doc__)
    parser.add_argument("specs", type=Path, nargs="+")
    parser.add_argument("--calls", action="store_true", help="through both clients and a server")
    parser.add_argument("--examples", type=int, default=10, help="of each schema, or exchange")
    parser.add_argument("--every", type=int, default=1, help="try each n-th alone")
    arguments = parser.parse_args()
    if not arguments.calls:
        print(_HEAD, flush=True)
    found = 0
    with tempfile.TemporaryDirectory(prefix="round-trips-") as folder:
        for number, spec in enumerate(arguments.specs):
            found += _row(spec, Path(folder), f"contract_{number}", arguments)
    sys.exit(1 if found else 0)


def _row(spec: Path, folder: Path, name: str, arguments: argparse.Namespace) -> int:
    begun = time.monotonic()
    package = package_of(spec, folder, name)
    if arguments.calls:
        return _calls(spec, package, arguments)
    tried = list(targets(package))[:: arguments.every]
    valid = try_valid(package, tried, arguments.examples)
    invalid = try_invalid(package, tried, arguments.examples)
    cells = [
        spec.name,
        len(tried),
        valid.seen["values"],
        valid.seen["values"] - valid.seen["findings"],
        _counted(valid, ("values", "findings")),
        invalid.seen["values"],
        invalid.seen["refused by both"],
        _counted(invalid, ("values", "findings", "refused by both")),
        len(valid.findings) + len(invalid.findings),
        round(time.monotonic() - begun),
    ]
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return _findings(spec, valid, invalid)


def _calls(spec: Path, package: Package, arguments: argparse.Namespace) -> int:
    """A line for the valid messages of each kind of client, and one for the invalid ones."""
    found = 0
    for kind in CALLERS:
        came = traffic(package, kind, arguments.examples, arguments.every)
        for what, tally in (("valid", came.valid), ("invalid", came.invalid)):
            counted = _counted(tally, ("values", "findings"))
            print(
                f"{spec.name}, {kind}, {what}: {tally.seen['values']} messages: {counted}; "
                f"{len(tally.findings)} exchanges with findings, "
                f"{len(tally.without_values)} without values",
                flush=True,
            )
        found += _findings(spec, came.valid, came.invalid)
    return found


def _findings(spec: Path, *tallies: Tally) -> int:
    for tally in tallies:
        for where, told in tally.findings.items():
            print(f"{spec.name} {where}: {told[:600]}", file=sys.stderr)
        if tally.without_values:
            print(f"{spec.name} without values: {tally.without_values}", file=sys.stderr)
    return sum(len(tally.findings) for tally in tallies)


def _counted(tally: Tally, others: tuple[str, ...]) -> str:
    known = {name: count for name, count in tally.seen.items() if name not in others}
    return ", ".join(f"{count} {name}" for name, count in sorted(known.items())) or "-"


if __name__ == "__main__":
    main()
