"""`python -m bench.round_trips.fuzz FILE …`: Schemathesis against a service with stub handlers.

Each contract is generated and served by `sample_service`, a process of its own, and `st run`,
another, calls every operation with right and wrong input. No answer may be a 5xx or break the
contract; which failures count for nothing, and why, `fuzzing_hooks` says. Fails where a run does.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.round_trips.package import package_of

_ROOT = Path(__file__).parent.parent.parent
_SETTINGS = Path(__file__).parent / "schemathesis.toml"
_PACKAGE = "fuzzed"
_PATIENCE_SECONDS = 300
_PHASES = "examples,coverage,fuzzing"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.round_trips.fuzz", description=__doc__)
    parser.add_argument("specs", type=Path, nargs="+")
    parser.add_argument("--examples", type=int, default=20, help="of each operation")
    parser.add_argument("--phases", default=_PHASES, help=f"of st run; {_PHASES} if not given")
    arguments = parser.parse_args()
    options = ("--max-examples", str(arguments.examples), "--phases", arguments.phases)
    codes = [fuzz(spec.resolve(), options) for spec in arguments.specs]
    sys.exit(max(codes))


def fuzz(spec: Path, options: tuple[str, ...]) -> int:
    """The exit code of `st run` with these options: 0 if nothing was found."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        package_of(spec, folder, _PACKAGE)
        port = _free_port()
        served = _start("-m", "bench.round_trips.sample_service", spec, folder, _PACKAGE, port)
        try:
            _wait(served, port)
            contract = folder / _PACKAGE / "openapi.json"
            print(f"== {spec.name}", flush=True)
            url = f"http://127.0.0.1:{port}"
            aimed = ["--url", url, "--header", _credential(contract), *options]
            command = ["--config-file", _SETTINGS, "run", contract, *aimed]
            return _start("-m", "schemathesis.cli", *command).wait()
        finally:
            served.terminate()
            served.wait(timeout=30)


def _start(*arguments: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "SCHEMATHESIS_HOOKS": _HOOKS}
    return subprocess.Popen([sys.executable, *map(str, arguments)], env=environment, cwd=_ROOT)


_HOOKS = "bench.round_trips.fuzzing_hooks"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _credential(contract: Path) -> str:
    """Any will do, if it is of the kind that the contract asks for."""
    is_basic = re.search(r'"scheme":\s*"basic"', contract.read_text(encoding="utf-8"))
    return f"Authorization: {'Basic YTph' if is_basic else 'Bearer a'}"


def _wait(served: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if served.poll() is not None:
            raise SystemExit("the service ended before it answered")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"the service did not answer within {_PATIENCE_SECONDS} s")


if __name__ == "__main__":
    main()
