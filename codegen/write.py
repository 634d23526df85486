"""Compares rendered files with the output folder, and writes what differs.

Never touches a file that the generator didn't write. A run that is killed leaves whole files only.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .manifest import FILE_NAME, Manifest, digest
from .python_text import HEADER_START

DriftKind = Literal["stale", "edited", "missing", "orphaned", "foreign"]

_TEMPORARY = ".codegen-tmp"
_HEADER_WITHIN = 200
_MAX_FOREIGN = 20


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One file that isn't as the contract has it.

    stale: the contract has moved on. edited: changed by hand. missing: not there. orphaned: written
    by the generator, no longer wanted. foreign: in the folder, but not from the generator.
    """

    path: str
    kind: DriftKind


def compare(out: Path, wanted: Mapping[str, str], manifest: Manifest) -> list[Drift]:
    """`wanted` maps paths to digests."""
    drifts = []
    for name, wanted_digest in wanted.items():
        data = _read(out / name)
        if data is None:
            drifts.append(Drift(name, "missing"))
        elif digest(data) != wanted_digest:
            drifts.append(Drift(name, _difference(name, data, manifest)))
    foreign = 0
    for name in _files_in(out):
        if name not in wanted:
            is_ours = name in manifest.outputs or _is_ours(out / name)
            drifts.append(Drift(name, "orphaned" if is_ours else "foreign"))
            foreign += not is_ours
        # Nothing is written beside one: who gave the folder of a whole project needs no more.
        if foreign == _MAX_FOREIGN:
            break
    return sorted(drifts)


def _difference(name: str, data: bytes, manifest: Manifest) -> DriftKind:
    known = manifest.outputs.get(name)
    if known is not None:
        return "stale" if known == digest(data) else "edited"
    return "stale" if _has_header(data) else "foreign"


def apply(out: Path, files: Mapping[str, bytes], drifts: list[Drift], manifest: Manifest) -> None:
    """Mends the drifts; `manifest` describes `files`. The caller has refused foreign ones."""
    for drift in drifts:
        if drift.kind == "orphaned":
            (out / drift.path).unlink(missing_ok=True)
            _remove_if_empty(out, (out / drift.path).parent)
        elif drift.kind != "foreign":
            _replace(out / drift.path, files[drift.path])
    text = manifest.as_text().encode()
    if _read(out / FILE_NAME) != text:
        _replace(out / FILE_NAME, text)


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}{_TEMPORARY}")
    temporary.write_bytes(data)
    temporary.replace(path)


def _remove_if_empty(out: Path, folder: Path) -> None:
    while folder != out and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _files_in(out: Path) -> Iterator[str]:
    """Paths of all files, without caches and the manifest."""
    for folder, folders, names in os.walk(out):
        folders[:] = sorted(
            name for name in folders if name != "__pycache__" and not name.startswith(".")
        )
        for name in names:
            path = (Path(folder) / name).relative_to(out).as_posix()
            if path != FILE_NAME and not name.endswith(".pyc"):
                yield path


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_ours(path: Path) -> bool:
    if path.name.endswith(_TEMPORARY):
        return True
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return _has_header(file.read(_HEADER_WITHIN))
    except FileNotFoundError:
        return False


def _has_header(data: bytes) -> bool:
    return HEADER_START.encode() in data[:_HEADER_WITHIN]
