"""`python -m bench.contracts FILE …`: what becomes of contracts that aren't ours, a row each.

Each is generated, its time taken beside the library's alone and after an edit of one schema,
imported, type-checked and served with stub handlers, and every operation is called once for each
media type it takes, with a value made by a few rules. A call counts as reached if the handler was
called; what the service refused is listed with its problem by `--show`.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx

from bench.contracts.requests import Request, requests
from bench.contracts.speed import measure, schemas_of, source_of
from bench.contracts.step import ROOT, run
from codegen.runtime.schemas import ContractSchemas

_STUB = ROOT / "tests" / "codegen" / "stub_service.py"
_REACHED = 501
_MORE = re.compile(r"^([\d,]+) more CG\d{3} warnings", re.MULTILINE)
_LEFT_OUT = re.compile(r" CG08[01] warning: (.{1,60}?)(?::|,|;| \(|$)", re.MULTILINE)
_HEAD = (
    "| contract | OpenAPI | operations | schemas | generate | library alone | ratio | edited "
    "| ratio | unchanged | warnings | left out | import | mypy | start | reached |\n"
    f"|{'---|' * 16}"
)
_MYPY = """
[tool.mypy]
strict = true
[[tool.mypy.overrides]]
module = ["connexion.*"]
ignore_missing_imports = true
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.contracts", description=__doc__)
    parser.add_argument("specs", type=Path, nargs="+")
    parser.add_argument("--show", action="store_true", help="print refused calls and what failed")
    parser.add_argument("--no-mypy", action="store_true", help="leave out the slowest step")
    parser.add_argument("--rounds", type=int, default=1, help="how often the time is taken")
    parser.add_argument("--row", action="store_true", help="without the head of the table")
    arguments = parser.parse_args()
    if not arguments.row:
        print(_HEAD, flush=True)
    # In a process of its own each: a child's peak of memory is never less than its parent's.
    if len(arguments.specs) > 1:
        options = [*(["--show"] * arguments.show), *(["--no-mypy"] * arguments.no_mypy), "--row"]
        options += ["--rounds", str(arguments.rounds)]
        for spec in arguments.specs:
            subprocess.run(
                [sys.executable, "-m", "bench.contracts", str(spec), *options], check=True
            )
    else:
        [spec] = arguments.specs
        with tempfile.TemporaryDirectory(prefix="contracts-") as folder:
            print(_row(spec.resolve(), Path(folder), arguments), flush=True)


def _row(spec: Path, folder: Path, arguments: argparse.Namespace) -> str:
    speed = measure(spec, folder, arguments.rounds)
    generated = speed.generated[-1]
    if generated.code:
        print(generated.said[-4000:], file=sys.stderr)
        return f"| {spec.name} | | | | {generated} |{' |' * 11}"
    source = source_of(spec)
    imported = run(folder, "-c", "import package.routes, package.runtime.application")
    (folder / "pyproject.toml").write_text(_MYPY)
    checked = None if arguments.no_mypy else run(folder, "-m", "mypy", "package")
    for step in (imported, checked):
        if step is not None and step.code and arguments.show:
            print(step.said[-4000:], file=sys.stderr)
    start, calls, operations = _served(folder, arguments.show)
    cells = [
        spec.name,
        source.value["openapi"],
        operations,
        len(schemas_of(source)),
        *speed.cells,
        _warnings(generated.said),
        _left_out(generated.said),
        imported,
        checked,
        f"{start:.1f} s",
        f"{calls[True]} of {sum(calls.values())}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _warnings(said: str) -> int:
    """Those that are shown, and those that are only counted."""
    counted = [int(number.replace(",", "")) for number in _MORE.findall(said)]
    return said.count(" warning: ") + sum(counted)


def _left_out(said: str) -> str:
    """What the generator doesn't support, by what it says of it, and how often."""
    found = Counter(_LEFT_OUT.findall(said))
    return "; ".join(f"{count} {what}" for what, count in found.most_common(4)) or "nothing"


def _served(folder: Path, show: bool) -> tuple[float, Counter[bool], int]:
    sys.path.insert(0, str(folder))
    operations = import_module("package.operations").OPERATIONS
    schemas = ContractSchemas(json.loads((folder / "package" / "openapi.json").read_bytes()))
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == "package"]:
        del sys.modules[name]
    port = _free_port()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(_STUB), "package", str(port)],
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            _wait(client, process)
            seconds = time.perf_counter() - begun
            client.headers.update(_credentials(schemas.document))
            calls = Counter(
                _call(client, request, show)
                for operation in operations.values()
                for request in requests(schemas, operation)
            )
    finally:
        process.terminate()
        process.wait(timeout=30)
    return seconds, calls, len(operations)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _credentials(document: Any) -> dict[str, str]:
    """Headers for every scheme that has one."""
    schemes = document.get("components", {}).get("securitySchemes", {}).values()
    keys = {one["name"]: "a" for one in schemes if one.get("in") == "header"}
    is_basic = any(str(one.get("scheme")).lower() == "basic" for one in schemes)
    return {**keys, "Authorization": "Basic YTph" if is_basic else "Bearer a"}


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            client.get("/")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the service ended before it answered")


def _call(client: httpx.Client, request: Request, show: bool) -> bool:
    """Whether the request reached the handler of its operation."""
    body: dict[str, Any] = dict(request.body)
    headers = {**request.headers, **body.pop("headers", {})}
    answer = client.request(
        request.method,
        request.path,
        params=tuple(request.query) or None,
        headers=headers,
        **body,
    )
    reached = answer.status_code == _REACHED
    # The handler of another operation may have been called in its place; of HEAD no body tells.
    if reached and request.method != "HEAD":
        reached = answer.json()["detail"].startswith(f"{request.operation}(")
    if show and not reached:
        told = f"{request.operation} {request.media_type}: {answer.status_code} {answer.text[:600]}"
        print(told, file=sys.stderr)
    return reached


if __name__ == "__main__":
    main()
