"""Merkle trees, held against the RFC's own recursive definition."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from policies.merkle import leaf_hash, root_of


def _by_the_rfc(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = _by_the_rfc(leaves[:split]), _by_the_rfc(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_is_that_of_the_rfc(leaves: list[bytes]) -> None:
    assert root_of([leaf_hash(each) for each in leaves]) == _by_the_rfc(leaves)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40, unique=True), st.data())
def test_root_tells_apart_what_two_leaves_in_other_places_make(
    leaves: list[bytes], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(leaves))
    same = root_of([leaf_hash(each) for each in leaves]) == root_of(
        [leaf_hash(each) for each in other]
    )
    assert same is (leaves == other)
