"""The vulnerabilities of a CycloneDX BOM in JSON, and what VEX says of them, to a QC report.

Target is the component affected, rule id the vulnerability's id. The analysis' state alone decides:
a rating says how bad a vulnerability would be, not whether it can be exploited here.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from formats.assembly import ReportAssembly, require_evaluations_within_limit
from formats.document import QcDocument, Severity, Verdict
from formats.errors import TranslationError
from formats.json_input import (
    JsonObject,
    number_at,
    object_at,
    objects_at,
    optional_choice,
    parse_object,
    required_objects,
    text_at,
)

_STATES: Final = (
    "exploitable",
    "in_triage",
    "resolved",
    "resolved_with_pedigree",
    "false_positive",
    "not_affected",
)
_UNANALYSED: Final = "not_analysed"
# What isn't here passes. Where nobody has analysed yet, nobody knows yet, as in triage.
_OUTCOMES: Final[dict[str, tuple[Verdict, Severity]]] = {
    "exploitable": ("block", "block"),
    "in_triage": ("warn", "warn"),
    _UNANALYSED: ("warn", "warn"),
}
_SPEC_VERSION: Final = re.compile(r"1\.[0-9]{1,3}")
# A longer reference is no name to read: it is left as it is.
_BOM_LINK: Final = re.compile(r"urn:cdx:([^/#]{1,64})/[0-9]{1,9}#(.{1,512})", re.DOTALL)


def translate(content: bytes) -> QcDocument:
    """Translate one BOM: each vulnerability on each component that it names is one evaluation.

    `exploitable` blocks, `in_triage` warns and so does a vulnerability without analysis, other
    states pass. A BOM that lists no vulnerabilities judges nothing: its check is `na`.
    `diff.summary` counts evaluations by state.
    """
    bom = parse_object(content)
    if bom.get("bomFormat") != "CycloneDX":
        raise TranslationError("`bomFormat` must be CycloneDX.", pointer="/bomFormat")
    if not _SPEC_VERSION.fullmatch(text_at(bom, "specVersion")):
        raise TranslationError("`specVersion` must be 1 point something.", pointer="/specVersion")
    vulnerabilities: list[JsonObject] = []
    if bom.get("vulnerabilities") is not None:
        vulnerabilities = required_objects(bom, "vulnerabilities", "")
    require_evaluations_within_limit(sum(len(_affected(item)) for item in vulnerabilities))
    translation = _CycloneDxTranslation(bom, vulnerabilities)
    for number, vulnerability in enumerate(vulnerabilities):
        translation.add_vulnerability(vulnerability, f"/vulnerabilities/{number}")
    return translation.document()


def looks_like(root: JsonObject) -> bool:
    """Tell whether `root` is a CycloneDX BOM."""
    return root.get("bomFormat") == "CycloneDX"


class _CycloneDxTranslation:
    """Adds the vulnerabilities of one BOM to a report, and counts what its notes tell."""

    def __init__(self, bom: JsonObject, vulnerabilities: list[JsonObject]) -> None:
        self._assembly = ReportAssembly()
        self._bom = bom
        self._subject = _component_name(object_at(object_at(bom, "metadata"), "component"))
        self._names = _names_of(bom)
        self._serial_number = text_at(bom, "serialNumber").removeprefix("urn:uuid:")
        self._link_names = _link_names(vulnerabilities)
        self._counts: Counter[str] = Counter()

    def add_vulnerability(self, vulnerability: JsonObject, pointer: str) -> None:
        analysis = object_at(vulnerability, "analysis")
        state = optional_choice(analysis, "state", _STATES, f"{pointer}/analysis") or _UNANALYSED
        verdict, severity = _OUTCOMES.get(state, ("pass", "info"))
        rule_id = text_at(vulnerability, "id") or text_at(vulnerability, "bom-ref") or "(no id)"
        message = self._assembly.shorten(_message(vulnerability, analysis, state))
        for item in _affected(vulnerability):
            self._counts[state] += 1
            versions = _versions_of(item)
            self._assembly.evaluate(
                rule_id,
                self._target(text_at(item, "ref")),
                verdict,
                severity,
                f"{message}\n{versions}" if versions else message,
            )

    def document(self) -> QcDocument:
        """Make the report once all vulnerabilities were added."""
        for state in (*_STATES, _UNANALYSED):
            self._assembly.summarise(state, self._counts[state])
        self._assembly.note_count(
            self._counts[_UNANALYSED],
            "vulnerability has no analysis and warns.",
            "vulnerabilities have no analysis and warn.",
        )
        if not self._counts:
            self._assembly.check_without_evaluations(self._subject or "cyclonedx")
            self._assembly.note("The BOM lists no vulnerabilities: nothing was judged.")
        tool = _tool_of(object_at(self._bom, "metadata"))
        return self._assembly.document(
            text_at(tool, "name") or "cyclonedx", text_at(tool, "version") or None
        )

    def _target(self, reference: str) -> str:
        """Name what a reference is of: a component here, one of another BOM, or the whole."""
        if not reference:
            return self._subject or "(unnamed component)"
        link = _BOM_LINK.fullmatch(reference)
        if link and link[1] == self._serial_number:
            reference = unquote(link[2])
        return self._names.get(reference) or self._link_names.get(reference) or reference


def _affected(vulnerability: JsonObject) -> list[JsonObject]:
    """Return what a vulnerability affects; one that names nothing concerns the whole BOM."""
    return objects_at(vulnerability, "affects") or [{}]


def _names_of(bom: JsonObject) -> dict[str, str]:
    """Map each bom-ref to its component's or service's name; nested ones too."""
    names: dict[str, str] = {}
    for component in _components_of(bom):
        reference = text_at(component, "bom-ref")
        if reference:
            names.setdefault(reference, _component_name(component) or reference)
    return names


def _components_of(bom: JsonObject) -> Iterator[JsonObject]:
    waiting = [object_at(object_at(bom, "metadata"), "component")]
    waiting += [*objects_at(bom, "components"), *objects_at(bom, "services")]
    while waiting:
        component = waiting.pop()
        yield component
        waiting += [*objects_at(component, "components"), *objects_at(component, "services")]


def _component_name(component: JsonObject) -> str:
    """Write a component as `group/name@version`."""
    name = text_at(component, "name")
    if not name:
        return ""
    group, version = text_at(component, "group"), text_at(component, "version")
    return f"{f'{group}/' if group else ''}{name}{f'@{version}' if version else ''}"


def _link_names(vulnerabilities: list[JsonObject]) -> dict[str, str]:
    """Name components of other BOMs by what their BOM-Links end in, where that tells them apart."""
    references = {
        text_at(item, "ref")
        for vulnerability in vulnerabilities
        for item in objects_at(vulnerability, "affects")
    }
    ends = {ref: unquote(found[2]) for ref in references if (found := _BOM_LINK.fullmatch(ref))}
    bearers = Counter(ends.values())
    return {ref: end for ref, end in ends.items() if bearers[end] == 1}


def _tool_of(metadata: JsonObject) -> JsonObject:
    """Return the first tool named, which 1.5 and later keep among the tools' components."""
    tools = metadata.get("tools")
    listed = objects_at(metadata, "tools")
    if isinstance(tools, dict):
        tools_object = object_at(metadata, "tools")
        listed = objects_at(tools_object, "components") or objects_at(tools_object, "services")
    return listed[0] if listed else {}


def _message(vulnerability: JsonObject, analysis: JsonObject, state: str) -> str:
    """Write the state and why, the ratings, and what the vulnerability is."""
    justification = text_at(analysis, "justification")
    headline = f"{state} ({justification})" if justification else state
    ratings = ", ".join(filter(None, map(_rating, objects_at(vulnerability, "ratings")[:10])))
    told = [f"{headline}; rated {ratings}" if ratings else headline]
    told.append(text_at(analysis, "detail"))
    told.append(text_at(vulnerability, "description"))
    return "\n".join(filter(None, told))


def _rating(rating: JsonObject) -> str:
    score = number_at(rating, "score")
    words = [
        text_at(rating, "severity"),
        "" if score is None else f"{score:g}",
        f"({method})" if (method := text_at(rating, "method")) else "",
    ]
    return " ".join(filter(None, words))


def _versions_of(affected: JsonObject) -> str:
    """Write versions and ranges by their status.

    Without one they are no more than named: the standard's default, affected, is left out where
    a version is resolved, too.
    """
    by_status: dict[str, list[str]] = {}
    for entry in objects_at(affected, "versions"):
        version = text_at(entry, "version") or text_at(entry, "range")
        if version:
            by_status.setdefault(text_at(entry, "status") or "versions", []).append(version)
    return "; ".join(f"{status}: {', '.join(found)}" for status, found in by_status.items())
