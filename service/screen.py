"""How commands that wait tell how far they are: a bar on a terminal, else nothing at all."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


class Bar:
    """Stands where it is set to."""

    def __init__(self, shown: Any) -> None:
        self._shown = shown

    def set(self, done: int, total: int) -> None:
        """`total` may change on the way."""
        self._shown.length = max(total, done)
        self._shown.update(done - self._shown.pos)

    def add(self, count: int) -> None:
        self._shown.update(count)


class Screen:
    """Speaks on standard error, so that standard output is the result's alone."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._bar_hidden = is_quiet or not sys.stderr.isatty()

    def say(self, line: str) -> None:
        if not self._is_quiet:
            click.echo(line, err=True)

    @contextmanager
    def bar(self, label: str, total: int, *, done: int = 0) -> Iterator[Bar]:
        """`done` and `total` are in whatever is counted."""
        with click.progressbar(
            length=total, label=label, file=sys.stderr, show_pos=True, hidden=self._bar_hidden
        ) as shown:
            bar = Bar(shown)
            bar.add(done)
            yield bar
