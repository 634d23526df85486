"""What a run counts, whatever was sent, and however it ended."""

import gzip
from pathlib import Path

import pytest
from tracecov import HttpInteraction, HttpRequest

from ci.fuzzing.tallies import read_tallies
from ci.fuzzing.tally import TALLY_FILE, unpacked


def _sent(body: bytes | None) -> HttpInteraction:
    return HttpInteraction(HttpRequest("POST", "http://127.0.0.1/x", body), None, 0.0)


def test_packed_body_is_counted_as_it_was_before() -> None:
    assert unpacked(_sent(gzip.compress(b'{"status":{}}'))).request.body == b'{"status":{}}'


# No time of day in it: each test process must name the tests made of it alike.
_PACKED = gzip.compress(b"some words", mtime=0)


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"{}",
        b"\x1f\x8b",
        b"\x1f\x8b\x08",
        _PACKED[:-9],
        _PACKED[:12],
        _PACKED[:10] + b"\xff",
    ],
)
def test_body_that_is_not_whole_gzip_is_counted_as_it_is(body: bytes | None) -> None:
    assert unpacked(_sent(body)).request.body == body


def test_run_that_ended_before_it_wrote_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "viewer").mkdir()
    (tmp_path / "viewer" / TALLY_FILE).write_text("{")
    assert read_tallies([tmp_path / "viewer", tmp_path / "operator"]) == []
