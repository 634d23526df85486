"""What a JSON Pointer leads to in plain data. Pure."""

from typing import Any
from urllib.parse import unquote

from .shape import Pointer, written


def value_at(document: Any, pointer: Pointer) -> Any:
    """Raises LookupError where there is none."""
    value = document
    for token in pointer:
        if isinstance(value, dict):
            value = value[token]
        elif isinstance(value, list):
            value = value[int(token)]
        else:
            raise LookupError(written(pointer))
    return value


def local_pointer(document: Any, reference: str) -> Pointer:
    """The pointer that `#/…` stands for, with list positions as numbers."""
    return parse_fragment(document, reference.partition("#")[2])


def parse_fragment(document: Any, fragment: str) -> Pointer:
    """Raises LookupError where it leads nowhere."""
    return parse_pointer(document, unquote(fragment))


def parse_pointer(document: Any, text: str) -> Pointer:
    """Of its text as RFC 6901 has it. Raises LookupError where it leads nowhere."""
    pointer: Pointer = ()
    value = document
    tokens = text.split("/")
    if tokens[0]:
        raise LookupError(text)
    for raw in tokens[1:]:
        token: str | int = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            if not str(token).isdecimal():
                raise LookupError(text)
            token = int(token)
        value = value_at(value, (token,))
        pointer = (*pointer, token)
    return pointer
