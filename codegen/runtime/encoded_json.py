"""JSON that is written already, where a model is expected. Knows no HTTP library."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncodedJson:
    """A JSON body that is bytes already, for what a model would be too slow or too lossy for.

    It is held against the contract by the server, on its way in or out, like any other.
    """

    content: bytes
