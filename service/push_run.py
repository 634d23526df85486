"""One run of `collector push`: from files and folders to requests, in an order that is always the
same, so that a run that was killed can be made once more.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from formats.registry import FORMATS, detect
from service.push import NamedLine, Pushed, Pusher

# The server takes more; a request of this size is done in a fraction of its time-out.
LINES_A_BATCH: Final = 1000
BYTES_A_BATCH: Final = 4 * 1024 * 1024
# The server's limit for a line; what is longer goes by itself.
MAX_LINE: Final = 1024 * 1024
_LINES_SUFFIXES: Final = frozenset({".ndjson", ".jsonl"})


@dataclass(frozen=True, slots=True)
class Source:
    """A file to push; `is_found` in a folder, where it had not been named itself."""

    path: Path
    is_found: bool = False


def sources(named: Iterator[Path]) -> Iterator[Source]:
    """The files named, and for a folder those in it and below, sorted, without hidden ones."""
    for path in named:
        if path.is_dir():
            # An empty one stands for itself, so that it shows as a failure.
            yield from list(_within(path)) or [Source(path)]
        else:
            yield Source(path)


def _within(folder: Path) -> Iterator[Source]:
    for place, folders, files in os.walk(folder):
        # Of this list the walk goes on with what is left.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Source(Path(place, name), is_found=True)


@dataclass(slots=True)
class PushRun:
    """Takes sources one by one; the results are complete once it is finished.

    Reports found in folders, and lines of NDJSON files, go in batches; all else one by one.
    """

    pusher: Pusher
    format_name: str
    stream: str | None
    ignore_unknown: bool
    results: list[Pushed] = field(default_factory=list)
    _lines: list[NamedLine] = field(default_factory=list)
    _size: int = 0

    def take(self, source: Source) -> None:
        try:
            if source.path.is_dir():
                self._fail(str(source.path), "the folder has no files that aren't hidden")
            elif source.path.suffix in _LINES_SUFFIXES and self.format_name in ("auto", "qc"):
                self._take_lines(source.path)
            else:
                self._take_file(source, source.path.read_bytes())
        except OSError as error:
            self._fail(str(source.path), f"can't read it: {error.strerror}")

    def finish(self) -> None:
        if self._lines:
            self.results += self.pusher.push_batch(self._lines)
            self._lines, self._size = [], 0

    def _take_lines(self, path: Path) -> None:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    self._take_report(f"{path}:{number}", line.strip(), in_batch=True)

    def _take_file(self, source: Source, content: bytes) -> None:
        name = str(source.path)
        found = detect(content) if self.format_name == "auto" else self.format_name
        if found is None:
            if not (source.is_found and self.ignore_unknown):
                known = ", ".join(["qc", *FORMATS])
                self._fail(name, f"its format isn't recognised; name it with --format ({known})")
        elif found == "qc":
            self._take_report(name, content, in_batch=source.is_found)
        else:
            self.results.append(self.pusher.push(name, content, found, self.stream))

    def _take_report(self, name: str, content: bytes, *, in_batch: bool) -> None:
        if self.stream is not None:
            self._fail(name, "a QC report names its own stream; send it without --stream")
        elif not in_batch or len(content) > MAX_LINE:
            self.results.append(self.pusher.push(name, content, "qc", None))
        else:
            self._add(NamedLine(name, _as_one_line(content)))

    def _add(self, line: NamedLine) -> None:
        if len(self._lines) == LINES_A_BATCH or self._size + len(line.content) > BYTES_A_BATCH:
            self.finish()
        self._lines.append(line)
        self._size += len(line.content) + 1

    def _fail(self, name: str, reason: str) -> None:
        self.results.append(Pushed(name, error=reason))


def _as_one_line(content: bytes) -> bytes:
    """JSON has line breaks between its tokens alone, where a space is as good."""
    return content.strip().replace(b"\r", b" ").replace(b"\n", b" ")
