"""What emitters say of files, and the files made of it.

Where it is known what the same came to in the last run, and that stands in the package, the file
is taken from there: its text is neither made nor laid out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from .cache import Cache, Shelf
from .format import Text, format_python
from .manifest import digest


@dataclass(frozen=True, slots=True)
class Made:
    """`write`, a function of a module, makes the file of `made_of` and looks at nothing else.

    That is data as JSON has it, frozen dataclasses, and frozen sets.
    """

    write: Callable[..., Text | bytes]
    made_of: tuple[Any, ...]


# Bytes are not laid out; a text is if its file is Python.
Emitted = bytes | Text | Made


def files_of(emitted: Mapping[str, Emitted], cache: Cache) -> dict[str, bytes]:
    """By their paths in the package. Raises RuntimeError if what is emitted isn't Python."""
    shelf = cache.shelf("files")
    keys = _keys({name: each for name, each in emitted.items() if isinstance(each, Made)})
    done = _known(keys, shelf, cache)
    texts: dict[str, Text] = {}
    for name, each in emitted.items():
        if name not in done:
            written = each.write(*each.made_of) if isinstance(each, Made) else each
            if isinstance(written, bytes):
                done[name] = written
            else:
                texts[name] = written
    done |= {name: text.encode() for name, text in format_python(texts, cache).items()}
    for name, key in keys.items():
        shelf[name] = {"key": key, "file": digest(done[name])}
        shelf.used(name)
    return done


def _known(keys: Mapping[str, str], shelf: Shelf, cache: Cache) -> dict[str, bytes]:
    found = {}
    for name, key in keys.items():
        if name in shelf and shelf[name]["key"] == key:
            content = cache.package_file(name, shelf[name]["file"])
            if content is not None:
                found[name] = content
    return found


def _keys(made: Mapping[str, Made]) -> dict[str, str]:
    """A digest each of all that the text depends on, but the generator; none where none can be."""
    known: dict[int, str] = {}
    keys = {}
    for name, each in made.items():
        seen = sha256(f"{each.write.__module__}.{each.write.__qualname__}\n".encode())
        try:
            for part in each.made_of:
                # Several files are made of the same tag.
                if id(part) not in known:
                    known[id(part)] = digest(orjson.dumps(part, default=_plain))
                seen.update(known[id(part)].encode())
        except TypeError:
            # Of numbers beyond 64 bits, halves of characters, or 254 levels.
            continue
        keys[name] = seen.hexdigest()
    return keys


def _plain(value: Any) -> list[Any]:
    """The order of a set is another in each process."""
    if not isinstance(value, frozenset):
        raise TypeError(type(value).__name__)
    return sorted(value)
