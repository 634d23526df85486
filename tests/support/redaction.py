"""The rules that come with the program, and made-up secrets to try them on.

Secrets stand in parts everywhere: written in one piece, scanners would take a file for a leak.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from policies.redaction import Redactor
from policies.redaction_rules import Rules, load_rules
from service.app import contract
from service.redaction import report_redactor

SOURCE: Final = files("policies").joinpath("redaction.yaml").read_text(encoding="utf-8")
ORDINARY: Final = files("policies").joinpath("redaction_ordinary.txt").read_text(encoding="utf-8")


@cache
def rules() -> Rules:
    return load_rules(SOURCE, ORDINARY)


@cache
def redactor() -> Redactor:
    """The redactor of reports that the service uses."""
    return report_redactor(contract()[1])


def entries() -> list[dict[str, Any]]:
    """The rules as they are written."""
    read: list[dict[str, Any]] = yaml.safe_load(SOURCE)["rules"]
    return read


def secret_parts() -> list[str]:
    """What each made-up secret is without the words around it, as far as it is long enough."""
    by_id = {rule.id: rule for rule in rules().texts}
    parts = {
        text[begin:end]
        for rule_id, text in made_up_secrets()
        for begin, end in by_id[rule_id].hits(text)
    }
    return sorted(part for part in parts if len(part) >= 8)


def made_up_secrets() -> Iterator[tuple[str, str]]:
    """Each hit of each rule for texts: the rule's id and the text."""
    for entry in entries():
        if "pattern" in entry:
            yield from ((entry["id"], "".join(parts)) for parts in entry["hits"])
