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


def made_up_secrets() -> Iterator[tuple[str, str]]:
    """Each hit of each rule for texts: the rule's id and the text."""
    for entry in entries():
        if "pattern" in entry:
            yield from ((entry["id"], "".join(parts)) for parts in entry["hits"])
