"""Merkle trees as RFC 9162 (2.1) hashes them: one digest that stands for a list, in its order."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(content: bytes) -> bytes:
    return sha256(_LEAF + content).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaves that `leaf_hash` has hashed; of none, the hash of nothing.

    Pairs level by level, an odd last one going up as it is, make the same tree as the RFC's splits
    at the largest power of two.
    """
    if not leaf_hashes:
        return sha256(b"").digest()
    level = list(leaf_hashes)
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(_NODE + left + right).digest() for left, right in pairs] + odd
    return level[0]
