"""The tutorial, typed to the letter in an empty folder; what it ends with is the example.

So the example is built, type-checked, tested and fuzzed here. Port 8000 becomes a free one, and `…`
in the tutorial stands for anything.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from .conftest import ROOT, free_port

TUTORIAL = ROOT / "docs" / "codegen" / "tutorial.md"
EXAMPLE = ROOT / "examples" / "noticeboard"
BLOCK = re.compile(r"^```(console|diff)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Generated; and the one file that says where it lies.
NOT_COMPARED = ("api", "README.md")


@dataclass
class Reader:
    """Who follows the tutorial: in which folder, and at which port the service is to be."""

    folder: Path
    port: int

    def types(self, command: str) -> str:
        """What the command says, on both outputs."""
        if command.startswith("cd "):
            self.folder /= command.removeprefix("cd ")
            return ""
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace(":8000", f":{self.port}")],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return done.stdout

    @contextmanager
    def serves(self, command: str) -> Iterator[None]:
        """In a second terminal, until the block ends."""
        with subprocess.Popen(command.split(), cwd=self.folder, env=self._environment()) as process:
            try:
                self._wait(process)
                yield
            finally:
                process.terminate()

    def edits(self, name: str, diff: str) -> None:
        """Replaces the lines that the diff shows, which stand once in the file."""
        lines = diff.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
        file = self.folder / name
        text = file.read_text()
        assert text.count(old) == 1, diff
        file.write_text(text.replace(old, new))

    def _environment(self) -> dict[str, str]:
        commands = Path(sys.executable).parent
        path = f"{commands}{os.pathsep}{os.environ['PATH']}"
        here = {"PATH": path, "PORT": str(self.port), "HOME": str(self.folder)}
        # As Hypothesis takes it: the same examples each time.
        return {**here, "COLUMNS": "80", "CI": "true"}

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert process.poll() is None, "the service ended before it answered"
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/notes")
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("the service did not answer within 30 s")


def compare(reader: Reader, body: str) -> None:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        # An answer may end without a new line, which no page can show.
        said = reader.types(command).rstrip("\n")
        pattern = ".*".join(map(re.escape, expected.rstrip("\n").split("…")))
        assert re.fullmatch(pattern, said, re.DOTALL), f"$ {command}\n{said}"


def test_tutorial_works_to_the_letter_and_ends_with_the_example(tmp_path: Path) -> None:
    reader = Reader(tmp_path, free_port())
    with ExitStack() as serving:
        for kind, argument, body in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
            if argument == "serve":
                serving.enter_context(reader.serves(body.removeprefix("$ ")))
            elif kind == "console":
                compare(reader, body)
            else:
                serving.close()
                reader.edits(argument, body)
    assert written_by_hand(reader.folder) == written_by_hand(EXAMPLE)


def written_by_hand(folder: Path) -> dict[str, str]:
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {
        name.as_posix(): (folder / name).read_text()
        for name in names
        if name.parts[0] not in NOT_COMPARED and not is_left_by_tools(name)
    }


def is_left_by_tools(name: Path) -> bool:
    folders = name.parts[:-1]
    return any(part == "__pycache__" or part.startswith(".") for part in folders)
