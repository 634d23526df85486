"""Where checkpoints are kept: a folder, one file each, that is written once and never again.

Knows their numbers and bytes alone. Several processes may write to one folder: a number is taken by
whoever comes first.
"""

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_IN_A_FOLDER: Final = 1000
_DRAFT: Final = ".draft-"
_DRAFT_IS_LEFT_AFTER_SECONDS: Final = 3600.0


class CheckpointFolder:
    """Raises OSError where the folder can't be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def newest_number(self) -> int | None:
        return next(self.numbers_back(), None)

    def numbers_back(self) -> Iterator[int]:
        """The numbers there are, newest first."""
        for folder in sorted(self._folders(), reverse=True):
            files = folder.glob("[0-9]*.json")
            yield from sorted((int(file.stem) for file in files), reverse=True)

    def all(self) -> Iterator[tuple[int, bytes]]:
        """Every checkpoint with its number, oldest first."""
        for folder in sorted(self._folders()):
            for file in sorted(folder.glob("[0-9]*.json")):
                yield int(file.stem), file.read_bytes()

    def read(self, number: int) -> bytes:
        return self._path(number).read_bytes()

    def add(self, number: int, content: bytes) -> bool:
        """Keeps a checkpoint, whole and on the disk; False if the number is taken."""
        path = self._path(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.parent / f"{_DRAFT}{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # Unlike a renaming, a link never replaces what is there.
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        _onto_disk(path.parent)
        _onto_disk(self.path)
        return True

    def drop_before(self, number: int) -> int:
        """Removes the folders that hold older ones only, and drafts that a killed process left."""
        dropped = 0
        for folder in sorted(self._folders()):
            for draft in folder.glob(f"{_DRAFT}*"):
                _remove_if_left(draft)
            if (int(folder.name) + 1) * _IN_A_FOLDER <= number:
                dropped += _remove(folder)
        return dropped

    def _folders(self) -> list[Path]:
        try:
            return [each for each in self.path.iterdir() if each.name.isdecimal()]
        except FileNotFoundError:
            return []

    def _path(self, number: int) -> Path:
        return self.path / f"{number // _IN_A_FOLDER:07}" / f"{number:010}.json"


def _remove(folder: Path) -> int:
    # Oldest first, so that one killed on the way leaves no gap.
    files = sorted(folder.glob("[0-9]*.json"))
    for file in files:
        file.unlink(missing_ok=True)
    folder.rmdir()
    return len(files)


def _remove_if_left(draft: Path) -> None:
    try:
        age = time.time() - draft.stat().st_mtime
    except FileNotFoundError:
        return
    if age > _DRAFT_IS_LEFT_AFTER_SECONDS:
        draft.unlink(missing_ok=True)


def _onto_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
