"""The folder of checkpoints: each is written once, whole, and by one of several."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service.checkpoint_folder import CheckpointFolder


def test_checkpoints_come_back_in_their_order(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "deep" / "checkpoints")
    assert folder.newest_number() is None
    numbers = [1, 2, 999, 1000, 1001, 2500]
    for number in numbers:
        assert folder.add(number, b"%d" % number)
    assert list(folder.all()) == [(number, b"%d" % number) for number in numbers]
    assert list(folder.numbers_back()) == numbers[::-1]
    assert folder.newest_number() == 2500
    assert folder.read(1000) == b"1000"


def test_number_is_taken_once_by_one_of_many(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)

    def add(content: int) -> list[bool]:
        return [folder.add(number, b"%d" % content) for number in range(40)]

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(add, range(8)))
    assert [sum(each[number] for each in taken) for number in range(40)] == [1] * 40
    assert sorted(path.name[0] for path in tmp_path.rglob("*.json")) == ["0"] * 40
    assert list(tmp_path.rglob(".draft-*")) == []


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    assert folder.add(7, b"first")
    assert not folder.add(7, b"second")
    assert folder.read(7) == b"first"


def test_draft_that_a_killed_process_left_is_no_checkpoint_and_is_removed_later(
    tmp_path: Path,
) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.add(1, b"first")
    fresh, left = (tmp_path / "0000000" / f".draft-{name}" for name in ("a", "b"))
    for draft in (fresh, left):
        draft.write_bytes(b"{")
    os.utime(left, (time.time() - 7200, time.time() - 7200))
    assert list(folder.all()) == [(1, b"first")]
    folder.drop_before(0)
    assert (fresh.exists(), left.exists()) == (True, False)


def test_folders_of_older_ones_alone_are_dropped(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for number in (1, 999, 1000, 2000):
        folder.add(number, b"x")
    assert folder.drop_before(1500) == 2
    assert [number for number, _ in folder.all()] == [1000, 2000]
    assert folder.drop_before(1500) == 0
