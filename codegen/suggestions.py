"""What was probably meant where a name isn't known: hints of the form "did you mean …?". Pure."""

import difflib
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from .shape import escape

# Higher than difflib's own: a wrong guess misleads, none only fails to help.
_LIKENESS = 0.7


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    near = nearest(word, known)
    return f"did you mean {near}?" if near else otherwise


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like the word; letters' case doesn't count."""
    by_folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=_LIKENESS)
    return by_folded[found[0]] if found else None


def nearest_fragment(document: Any, fragment: str) -> str | None:
    """A fragment that leads somewhere: each token that leads nowhere replaced by its nearest."""
    value = document
    written = ""
    tokens = [raw.replace("~1", "/").replace("~0", "~") for raw in unquote(fragment).split("/")[1:]]
    while tokens:
        token = tokens.pop(0)
        if isinstance(value, dict):
            if token not in value and (unescaped := _unescaped(value, [token, *tokens])):
                token, tokens = unescaped
            key = token if token in value else nearest(token, map(str, value))
            if key is None:
                return None
            value, written = value[key], f"{written}/{escape(key)}"
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value, written = value[int(token)], f"{written}/{token}"
        else:
            return None
    return written or None


def _unescaped(value: dict[str, Any], tokens: list[str]) -> tuple[str, list[str]] | None:
    """The key that several tokens make up, if its slashes weren't escaped, and the tokens left."""
    for count in range(len(tokens), 1, -1):
        key = "/".join(tokens[:count])
        if key in value:
            return key, tokens[count:]
    return None
