"""Great Expectations validation results, of its 0.x and 1.x, to a QC report.

Target is the column, else the table; rule id the expectation's type and columns. Must not keep a
value of a row: unexpected and observed values, arguments, and exceptions' texts hold them.
"""

import re
from collections import Counter
from contextlib import nullcontext
from functools import partial
from typing import Final, Literal, get_args

from formats.assembly import ReportAssembly, require_evaluations_within_limit
from formats.document import QcDocument, Severity, Verdict
from formats.errors import TranslationError, errors_at
from formats.great_expectations_shapes import (
    holds_validations,
    results_key,
    results_of,
    table_of,
    validations_of,
)
from formats.json_input import (
    JsonObject,
    index_at,
    object_at,
    optional_choice,
    parse_object,
    text_at,
)

_Severity = Literal["critical", "warning", "info"]
_Outcome = tuple[Verdict, Severity]

_SEVERITIES: Final[tuple[_Severity, ...]] = get_args(_Severity)
_BY_SEVERITY: Final[dict[_Severity, _Outcome]] = {
    "critical": ("block", "block"),
    "warning": ("warn", "warn"),
    "info": ("pass", "info"),
}
# What these observe is a number of rows or columns; what others observe may be a row's value.
_OBSERVE_COUNTS: Final = frozenset(
    {
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
        "expect_table_row_count_to_equal_other_table",
        "expect_table_column_count_to_be_between",
        "expect_table_column_count_to_equal",
        "expect_column_unique_value_count_to_be_between",
    }
)
_MAX_TRACEBACK: Final = 65_536
# The first line after the frames, which are all indented: before it no message has been printed.
_EXCEPTION_CLASS: Final = re.compile(
    r"(?m:^)Traceback \(most recent call last\):\n(?:[ \t][^\n]*\n)+"
    r"([A-Za-z_][A-Za-z0-9_.]{0,100}(?:Error|Exception|Warning))(?:[:\n]|\Z)"
)


def translate(content: bytes) -> QcDocument:
    """Translate one validation result, or a checkpoint's result with any number of them.

    A failed expectation blocks unless it states a lower severity, and one that raised an
    exception blocks. `diff.summary` holds the expectations counted, and `success_percent`.
    """
    root = parse_object(content)
    located = partial(errors_at, "/run_results") if "run_results" in root else nullcontext
    with located():
        validations = validations_of(root)
        results = [results_of(validation, pointer) for validation, pointer in validations]
    require_evaluations_within_limit(sum(map(len, results)))
    translation = _GreatExpectationsTranslation(qualified=len(validations) > 1)
    with located():
        for number, (validation, pointer) in enumerate(validations):
            table = table_of(validation, number)
            translation.add_validation(validation, results[number], table, pointer)
    return translation.document([validation for validation, _ in validations])


def looks_like(root: JsonObject) -> bool:
    """Tell whether `root` is a validation result, or a checkpoint's result."""
    return holds_validations(root)


class _GreatExpectationsTranslation:
    """Adds validations to a report, and counts what its notes tell.

    `qualified`: targets name their table too, because there are several.
    """

    def __init__(self, *, qualified: bool) -> None:
        self._assembly = ReportAssembly()
        self._qualified = qualified
        self._counts: Counter[str] = Counter()

    def add_validation(
        self, validation: JsonObject, results: list[JsonObject], table: str, pointer: str
    ) -> None:
        before = self._counts["unsuccessful"]
        for number, result in enumerate(results):
            self._add_result(result, table, f"{pointer}/{results_key(validation)}/{number}")
        if validation.get("success") is False and self._counts["unsuccessful"] == before:
            # A file may hold a selection of its results only.
            self._assembly.evaluate(
                "(suite)",
                table,
                "block",
                "block",
                "The validation failed; the file doesn't say why.",
            )
        elif not results:
            self._counts["empty"] += 1
            self._assembly.check_without_evaluations(table)

    def document(self, validations: list[JsonObject]) -> QcDocument:
        """Make the report once all validations were added."""
        evaluated, unsuccessful = self._counts["evaluated"], self._counts["unsuccessful"]
        self._assembly.summarise("evaluated", evaluated)
        self._assembly.summarise("successful", evaluated - unsuccessful)
        self._assembly.summarise("unsuccessful", unsuccessful)
        if evaluated:
            percent = 100 * (evaluated - unsuccessful) / evaluated
            self._assembly.summarise("success_percent", round(percent, 6))
        self._write_notes()
        if not validations:
            self._assembly.check_without_evaluations("great_expectations")
        versions = [
            text_at(object_at(validation, "meta"), "great_expectations_version")
            for validation in validations
        ]
        return self._assembly.document(
            "great_expectations", next(iter(filter(None, versions)), None)
        )

    def _add_result(self, result: JsonObject, table: str, pointer: str) -> None:
        configuration = object_at(result, "expectation_config") or result
        kind = text_at(configuration, "type") or text_at(configuration, "expectation_type")
        kind = kind or "(no expectation type)"
        arguments = object_at(configuration, "kwargs")
        column = text_at(arguments, "column")
        columns = column or _columns_of(arguments)
        (verdict, severity), message = self._judge(result, configuration, kind, pointer)
        target = column or table
        self._assembly.evaluate(
            f"{kind}::{columns}" if columns else kind,
            f"{table} / {column}" if column and self._qualified else target,
            verdict,
            severity,
            message,
        )

    def _judge(
        self, result: JsonObject, configuration: JsonObject, kind: str, pointer: str
    ) -> tuple[_Outcome, str]:
        """Decide a result's verdict, with a message of counts and class names alone."""
        self._counts["evaluated"] += 1
        raised = _exception_of(object_at(result, "exception_info"))
        if raised is not None:
            self._counts["unsuccessful"] += 1
            self._counts["raised"] += 1
            return ("block", "block"), raised
        success = result.get("success")
        if not isinstance(success, bool):
            raise TranslationError("`success` must be true or false.", pointer=f"{pointer}/success")
        measured = _measured(object_at(result, "result"), kind)
        stated = optional_choice(configuration, "severity", _SEVERITIES, pointer)
        if success:
            return ("pass", "info"), f"passed{measured}"
        self._counts["unsuccessful"] += 1
        remark = f" [severity: {stated}]" if stated else ""
        return _BY_SEVERITY[stated or "critical"], f"failed{measured}{remark}"

    def _write_notes(self) -> None:
        note_count = self._assembly.note_count
        note_count(
            self._counts["raised"],
            "expectation raised an exception.",
            "expectations raised an exception.",
        )
        note_count(
            self._counts["empty"],
            "validation evaluated no expectations.",
            "validations evaluated no expectations.",
        )
        if self._counts["unsuccessful"]:
            self._assembly.note(
                "Values of rows, observed values and exceptions' texts are left out: "
                "see them where the validation ran."
            )


def _columns_of(arguments: JsonObject) -> str:
    """Name the columns of an expectation on several, which is one on their table."""
    listed = arguments.get("column_list")
    names = listed if isinstance(listed, list) else []
    names = names or [arguments.get("column_A"), arguments.get("column_B")]
    return ", ".join(name for name in names if isinstance(name, str) and name)


def _exception_of(info: JsonObject) -> str | None:
    """Name the class of the exception raised, or return None when there was none.

    Where metrics failed, later versions hold an exception for each, by the metric's id.
    """
    for candidate in (info, *info.values()):
        if isinstance(candidate, dict) and candidate.get("raised_exception") is True:
            traceback = text_at(candidate, "exception_traceback")[:_MAX_TRACEBACK]
            found = _EXCEPTION_CLASS.search(traceback)
            return f"raised {found[1]}" if found else "raised an exception"
    return None


def _measured(result: JsonObject, kind: str) -> str:
    """Write how many values were unexpected, or the count observed, after a colon."""
    unexpected, elements = index_at(result, "unexpected_count"), index_at(result, "element_count")
    if unexpected >= 0 and elements >= 0:
        return f": {unexpected} of {elements} values unexpected"
    observed = index_at(result, "observed_value")
    if kind in _OBSERVE_COUNTS and observed >= 0:
        return f": counted {observed}"
    return ""
