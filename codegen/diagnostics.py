"""What the generator says about a contract: stable codes, `file:line:col CODE message (hint)`.

Everything found is collected and shown at once, sorted by place; nothing here prints or exits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from typing_extensions import override

Severity = Literal["error", "warning"]

# The one table of codes, with the severity that each has where nothing else is said. A code, once
# given out, never changes its meaning.
CODES: dict[str, tuple[Severity, str]] = {
    "CG001": ("error", "the file can't be read"),
    "CG002": ("error", "the file is not well-formed YAML or JSON"),
    "CG003": ("error", "a key stands twice in one mapping"),
    "CG004": ("error", "the contract is not a mapping"),
    "CG005": ("error", "this version of OpenAPI is not supported"),
    "CG006": ("error", "the contract doesn't have the structure that OpenAPI asks for"),
    "CG007": ("error", "a schema is not a valid schema"),
    "CG008": ("warning", "a slip that can only mean one thing is read as that"),
    "CG010": ("error", "a $ref leads nowhere"),
    "CG011": ("error", "a $ref has a form that is not supported"),
    "CG012": ("error", "two referenced files define different things under one name"),
    "CG020": ("warning", "an operation has no operationId"),
    "CG021": ("error", "two operations have the same operationId"),
    "CG022": ("warning", "an operationId is not in snake_case, so its Python name differs"),
    "CG023": ("warning", "a name can't be a Python name, so it has another there"),
    "CG024": ("error", "two names become the same Python name"),
    "CG025": ("warning", "an operation has no tag"),
    "CG026": ("warning", "an operation has several tags"),
    "CG030": ("error", "the path names a parameter that is not declared"),
    "CG031": ("error", "a declared path parameter doesn't stand in the path"),
    "CG032": ("error", "two paths can match the same request"),
    "CG033": ("error", "a parameter is declared twice"),
    "CG034": ("error", "a path is not well-formed"),
    "CG035": ("error", "a header or cookie has a name that HTTP doesn't allow"),
    "CG036": ("error", "a media type is not well-formed"),
    "CG040": ("error", "a security requirement names an unknown scheme"),
    "CG050": ("warning", "an operation documents no answer that a handler could return"),
    "CG060": ("warning", "an example doesn't fit its schema"),
    "CG061": ("error", "a default doesn't fit its schema"),
    "CG070": ("error", "an x- field that the generator reads is malformed"),
    "CG080": ("error", "a feature is not supported"),
    "CG081": ("warning", "a part of the contract is left out of the generated code"),
    "CG090": ("error", "the settings of the generator are wrong"),
    "CG091": ("error", "a file in the output folder was not written by the generator"),
    "CG092": ("error", "a generated file is not as the contract has it"),
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    @override
    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    place: Place
    code: str
    message: str
    hint: str = ""
    severity: Severity = "error"

    @override
    def __str__(self) -> str:
        word = "warning: " if self.severity == "warning" else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.place} {self.code} {word}{self.message}{hint}"


@dataclass(slots=True)
class Findings:
    """Collects diagnostics while a contract is read."""

    found: set[Diagnostic] = field(default_factory=set)

    def add(
        self,
        place: Place,
        code: str,
        message: str,
        hint: str = "",
        severity: Severity | None = None,
    ) -> None:
        """`severity` only where a finding's differs from that of its code."""
        self.found.add(Diagnostic(place, code, message, hint, severity or CODES[code][0]))

    @property
    def errors(self) -> list[Diagnostic]:
        return sorted(finding for finding in self.found if finding.severity == "error")

    @property
    def warnings(self) -> list[Diagnostic]:
        return sorted(finding for finding in self.found if finding.severity == "warning")

    def stop_on_errors(self) -> None:
        """Raises `ContractError` with all findings if one of them is an error."""
        if self.errors:
            raise ContractError(self.found)


class ContractError(Exception):
    """The contract can't be generated from. `findings` holds every reason, sorted."""

    def __init__(self, findings: Iterable[Diagnostic]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(map(str, self.findings)))


def one_error(place: Place, code: str, message: str, hint: str = "") -> ContractError:
    return ContractError([Diagnostic(place, code, message, hint)])
