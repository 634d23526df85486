"""Exports' files in a folder of this machine, or one that several machines share.

A file is written beside its place and renamed, so that under its name it is whole or not there.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from typing_extensions import override

from handlers.export_store import ExportStore, StoredFileMissing, StoreRefused, StoreUnavailable

_PIECE_BYTES: Final = 256 * 1024
_DRAFT: Final = ".draft-"
_DRAFT_TRIES: Final = 10
_RETRY_SECONDS: Final = 30
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG)


class FolderStore(ExportStore):
    """Makes the folder when it first keeps something. Its files are readable by the owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        place = self._place(name)
        with _told():
            draft, descriptor = _new_draft(place)
        file = os.fdopen(descriptor, "wb")
        try:
            for chunk in chunks:
                with _told():
                    file.write(chunk)
            with _told():
                file.flush()
                os.fsync(file.fileno())
                file.close()
                draft.rename(place)
                _onto_disk(place.parent)
        except BaseException:
            # Closing writes what is left, which fails again where there is no room.
            with suppress(OSError):
                file.close()
            draft.unlink(missing_ok=True)
            raise

    @override
    def read(self, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with _told(), self._file(name).open("rb") as file:
            file.seek(start)
            left = None if end is None else max(end - start, 0)
            while piece := file.read(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES)):
                left = None if left is None else left - len(piece)
                yield piece

    @override
    def size(self, name: str) -> int:
        with _told():
            return self._file(name).stat().st_size

    @override
    def delete(self, prefix: str) -> int:
        """Drafts that a killed writer has left are deleted with the rest of their folder."""
        deleted = 0
        with _told():
            for place in self._files(prefix, drafts=True):
                place.unlink(missing_ok=True)
                self._remove_emptied(place.parent)
                deleted += not place.name.startswith(_DRAFT)
            if prefix.endswith("/"):
                shutil.rmtree(self._place(prefix.rstrip("/")), ignore_errors=True)
        return deleted

    @override
    def names(self, prefix: str) -> Iterator[str]:
        with _told():
            for place in self._files(prefix, drafts=False):
                yield place.relative_to(self._path).as_posix()

    @override
    def link(self, name: str, *, file_name: str, media_type: str, seconds: int) -> str | None:
        return None

    def _files(self, prefix: str, *, drafts: bool) -> list[Path]:
        folder, _, beginning = prefix.rpartition("/")
        below = self._place(folder) if folder else self._path
        return [
            place
            for place in below.rglob("*")
            if place.is_file()
            and place.relative_to(below)
            .as_posix()
            .startswith((beginning, _DRAFT) if drafts else beginning)
            and (drafts or not place.name.startswith(_DRAFT))
        ]

    def _remove_emptied(self, folder: Path) -> None:
        while folder != self._path:
            try:
                folder.rmdir()
            except OSError:
                # Something is in it.
                return
            folder = folder.parent

    def _file(self, name: str) -> Path:
        """Raises StoredFileMissing."""
        place = self._place(name)
        if not place.is_file():
            raise StoredFileMissing
        return place

    def _place(self, name: str) -> Path:
        if any(piece in ("", ".", "..") for piece in name.split("/")):
            raise ValueError("a name in the store must not lead out of it")
        return self._path / name


def _new_draft(place: Path) -> tuple[Path, int]:
    """An open file beside `place`."""
    for left in reversed(range(_DRAFT_TRIES)):
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = place.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
            return draft, os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            # Another export's deletion has just removed a folder that was empty.
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


@contextmanager
def _told() -> Iterator[None]:
    """Says what the system's errors mean for whoever keeps files, and what a person can do."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoredFileMissing from error
    except OSError as error:
        if error.errno in _FULL:
            reason = "The folder of exports has no space left. Free some there."
            raise StoreUnavailable(reason, _RETRY_SECONDS) from error
        if error.errno in _FORBIDDEN:
            reason = (
                f"The folder of exports can't be used: {error.strerror}. See that EXPORT_STORE "
                "names a folder that the service may write to."
            )
            raise StoreRefused(reason) from error
        reason = f"The folder of exports can't be used now: {error.strerror}."
        raise StoreUnavailable(reason, _RETRY_SECONDS) from error


def _onto_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
