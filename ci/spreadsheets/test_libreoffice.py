"""A CSV export opened in LibreOffice has what the API answers, and no cell of it computes."""

import csv
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from policies.export_formats.spreadsheet import COLUMNS
from tests.e2e.conftest import shared_service
from tests.e2e.test_exports_opened import Opened, opened, parsed

__all__ = ["opened", "shared_service"]

# Commas, quotes, UTF-8, from the first line on; then how each column is read.
_AS_TEXT: Final = "Text - txt - csv (StarCalc):44,34,76,1," + "/".join(
    f"{n}/2" for n in range(1, len(COLUMNS) + 1)
)
_AS_IT_LIKES: Final = "Text - txt - csv (StarCalc):44,34,76,1"
# As it is shown: of a formula that would be its result.
_SHOWN: Final = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true"
_NUMBERS: Final = ("pass_count", "warn_count", "block_count", "inconsistencies")


def _in_libreoffice(export: Path, reading: str, folder: Path) -> list[dict[str, str]]:
    """The cells of an export as LibreOffice shows them."""
    subprocess.run(
        [
            "soffice",
            "--headless",
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            f"--infilter={reading}",
            "--convert-to",
            _SHOWN,
            "--outdir",
            str(folder),
            str(export),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with (folder / export.name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_each_cell_is_what_the_api_answers_where_columns_are_read_as_text(
    opened: Opened, tmp_path: Path
) -> None:
    rows = _in_libreoffice(Path(opened.path("all.csv")), _AS_TEXT, tmp_path)
    for cells, wanted in zip(rows, opened.rows(), strict=True):
        given = parsed({name: value or None for name, value in cells.items()})
        for name in _NUMBERS:
            given[name] = int(given[name])
        given["created_at"] = datetime.fromisoformat(cells["created_at"])
        assert given == wanted


@pytest.mark.parametrize("column", ["policy_version", "source"])
def test_what_begins_as_a_formula_does_is_shown_and_not_computed(
    opened: Opened, tmp_path: Path, column: str
) -> None:
    rows = _in_libreoffice(Path(opened.path("all.csv")), _AS_IT_LIKES, tmp_path)
    shown = [cells[column] for cells in rows]
    sent = [row[column] for row in opened.rows()]
    for cell, text in zip(shown, sent, strict=True):
        if text.startswith(("=", "+", "-", "@")):
            assert cell == f"'{text}"
    assert any(cell.startswith("'=HYPERLINK") for cell in shown)
