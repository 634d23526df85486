"""Reads the policy of retention, and names every mistake in it by its line.

Knows nothing of reports; what follows from the rules is `policies.retention`'s part.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs
import yaml

_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tenants", "warnings"],
    "properties": {
        "tenants": {
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 128},
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["days"],
                "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 36_500}},
            },
        },
        "warnings": {
            "type": "object",
            "additionalProperties": False,
            "required": ["from_reports", "share_of_all", "times_the_largest"],
            "properties": {
                "from_reports": {"type": "integer", "minimum": 0},
                "share_of_all": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                "times_the_largest": {"type": "number", "minimum": 1},
            },
        },
    },
}
_VALIDATOR: Final = jsonschema_rs.validator_for(_SCHEMA)


class RetentionRulesError(ValueError):
    """A policy that can't be used; each line of the message is one mistake, as file:line."""


@dataclass(frozen=True, slots=True)
class WarningRules:
    """When a plan is unusually large; nothing is below `from_reports` reports."""

    from_reports: int
    share_of_all: float
    times_the_largest: float


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """`by_tenant` has days for those that don't keep reports for `days`."""

    days: int
    by_tenant: Mapping[str, int]
    warnings: WarningRules

    def days_of(self, tenant_id: str) -> int:
        return self.by_tenant.get(tenant_id, self.days)

    @property
    def longest_days(self) -> int:
        """What no tenant's reports are kept longer than."""
        return max([self.days, *self.by_tenant.values()])


def load_retention_rules(text: str, file_name: str, days: int) -> RetentionRules:
    """The rules that YAML text says; `days` holds for tenants that it doesn't name.

    Raises RetentionRulesError.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        said = getattr(error, "problem", None) or "it can't be read"
        raise RetentionRulesError(f"{file_name}:{line}: not YAML: {said}") from error
    mistakes = [f"{file_name}:{line}: {said}" for line, said in _mistakes(document, root)]
    if mistakes:
        raise RetentionRulesError("\n".join(sorted(mistakes)))
    by_tenant = {name: each["days"] for name, each in document["tenants"].items()}
    return RetentionRules(days, by_tenant, WarningRules(**document["warnings"]))


def _mistakes(document: Any, root: yaml.Node | None) -> Iterator[tuple[int, str]]:
    twice = set(_given_twice(root))
    yield from ((line, f"{name!r} stands here a second time") for line, name in twice)
    for error in _VALIDATOR.iter_errors(document):
        path = list(error.instance_path)
        where = "/".join(map(str, path)) or "the document"
        yield _line(root, path), f"{where}: {error.message}"


def _given_twice(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Keys that YAML would take the last value of, without a word."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen = set()
    for key, value in node.value:
        if key.value in seen:
            yield key.start_mark.line + 1, str(key.value)
        seen.add(key.value)
        yield from _given_twice(value)


def _line(node: yaml.Node | None, path: list[str | int]) -> int:
    """The line of what a path leads to, or of the last on the way to it that is there."""
    line = node.start_mark.line + 1 if node else 1
    for step in path:
        found = [
            (key, value)
            for key, value in (node.value if isinstance(node, yaml.MappingNode) else ())
            if key.value == step
        ]
        if not found:
            break
        key, node = found[-1]
        line = key.start_mark.line + 1
    return line
