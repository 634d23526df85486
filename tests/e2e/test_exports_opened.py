"""Exports opened in DuckDB and pandas have what the API answers, whatever people have written."""

import csv
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas
import pytest

from policies.export_formats.spreadsheet import COLUMNS, TEXT_COLUMNS
from tests.e2e.exported import Exported
from tests.e2e.service_process import Service

_TEXTS: Final = (
    '=HYPERLINK("http://example.invalid";"click")',
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\tafter a tab",
    "\rafter a return",
    'say "hi", twice; and |',
    "several\nlines\r\nof text\n",
    "ärger, 東京, 🚀, e\u0301, \u202eright to left",
    "  spaces around  ",
    "'quoted'",
    "NULL",
    "001",
    "1e400",
    "\\N \\n",
)
# A type for each member that the API answers; what is an object there is JSON here.
_COLUMNS: Final = {
    "id": "UUID",
    "created_at": "TIMESTAMPTZ",
    "severity": "VARCHAR",
    "counts": "JSON",
    "inconsistencies": "BIGINT",
    "duplicate_of": "UUID",
    "sha256": "VARCHAR",
    "redaction": "JSON",
    "report": "JSON",
}


_FILES: Final = ("all.ndjson", "all.ndjson.gz", "all.csv", "all.csv.gz", "all.parquet")
_LINES: Final = _FILES[:2]
_TABLES: Final = _FILES[2:]


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder with _FILES, and what the API answers of each report in them, oldest first."""

    folder: Path
    answered: list[dict[str, Any]]
    listed: list[dict[str, Any]]

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def rows(self) -> list[dict[str, Any]]:
        """The reports as rows of a table; `redaction` and `report` are what their JSON says."""
        return [_row(each) for each in self.answered]


def _row(answered: dict[str, Any]) -> dict[str, Any]:
    report, counts = answered["report"], answered["counts"]
    return {
        "id": answered["id"],
        "created_at": datetime.fromisoformat(answered["created_at"]),
        "severity": answered["severity"],
        "policy_version": report["policy"]["policy_version"],
        "source": report["source"]["tool"],
        "stream": report["stream"],
        "pass_count": counts["pass"],
        "warn_count": counts["warn"],
        "block_count": counts["block"],
        "inconsistencies": answered["inconsistencies"],
        "duplicate_of": answered["duplicate_of"],
        "sha256": answered["sha256"],
        "redaction": answered.get("redaction"),
        "report": report,
    }


@pytest.fixture(scope="module")
def opened(shared_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    begun, folder = datetime.now(UTC), tmp_path_factory.mktemp("opened")
    ids = _store(shared_service)
    exported = Exported(shared_service, folder)
    for name in _FILES:
        ended = exported.export("--since", begun.isoformat(), "--include-raw", "-o", name)
        assert ended.exit_code == 0, ended.stderr
    with shared_service.client("viewer") as client:
        answered = [client.get(f"/reports/{each}").raise_for_status().json() for each in ids]
        since: dict[str, str | int] = {"since": begun.isoformat(), "limit": 100}
        page = client.get("/reports", params=since).raise_for_status().json()
    return Opened(folder, answered, list(reversed(page["items"])))


def _store(service: Service) -> list[str]:
    """A report for each text, which stands in it wherever any text may; the first once more."""
    own = secrets.token_hex(4)
    with service.client("operator") as client:
        return [
            client.post("/ingest/qc", json=_report(text, own)).raise_for_status().json()["id"]
            for text in (*_TEXTS, _TEXTS[0])
        ]


def _report(text: str, own: str) -> dict[str, Any]:
    # Names take no control characters.
    name = "".join(each for each in text if each.isprintable()) or "none"
    evaluation = {"rule_id": "r1", "target": "t1", "verdict": "warn", "severity": "info"}
    return {
        "status": {"api": "warn"},
        "stream": "checkout-api/main",
        "source": {"tool": name, "version": "1.2"},
        "policy": {
            "policy_version": name,
            "created_at": "2026-11-20T08:00:00Z",
            "topN": 3,
            "evaluations": [{**evaluation, "message": text}],
        },
        "notes": [text, f"run {own}"],
        "markdown": f"# {text}",
        "raw": {text: [text, None, 1.5, 2**53 + 1, {"deep": [True]}]},
    }


def test_what_the_api_answers_holds_the_texts_as_they_were_sent(opened: Opened) -> None:
    """Else what follows would compare less than it seems to."""
    sent = [*_TEXTS, _TEXTS[0]]
    assert [each["report"]["notes"][0] for each in opened.answered] == sent
    assert [each["duplicate_of"] for each in opened.answered[:-1]] == [None] * len(_TEXTS)
    assert opened.answered[-1]["duplicate_of"] == opened.answered[0]["id"]


@pytest.mark.parametrize("name", _LINES)
def test_duckdb_reads_each_field_of_lines_as_the_api_answers_it(opened: Opened, name: str) -> None:
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _COLUMNS.items())
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        query = (
            f"SELECT * FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}}) "
            "ORDER BY id"
        )
        rows = connection.execute(query, [opened.path(name)]).fetchall()
        # And as it finds out by itself what there is.
        found = connection.execute(
            "SELECT severity, count(*), min(created_at) FROM read_json(?) GROUP BY severity",
            [opened.path(name)],
        ).fetchall()
    assert [dict(zip(_COLUMNS, map(_plain, row), strict=True)) for row in rows] == [
        {name: _moment(name, each.get(name)) for name in _COLUMNS} for each in opened.answered
    ]
    assert all(set(each) <= set(_COLUMNS) for each in opened.answered)
    assert [row[:2] for row in found] == [("warn", len(opened.answered))]


def _plain(value: Any) -> Any:
    """DuckDB gives JSON as its text."""
    if isinstance(value, str) and value[:1] in "{[":
        return json.loads(value)
    return str(value) if type(value).__name__ == "UUID" else value


def _moment(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name == "created_at" else value


@pytest.mark.parametrize("name", _LINES)
def test_pandas_reads_each_field_of_lines_as_the_api_answers_it(opened: Opened, name: str) -> None:
    frame = pandas.read_json(opened.path(name), lines=True, dtype=False)
    assert len(frame) == len(opened.answered)
    for row, answered in zip(frame.to_dict("records"), opened.answered, strict=True):
        assert _given(row) == answered


def _given(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without what other rows alone have; null is what it was."""
    return {
        name: None if name == "duplicate_of" and pandas.isna(value) else value
        for name, value in row.items()
        if isinstance(value, dict | list) or name == "duplicate_of" or not pandas.isna(value)
    }


def test_list_of_reports_agrees_with_the_lines(opened: Opened) -> None:
    frame = pandas.read_json(opened.path(_LINES[0]), lines=True, dtype=False)
    for row, item in zip(frame.to_dict("records"), opened.listed, strict=True):
        assert (row["id"], row["created_at"]) == (item["id"], item["created_at"])
        assert (row["severity"], row["counts"]) == (item["severity"], item["counts"])
        report = row["report"]
        assert report["policy"]["policy_version"] == item["policy_version"]
        assert (report["source"]["tool"], report["stream"]) == (item["source"], item["stream"])


def parsed(row: Mapping[str, Any], *, is_table: bool = False) -> dict[str, Any]:
    """A row with its JSON read; of a CSV, texts that senders chose without the apostrophe."""
    read = dict(row)
    for name in ("redaction", "report"):
        read[name] = None if read[name] is None else json.loads(read[name])
    for name in TEXT_COLUMNS if not is_table else ():
        read[name] = read[name].removeprefix("'")
    return read


@pytest.mark.parametrize("name", _TABLES)
def test_duckdb_reads_each_field_of_a_table_as_the_api_answers_it(
    opened: Opened, name: str
) -> None:
    is_parquet = name.endswith("parquet")
    reading = "read_parquet(?)" if is_parquet else "read_csv(?, auto_type_candidates = ['BIGINT'])"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(
            f"SELECT * REPLACE (created_at::TIMESTAMPTZ AS created_at) FROM {reading} ORDER BY id",
            [opened.path(name)],
        )
        columns = [each[0] for each in found.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    assert [parsed(row, is_table=is_parquet) for row in rows] == opened.rows()


@pytest.mark.parametrize("name", _TABLES)
def test_pandas_reads_each_field_of_a_table_as_the_api_answers_it(
    opened: Opened, name: str
) -> None:
    is_parquet = name.endswith("parquet")
    if is_parquet:
        frame = pandas.read_parquet(opened.path(name))
    else:
        texts = dict.fromkeys(("policy_version", "source", "duplicate_of", "redaction"), str)
        frame = pandas.read_csv(
            opened.path(name), dtype=texts, na_values=[""], keep_default_na=False
        )
    rows = [
        {column: None if pandas.isna(value) else value for column, value in row.items()}
        for row in frame.to_dict("records")
    ]
    for row in rows:
        row["created_at"] = pandas.Timestamp(row["created_at"]).to_pydatetime()
    assert [parsed(row, is_table=is_parquet) for row in rows] == opened.rows()


def test_no_cell_of_a_csv_begins_as_a_formula_does(opened: Opened) -> None:
    with Path(opened.path("all.csv")).open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    assert len(rows) == len(opened.answered)
    assert tuple(head) == COLUMNS
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n")]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
