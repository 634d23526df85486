"""Makes the redactor of reports, of the contract and the rules that come with this program."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from policies.redaction import Redactor
from policies.redaction_fields import field_of
from policies.redaction_rules import load_rules


def report_redactor(contract: Mapping[str, Any]) -> Redactor:
    """The redactor of the contract's QcReport. Raises RulesError for rules that can't be right."""
    package = files("policies")
    rules = load_rules(
        package.joinpath("redaction.yaml").read_text(encoding="utf-8"),
        package.joinpath("redaction_ordinary.txt").read_text(encoding="utf-8"),
    )
    return Redactor(rules, field_of(contract["components"]["schemas"], "QcReport"))
