"""Reads the old contract: a file, or what a revision of git has in place of the new one.

Nothing is checked out: each file that the contract stands in is read from the revision.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..bundle import ReadFile
from ..diagnostics import Place, one_error


@dataclass(frozen=True, slots=True)
class Base:
    """`name` is how messages call the contract; `read` gets each of its files."""

    spec: Path
    name: str
    read: ReadFile


def find_base(base: str, spec: Path) -> Base:
    """Raises ContractError where `base` is neither a file nor a revision of the repository around
    `spec`, FileNotFoundError where there is no `spec`.
    """
    if Path(base).is_file():
        return Base(Path(base), base, Path.read_bytes)
    if not spec.is_file():
        raise FileNotFoundError(2, "No such file or directory", str(spec))
    if not _git(spec, "rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}"):
        hint = "give a path, or a branch, tag or commit that `git fetch` has brought here"
        message = f"{base} is neither a file nor a revision of the repository around {spec}"
        raise one_error(Place(base), "CG001", message, hint)
    top = Path(_git(spec, "rev-parse", "--show-toplevel").decode().rstrip("\n"))

    def read(path: Path) -> bytes:
        place = os.path.relpath(path.resolve(), top.resolve())
        found = _run(spec, "cat-file", "blob", f"{base}:{place}")
        if found.returncode:
            raise FileNotFoundError(2, f"the revision {base} has no such file", str(path))
        return found.stdout

    # git's own way to write it, with a `./` that keeps the revision before files beside this one.
    return Base(spec, f"{base}:./{spec}", read)


def _git(spec: Path, *arguments: str) -> bytes:
    """What git prints; nothing if it fails."""
    done = _run(spec, *arguments)
    return b"" if done.returncode else done.stdout


def _run(spec: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(spec.resolve().parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        hint = "install git, or give the old contract as a file"
        raise one_error(Place(str(spec)), "CG001", "git can't be run", hint) from error
