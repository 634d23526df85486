"""dbt's run_results.json, schemas v1 to v6, to a QC report.

Target is the node's name, rule id its unique_id. A node that dbt only compiled, skipped or reused
didn't run: its check is `na`. Must not keep args: their vars hold secrets.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, get_args

from formats.assembly import ReportAssembly, require_evaluations_within_limit
from formats.document import MAX_CHECKS, MAX_SUMMARY_VALUE, QcDocument, Severity, Verdict
from formats.errors import TranslationError
from formats.json_input import (
    JsonObject,
    index_at,
    number_at,
    object_at,
    parse_object,
    required_choice,
    required_objects,
    text_at,
)

_Status = Literal[
    "success",
    "pass",
    "warn",
    "fail",
    "error",
    "skipped",
    "partial success",
    "runtime error",
    "no-op",
    "reused",
]

_STATUSES: Final[tuple[_Status, ...]] = get_args(_Status)
_ALWAYS_SUMMARISED: Final = _STATUSES[:6]
# Statuses that aren't here are of nodes that didn't run.
_OUTCOMES: Final[dict[_Status, tuple[Verdict, Severity]]] = {
    "success": ("pass", "info"),
    "pass": ("pass", "info"),
    "warn": ("warn", "warn"),
    "partial success": ("warn", "warn"),
    "fail": ("block", "block"),
    "error": ("block", "block"),
    "runtime error": ("block", "block"),
}

_SCHEMA: Final = re.compile(r"/dbt/run-results/v([0-9]{1,4})\.json\Z")
_FIRST_VERSION: Final = 1
_LAST_VERSION: Final = 6
# These compile nodes and write their "success", tests' too.
_COMPILING_COMMANDS: Final = frozenset(
    {"compile", "generate", "docs.generate", "docs", "list", "ls", "parse", "show"}
)
_TEST_TYPES: Final = frozenset({"test", "unit_test"})
_NAME_HASH: Final = re.compile(r"\.[0-9a-f]{10}\Z")


@dataclass(frozen=True, slots=True)
class _Node:
    """What a result is of; `kind` is the resource type."""

    unique_id: str
    kind: str
    package: str
    name: str

    @property
    def is_test(self) -> bool:
        return self.kind in _TEST_TYPES

    @property
    def group(self) -> str:
        return f"{self.kind}.{self.package}" if self.package else self.kind


def translate(content: bytes) -> QcDocument:
    """Translate one run_results.json.

    `fail` and `error` block, `warn` and `partial success` warn, `success` and `pass` pass. A test
    that reads `success` never ran, whatever the command: one that ran reads `pass`.
    `diff.summary` counts results by status, those that were only compiled as `compiled`, and
    gives the `elapsed` seconds.
    """
    root = parse_object(content)
    version = _schema_version(root)
    if version is None or not _FIRST_VERSION <= version <= _LAST_VERSION:
        raise TranslationError(
            f"`dbt_schema_version` must name run-results, v{_FIRST_VERSION} to v{_LAST_VERSION}.",
            pointer="/metadata/dbt_schema_version",
        )
    results = required_objects(root, "results", "")
    require_evaluations_within_limit(len(results))
    translation = _DbtTranslation(
        compiled_only=_command_of(root) in _COMPILING_COMMANDS,
        grouped=len({_node_of(result).name for result in results}) > MAX_CHECKS,
    )
    for number, result in enumerate(results):
        translation.add_result(result, f"/results/{number}")
    return translation.document(root)


def looks_like(root: JsonObject) -> bool:
    """Tell whether `root` is a run_results.json of any version."""
    return _schema_version(root) is not None and isinstance(root.get("results"), list)


class _DbtTranslation:
    """Adds results to a report, and counts what its notes tell.

    `compiled_only`: the command compiled the nodes and ran none. `grouped`: there are more nodes
    than a report takes checks, so that targets are their resource types and packages.
    """

    def __init__(self, *, compiled_only: bool, grouped: bool) -> None:
        self._assembly = ReportAssembly()
        self._compiled_only = compiled_only
        self._grouped = grouped
        self._counts: Counter[str] = Counter()

    def add_result(self, result: JsonObject, pointer: str) -> None:
        status = required_choice(result, "status", _STATUSES, pointer)
        node = _node_of(result)
        target = node.group if self._grouped else node.name
        if status in ("success", "pass") and (
            self._compiled_only or (status == "success" and node.is_test)
        ):
            self._counts["compiled"] += 1
            self._assembly.check_without_evaluations(target)
            return
        self._counts[status] += 1
        outcome = _OUTCOMES.get(status)
        if outcome is None:
            self._assembly.check_without_evaluations(target)
            return
        verdict, severity = outcome
        self._assembly.evaluate(node.unique_id, target, verdict, severity, _message(result, status))

    def document(self, root: JsonObject) -> QcDocument:
        """Make the report once all results were added."""
        for status in _STATUSES:
            if status in _ALWAYS_SUMMARISED or self._counts[status]:
                self._assembly.summarise(status, self._counts[status])
        self._assembly.summarise("compiled", self._counts["compiled"])
        elapsed = number_at(root, "elapsed_time")
        if elapsed is not None and 0 <= elapsed <= MAX_SUMMARY_VALUE:
            self._assembly.summarise("elapsed", round(elapsed, 6))
        for counted, one, many in _NOTES:
            self._assembly.note_count(self._counts[counted], one, many)
        if self._grouped:
            self._assembly.note(
                f"The file has more nodes than the {MAX_CHECKS} checks of a report: "
                "a check is a resource type in a package."
            )
        if not root["results"]:
            self._assembly.check_without_evaluations("dbt")
        return self._assembly.document(
            "dbt", text_at(object_at(root, "metadata"), "dbt_version") or None
        )


_NOTES: Final = (
    ("skipped", "node was skipped and did not run.", "nodes were skipped and did not run."),
    (
        "compiled",
        "node was only compiled and did not run.",
        "nodes were only compiled and did not run.",
    ),
    ("no-op", "node had nothing to run.", "nodes had nothing to run."),
    (
        "reused",
        "node was reused as it was and did not run.",
        "nodes were reused as they were and did not run.",
    ),
)


def _schema_version(root: JsonObject) -> int | None:
    found = _SCHEMA.search(text_at(object_at(root, "metadata"), "dbt_schema_version"))
    return int(found[1]) if found else None


def _command_of(root: JsonObject) -> str:
    arguments = object_at(root, "args")
    return text_at(arguments, "which") or text_at(arguments, "rpc_method")


def _node_of(result: JsonObject) -> _Node:
    """Read a node from its unique_id, which is like `test.package.name.hash`."""
    unique_id = text_at(result, "unique_id") or "(no unique_id)"
    kind, _, rest = unique_id.partition(".")
    package, _, name = rest.partition(".")
    if kind in _TEST_TYPES:
        name = _NAME_HASH.sub("", name)
    return _Node(unique_id, kind, package, name or unique_id)


def _message(result: JsonObject, status: _Status) -> str:
    text = text_at(result, "message").strip()
    failures = index_at(result, "failures")
    if not text and failures > 0:
        text = f"{failures} {'row fails' if failures == 1 else 'rows fail'}"
    return f"{status}: {text}" if text else status
