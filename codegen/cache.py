"""Results of steps that are the same whenever their input is, kept from one run to the next.

A name says all that a result depends on; `Cache` adds the generator's digest. An entry that is not
whole, or of another name, is none. Nothing is written before `save`, so a run that fails or that
only checks leaves no trace.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

FOLDER = ".codegen-cache"
_IGNORED = "# The generator's own, to be fast: safe to delete, and not to be committed.\n*\n"


class Shelf:
    """Results by their keys."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found
        self._was = dict(found)
        self.in_use: dict[str, Any] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._found

    def __setitem__(self, key: str, value: Any) -> None:
        self._found[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._found[key]

    def used(self, key: str) -> Any:
        """Raises KeyError."""
        self.in_use[key] = self._found[key]
        return self._found[key]

    @property
    def has_changed(self) -> bool:
        return self.in_use != self._was


class Cache:
    """`folder` is where entries lie, None for a cache that keeps nothing beyond its own life.

    With `read` false none is taken from there, but `save` replaces them all the same.
    """

    def __init__(self, folder: Path | None = None, generator: str = "", read: bool = True) -> None:
        self._folder = folder
        self._generator = generator
        self._read = read
        self._used: set[str] = set()
        self._new: dict[str, bytes] = {}
        self._shelves: list[tuple[str, str, Shelf]] = []

    def values(
        self, names: Sequence[str], make: Callable[[Sequence[int]], Iterable[Any]]
    ) -> list[Any]:
        """What `make` gives, as JSON knows it, or gave when it was asked by the same names.

        It is asked once, for those that aren't known, by their indices in `names`.
        """
        entries = [self._entry(name) for name in names]
        found = [self._load(file, full_name) for file, full_name in entries]
        missing = [index for index, value in enumerate(found) if value is None]
        for index, value in zip(missing, make(missing), strict=True):
            file, full_name = entries[index]
            found[index] = value
            self._new[file] = _written(full_name, value)
        return found

    def shelf(self, name: str) -> Shelf:
        """Many small results in one entry: those that this run uses are kept. Ask once a name."""
        file, full_name = self._entry(name)
        shelf = Shelf(self._load(file, full_name) or {})
        self._shelves.append((file, full_name, shelf))
        return shelf

    def _entry(self, name: str) -> tuple[str, str]:
        """The file of an entry that this run uses, and the name in it."""
        full_name = f"{self._generator} {name}"
        file = f"{sha256(full_name.encode()).hexdigest()}.json"
        self._used.add(file)
        return file, full_name

    def package_file(self, name: str, wanted: str) -> bytes | None:
        """Of a file of the package beside, if that is the one with the digest `wanted`."""
        if self._folder is None or not self._read:
            return None
        try:
            content = (self._folder.parent / name).read_bytes()
        except OSError:
            return None
        return content if sha256(content).hexdigest() == wanted else None

    def _load(self, file: str, name: str) -> Any:
        if self._folder is None or not self._read:
            return None
        try:
            digest, _, content = (self._folder / file).read_bytes().partition(b"\n")
        except OSError:
            return None
        if digest.decode("ascii", "replace") != sha256(content).hexdigest():
            return None
        # Loaded here, as a run with nothing changed reads no entry.
        from .json_text import parsed

        entry = parsed(content)
        return entry["value"] if entry["name"] == name else None

    def save(self) -> None:
        """Writes what is new and drops what this run had no use for. Raises OSError."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write(".gitignore", _IGNORED.encode())
        for file, name, shelf in self._shelves:
            if shelf.has_changed:
                self._new[file] = _written(name, shelf.in_use)
        for file, content in self._new.items():
            self._write(file, content)
        for path in self._folder.iterdir():
            if path.name not in self._used and path.name != ".gitignore":
                path.unlink(missing_ok=True)

    def _write(self, file: str, content: bytes) -> None:
        """Whole or not at all, also if two runs write the same at once."""
        assert self._folder is not None
        path = self._folder / file
        if path.exists() and path.read_bytes() == content:
            return
        temporary = path.with_name(f"{file}.{uuid4().hex}")
        temporary.write_bytes(content)
        temporary.replace(path)


def _written(name: str, value: Any) -> bytes:
    content = json.dumps({"name": name, "value": value}).encode()
    return sha256(content).hexdigest().encode() + b"\n" + content
