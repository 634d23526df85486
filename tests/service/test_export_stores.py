"""What every store of exports does, held by the folder and by S3 alike."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.export_store import ExportStore, StoredFileMissing
from service.export_stores.folder import FolderStore
from service.export_stores.s3 import PART_BYTES, S3Store
from service.s3_place import parse_place
from tests.support.s3 import BUCKET, S3Server, s3_variables

_MIB: Final = 1024 * 1024
_SIZES: Final = [
    0,
    1,
    *(5 * _MIB + more for more in (-1, 0, 1)),
    *(PART_BYTES + more for more in (-1, 0, 1)),
    12 * _MIB,
    2 * PART_BYTES,
]
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Kept:
    """A store, and what a person who looks behind it sees: finished files, and what is left of
    unfinished ones.
    """

    store: ExportStore
    files: Callable[[], list[str]]
    drafts: Callable[[], list[str]]


@contextmanager
def _in_folder(folder: Path) -> Iterator[Kept]:
    def found(*, drafts: bool) -> list[str]:
        return [
            place.relative_to(folder).as_posix()
            for place in folder.rglob("*")
            if place.is_file() and place.name.startswith(".draft-") is drafts
        ]

    yield Kept(FolderStore(folder), lambda: found(drafts=False), lambda: found(drafts=True))


@contextmanager
def _in_s3(server: S3Server) -> Iterator[Kept]:
    prefix = f"run-{next(_numbers)}/"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_variables(server.port).items():
            patch.setenv(name, value)
        store = S3Store(parse_place(f"s3://{BUCKET}/{prefix}"))
    yield Kept(
        store,
        lambda: [key.removeprefix(prefix) for key in server.names() if key.startswith(prefix)],
        server.unfinished,
    )
    server.clear()


@pytest.fixture(params=["folder", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, s3: S3Server) -> Iterator[Kept]:
    with _in_folder(tmp_path) if request.param == "folder" else _in_s3(s3) as made:
        yield made


def _content(size: int) -> bytes:
    """Bytes that say where they stand, so that none can be in the place of another."""
    pattern = b"".join(number.to_bytes(4, "big") for number in range(min(size, 65_536) // 4 + 1))
    return (pattern * (size // len(pattern) + 1))[:size]


def _chunks(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def _breaking(content: bytes) -> Iterator[bytes]:
    yield from _chunks(content, 100_000)
    raise RuntimeError("the reports end in the middle")


@pytest.mark.parametrize(
    "size",
    _SIZES,
)
def test_a_file_of_any_size_comes_back_as_it_was(kept: Kept, size: int) -> None:
    content = _content(size)
    kept.store.put("a/file", _chunks(content, 1_000_003))
    assert kept.store.size("a/file") == size
    assert b"".join(kept.store.read("a/file")) == content
    assert (kept.files(), kept.drafts()) == (["a/file"], [])


def test_a_file_takes_the_place_of_another_of_its_name(kept: Kept) -> None:
    for content in (_content(PART_BYTES + 5), b"short", b"", _content(PART_BYTES + 7)):
        kept.store.put("a/file", [content])
        assert b"".join(kept.store.read("a/file")) == content
        assert kept.store.size("a/file") == len(content)


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES + 1])
def test_nothing_is_kept_of_content_that_ends_in_an_error(kept: Kept, size: int) -> None:
    with pytest.raises(RuntimeError, match="end in the middle"):
        kept.store.put("a/new", _breaking(_content(size)))
    assert (kept.files(), kept.drafts()) == ([], [])
    kept.store.put("a/old", [b"kept"])
    with pytest.raises(RuntimeError, match="end in the middle"):
        kept.store.put("a/old", _breaking(_content(size)))
    assert b"".join(kept.store.read("a/old")) == b"kept"
    assert (kept.files(), kept.drafts()) == (["a/old"], [])


def test_a_file_is_seen_by_nobody_before_it_is_whole(kept: Kept) -> None:
    seen: list[object] = []

    def looking() -> Iterator[bytes]:
        for chunk in _chunks(_content(2 * PART_BYTES), _MIB):
            yield chunk
            seen.extend(kept.store.names(""))
            with pytest.raises(StoredFileMissing):
                kept.store.size("a/file")

    kept.store.put("a/file", looking())
    assert seen == []
    assert list(kept.store.names("")) == ["a/file"]


def test_what_is_not_there_is_missing(kept: Kept) -> None:
    kept.store.put("a/file-2", [b"another whose name begins so"])
    for name in ("a/file", "b/file", "a"):
        with pytest.raises(StoredFileMissing):
            kept.store.size(name)
        for ends in ((0, None), (3, 3), (3, 9)):
            with pytest.raises(StoredFileMissing):
                list(kept.store.read(name, *ends))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    start=st.integers(0, 40),
    end=st.none() | st.integers(0, 40),
    size=st.integers(0, 33),
)
def test_any_range_is_had_as_it_is_of_bytes(
    kept: Kept, start: int, end: int | None, size: int
) -> None:
    content = bytes(range(size))
    kept.store.put("a/file", [content])
    found = b"".join(kept.store.read("a/file", start, end))
    assert found == content[start : None if end is None else max(end, start)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (PART_BYTES - 1, PART_BYTES + 1),
        (1, None),
        (PART_BYTES, None),
        (12 * _MIB - 1, None),
        (12 * _MIB, None),
        (0, PART_BYTES),
        (3, 12 * _MIB + 5),
    ],
)
def test_ranges_across_pieces_are_had_in_pieces(kept: Kept, start: int, end: int | None) -> None:
    content = _content(12 * _MIB)
    kept.store.put("a/file", [content])
    pieces = list(kept.store.read("a/file", start, end))
    assert b"".join(pieces) == content[start:end]
    assert all(0 < len(piece) <= PART_BYTES for piece in pieces)


_NAMES = st.sets(
    st.from_regex(r"[ab]{1,2}(/[a-c.-]{0,2}[a-c]){0,2}", fullmatch=True), min_size=0, max_size=8
)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(names=_NAMES, folder=st.sampled_from(["a/", "b/", "a/b/", "ab/", ""]))
def test_names_and_deletion_go_by_what_a_name_begins_with(
    kept: Kept, names: set[str], folder: str
) -> None:
    # A folder can't have the name of a file.
    names = {name for name in names if not any(other.startswith(f"{name}/") for other in names)}
    kept.store.delete("")
    for name in names:
        kept.store.put(name, [name.encode()])
    chosen = {name for name in names if name.startswith(folder)}
    assert sorted(kept.store.names(folder)) == sorted(chosen)
    assert kept.store.delete(folder) == len(chosen)
    assert kept.store.delete(folder) == 0
    assert sorted(kept.store.names("")) == sorted(names - chosen)


def test_parts_are_deleted_and_the_file_beside_them_is_not(kept: Kept) -> None:
    for name in ("t/e/part-000001", "t/e/part-000002", "t/e/export.csv", "t/f/part-000001"):
        kept.store.put(name, [b"content"])
    assert kept.store.delete("t/e/part-") == 2
    assert sorted(kept.store.names("t/e/")) == ["t/e/export.csv"]
    assert kept.store.delete("t/") == 2


def test_deletion_leaves_no_empty_folder_and_none_of_others(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    for name in ("t/e/part-000001", "t/e/export.csv", "t/f/export.csv", "u/g/export.csv"):
        store.put(name, [b"content"])
    store.delete("t/e/")
    store.delete("u/g/")
    assert [place.name for place in (tmp_path / "store").iterdir()] == ["t"]
    assert [place.name for place in (tmp_path / "store" / "t").iterdir()] == ["f"]


def test_a_file_is_kept_while_the_folders_beside_it_are_deleted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)

    def keep_and_delete(number: int) -> None:
        for _ in range(100):
            store.put(f"t/{number}/export.csv", [b"content"])
            store.delete(f"t/{number}/")

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(keep_and_delete, number) for number in range(4)]:
            done.result()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../a", "a/../../b", "."])
def test_a_name_leads_nowhere_else(kept: Kept, name: str) -> None:
    with pytest.raises(ValueError, match="must not lead out"):
        kept.store.put(name, [b"content"])
