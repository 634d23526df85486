"""`python -m bench.round_trips FILE …`: random values of every schema of contracts, through models.

Valid ones must come back equal; invalid ones must be refused as the server refuses them. What comes
of them is a row each; findings are listed, and make it fail.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.round_trips.models import targets
from bench.round_trips.package import package_of
from bench.round_trips.trials import Tally, try_invalid, try_valid

_HEAD = (
    "| contract | schemas | valid | came back | differently | invalid | refused by both | looser "
    "| findings | seconds |\n|---|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.round_trips", description=__doc__)
    parser.add_argument("specs", type=Path, nargs="+")
    parser.add_argument("--examples", type=int, default=10, help="of each schema")
    parser.add_argument("--every", type=int, default=1, help="try each n-th schema alone")
    arguments = parser.parse_args()
    print(_HEAD, flush=True)
    found = 0
    with tempfile.TemporaryDirectory(prefix="round-trips-") as folder:
        for number, spec in enumerate(arguments.specs):
            found += _row(spec, Path(folder), f"contract_{number}", arguments)
    sys.exit(1 if found else 0)


def _row(spec: Path, folder: Path, name: str, arguments: argparse.Namespace) -> int:
    begun = time.monotonic()
    package = package_of(spec, folder, name)
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
    for tally in (valid, invalid):
        for where, told in tally.findings.items():
            print(f"{spec.name} {where}: {told[:600]}", file=sys.stderr)
    return len(valid.findings) + len(invalid.findings)


def _counted(tally: Tally, others: tuple[str, ...]) -> str:
    known = {name: count for name, count in tally.seen.items() if name not in others}
    return ", ".join(f"{count} {name}" for name, count in sorted(known.items())) or "-"


if __name__ == "__main__":
    main()
