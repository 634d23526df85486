"""Takes the text of a parameter apart by its style (RFC 6570, 3.2; OpenAPI's table of styles).

An item can't hold its separator: clients escape that one as well, or they don't.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Shape = Literal["scalar", "array", "object"]
_SEPARATORS: Final = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


class WrongStyle(Exception):
    """The text isn't in the style that the contract gives the parameter."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one parameter is written. `name` is the contract's, which stands in the style matrix."""

    style: str
    explode: bool
    shape: Shape
    name: str

    def pieces(self, text: str) -> list[str]:
        """The items of an array, the members of an object, or the one value. Raises WrongStyle."""
        if self.style == "label":
            body = _after(".", text)
            return self._split(body, "." if self.explode else ",")
        if self.style == "matrix":
            return self._matrix(_after(";", text))
        return self._split(text, _SEPARATORS[self.style])

    def members(self, text: str) -> dict[str, str]:
        """The members of an object by name. Raises WrongStyle."""
        pieces = self.pieces(text)
        if self.explode:
            pairs = [piece.partition("=") for piece in pieces]
            if not all(equals for _, equals, _ in pairs):
                raise WrongStyle
            return _unique([(name, value) for name, _, value in pairs])
        if len(pieces) % 2:
            raise WrongStyle
        return _unique(list(zip(pieces[::2], pieces[1::2], strict=True)))

    def _matrix(self, body: str) -> list[str]:
        if not self.explode or self.shape == "scalar":
            return self._split(_after(f"{self.name}=", body), ",")
        pieces = body.split(";")
        if self.shape == "object":
            return pieces
        return [_after(f"{self.name}=", piece) for piece in pieces]

    def _split(self, text: str, separator: str) -> list[str]:
        return [text] if self.shape == "scalar" else text.split(separator)


def _after(start: str, text: str) -> str:
    if not text.startswith(start):
        raise WrongStyle
    return text.removeprefix(start)


def _unique(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise WrongStyle
    return found
