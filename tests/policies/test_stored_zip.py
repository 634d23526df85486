"""Archives: readable by everyone, the same bytes for ever, and each byte accounted for."""

import hashlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.stored_zip import (
    ArchiveError,
    Member,
    archive_chunks,
    archive_size,
    first_difference,
    read_members,
)

_TWO = (Member("a.txt", b"alpha"), Member("b.json", b"{}"))
_NAMES = ("a.txt", "b.json")
_members = st.lists(
    st.builds(Member, st.from_regex(r"[a-z]{1,12}\.[a-z]{1,4}", fullmatch=True), st.binary()),
    unique_by=lambda member: member.name,
    max_size=5,
)


def _archive(*members: Member) -> bytes:
    return b"".join(archive_chunks(members))


@given(_members)
def test_other_reader_finds_the_members_and_nothing_wrong(members: list[Member]) -> None:
    archive = _archive(*members)
    assert len(archive) == archive_size(members)
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert read.testzip() is None
        assert [Member(name, read.read(name)) for name in read.namelist()] == members
        assert {info.date_time for info in read.infolist()} <= {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in read.infolist()} <= {0o100644}


@given(_members)
def test_members_are_read_back_and_nothing_differs(members: list[Member]) -> None:
    archive = _archive(*members)
    assert read_members(archive, [member.name for member in members]) == tuple(members)
    assert first_difference(archive, members) is None


def test_bytes_are_the_same_as_ever() -> None:
    # A change of these would change each bundle that was ever handed out.
    digest = hashlib.sha256(_archive(*_TWO)).hexdigest()
    assert digest == "d20f0754b0f5022a1cb3028414bc1b834c084bff3f633b94ea6af08b498e5cac"


@given(st.data())
def test_any_byte_changed_is_named_with_the_member_it_belongs_to(data: st.DataObject) -> None:
    archive = bytearray(_archive(*_TWO))
    place = data.draw(st.integers(0, len(archive) - 1))
    archive[place] ^= data.draw(st.integers(1, 255))
    assert _what_is_said(bytes(archive))


@given(st.integers(0, len(_archive(*_TWO)) - 1))
def test_archive_cut_short_is_found(length: int) -> None:
    assert _what_is_said(_archive(*_TWO)[:length])


def test_byte_too_many_is_found() -> None:
    assert _what_is_said(_archive(*_TWO) + b"\0") == "byte 203, after the end of the directory"


def _what_is_said(archive: bytes) -> str | None:
    try:
        return first_difference(archive, read_members(archive, _NAMES))
    except ArchiveError as error:
        return str(error)


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (b"", "at byte 0, there is no header of a.txt"),
        (_archive(_TWO[0]), "after a.txt, there is no header of b.json"),
        (_archive(_TWO[1], _TWO[0]), "the header of another than a.txt"),
        (_archive(*_TWO)[:37], "the archive ends within a.txt"),
    ],
)
def test_what_can_not_be_read_is_named_by_member_and_byte(archive: bytes, said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        read_members(archive, _NAMES)


def test_compressed_archive_is_another() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "alpha" * 100)
    with pytest.raises(ArchiveError, match=r"a\.txt tells of a compressed file"):
        read_members(made.getvalue(), _NAMES)


def test_large_member_comes_in_pieces() -> None:
    pieces = list(archive_chunks((Member("a.bin", bytes(200_000)),)))
    assert max(map(len, pieces)) <= 65536


def test_archive_beyond_the_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.stored_zip._MOST_BYTES", 100)
    with pytest.raises(ValueError, match="at most 100 bytes, this one 203"):
        archive_size(_TWO)
