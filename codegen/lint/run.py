"""Lints one contract: reads it, asks every rule that isn't off, takes out what is suppressed.

What makes a contract wrong for everybody is told here too; what only this generator doesn't support
is not.
"""

from collections.abc import Iterator
from pathlib import Path

from ..bundle import Bundle, ReadFile, bundle
from ..cache import Cache
from ..diagnostics import ContractError, Diagnostic, Findings
from ..examples import check_samples
from ..read import read_contract
from ..shape import Pointer
from ..structure import check_structure, is_known_version, is_readable
from ..units import units_of
from .rule import Remark, Rule
from .rules import RULES
from .settings import LintSettings
from .subject import Subject
from .suppressions import Suppression, nothing_suppressed, suppressions

_UNUSED = "unused-suppression"
# Findings of the generator that hold whatever is made of the contract.
_MISTAKES = frozenset({"CG021", "CG030", "CG031", "CG032", "CG033", "CG040", "CG060", "CG061"})


def lint(
    spec: Path, name: str, settings: LintSettings, read: ReadFile = Path.read_bytes
) -> tuple[Diagnostic, ...]:
    """Sorted by place. Raises ContractError where the contract can't be read."""
    findings = Findings()
    contract = bundle(spec, name, read, findings)
    if not is_known_version(contract, findings):
        findings.stop_on_errors()
    broken = check_structure(contract, findings)
    if not is_readable(broken | contract.dangling):
        findings.stop_on_errors()
    try:
        findings.found |= _mistakes(contract, broken | contract.dangling)
        findings.found |= set(_judged(Subject(contract, broken, settings.options), settings))
    except ContractError as error:
        # A part that nothing can be read behind: it is told together with all found before.
        raise ContractError(findings.found | set(error.findings)) from error
    return tuple(sorted(findings.found))


def _mistakes(contract: Bundle, broken: set[Pointer]) -> set[Diagnostic]:
    findings = Findings()
    read_contract(contract, broken, findings)
    check_samples(contract, units_of(contract.document), broken, findings, Cache())
    return {finding for finding in findings.found if finding.code in _MISTAKES}


def _judged(subject: Subject, settings: LintSettings) -> Iterator[Diagnostic]:
    """The findings of rules, at the level that the settings give them."""
    declared = [each for each in suppressions(subject) if each.holds]
    used: set[Suppression] = set()
    for rule in RULES.values():
        if settings.level(rule) == "off":
            continue
        for remark in _founded(subject, rule):
            covering = [each for each in declared if each.covers(rule.name, remark.pointer)]
            used.update(covering)
            if not covering:
                yield _diagnostic(subject, rule, remark, settings)
    if settings.level(RULES[_UNUSED]) != "off":
        for each in declared:
            rule_is_on = each.rule in RULES and settings.level(RULES[each.rule]) != "off"
            if rule_is_on and each not in used:
                yield _diagnostic(subject, RULES[_UNUSED], nothing_suppressed(each), settings)


def _founded(subject: Subject, rule: Rule) -> Iterator[Remark]:
    """Without those on what only stands in for a reference that leads nowhere."""
    dangling = subject.contract.dangling
    for remark in rule.check(subject):
        if not any(remark.pointer[: len(place)] == place for place in dangling):
            yield remark


def _diagnostic(subject: Subject, rule: Rule, remark: Remark, settings: LintSettings) -> Diagnostic:
    level = settings.level(rule)
    assert level != "off"
    place = subject.contract.place(remark.pointer)
    return Diagnostic(place, rule.name, remark.message, remark.hint, level)
