"""Finds the rule a SARIF result belongs to, and the level it has by default.

References in the text are to sections of SARIF 2.1.0 (OASIS standard).
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from formats.document import MAX_RULE_ID
from formats.json_input import (
    JsonObject,
    index_at,
    object_at,
    objects_at,
    optional_choice,
    text_at,
)

Level = Literal["error", "warning", "note", "none"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)

_DRIVER: Final = 0
_UNLISTED: Final = -1

# Component, position of the rule in it, and the id where the component doesn't list the rule.
_RuleKey = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as a result refers to it; `descriptor` is empty when no component lists it."""

    rule_id: str
    descriptor: JsonObject
    component: JsonObject
    key: _RuleKey
    pointer: str


class _Component:
    """The driver or an extension, its rules found by position, id or guid."""

    def __init__(self, component: JsonObject, pointer: str) -> None:
        self.component = component
        self.pointer = pointer
        self.rules = objects_at(component, "rules")
        self._by_id: dict[str, int] = {}
        self._by_guid: dict[str, int] = {}
        for number, rule in enumerate(self.rules):
            self._by_id.setdefault(text_at(rule, "id"), number)
            self._by_guid.setdefault(text_at(rule, "guid"), number)

    def position(self, index: int, rule_id: str, guid: str) -> int:
        """Find a rule by index if it agrees with the id, else by guid, else by id."""
        if 0 <= index < len(self.rules) and _names(text_at(self.rules[index], "id"), rule_id):
            return index
        if guid and guid in self._by_guid:
            return self._by_guid[guid]
        return self._position_by_id(rule_id)

    def _position_by_id(self, rule_id: str) -> int:
        """Look for the id, then for its parents: CA1000/1 may be reported for CA1000 (§3.5.4)."""
        if rule_id in self._by_id:
            return self._by_id[rule_id] if rule_id else _UNLISTED
        if len(rule_id) > MAX_RULE_ID:
            return _UNLISTED
        while "/" in rule_id:
            rule_id = rule_id.rpartition("/")[0]
            if rule_id and rule_id in self._by_id:
                return self._by_id[rule_id]
        return _UNLISTED


class RuleIndex:
    """The rules of one run, and the levels its invocations override."""

    def __init__(self, run: JsonObject, pointer: str) -> None:
        tool = object_at(run, "tool")
        self._components = [_Component(object_at(tool, "driver"), f"{pointer}/tool/driver")]
        self._components += [
            _Component(extension, f"{pointer}/tool/extensions/{number}")
            for number, extension in enumerate(objects_at(tool, "extensions"))
        ]
        self._component_names = self._first_positions("name")
        self._component_guids = self._first_positions("guid")
        self._overrides = [
            self._read_overrides(invocation, f"{pointer}/invocations/{number}")
            for number, invocation in enumerate(objects_at(run, "invocations"))
        ]

    def rule_of(self, result: JsonObject) -> Rule:
        """Find the rule of a result (§3.27.5 to §3.27.7)."""
        reference = object_at(result, "rule")
        rule_id = text_at(result, "ruleId") or text_at(reference, "id")
        index = index_at(reference, "index")
        if index < 0:
            index = index_at(result, "ruleIndex")
        return self._resolve(reference, rule_id, index)

    def default_level(self, rule: Rule, result: JsonObject) -> Level:
        """Return the level of a failed result that states none (§3.27.10)."""
        invocation = index_at(object_at(result, "provenance"), "invocationIndex")
        if 0 <= invocation < len(self._overrides):
            overridden = self._overrides[invocation].get(rule.key)
            if overridden is not None:
                return overridden
        configuration = object_at(rule.descriptor, "defaultConfiguration")
        pointer = f"{rule.pointer}/defaultConfiguration"
        return optional_choice(configuration, "level", LEVELS, pointer) or "warning"

    def _resolve(self, reference: JsonObject, rule_id: str, index: int) -> Rule:
        number = self._component_of(object_at(reference, "toolComponent"))
        component = self._components[number]
        position = component.position(index, rule_id, text_at(reference, "guid"))
        if position == _UNLISTED:
            key = (number, _UNLISTED, rule_id)
            return Rule(rule_id, {}, component.component, key, component.pointer)
        descriptor = component.rules[position]
        return Rule(
            rule_id=rule_id or text_at(descriptor, "id"),
            descriptor=descriptor,
            component=component.component,
            key=(number, position, ""),
            pointer=f"{component.pointer}/rules/{position}",
        )

    def _component_of(self, reference: JsonObject) -> int:
        """Return the position of the component referred to; without one it is the driver."""
        index = index_at(reference, "index")
        if 0 <= index < len(self._components) - 1:
            return index + 1
        guid = text_at(reference, "guid")
        if guid and guid in self._component_guids:
            return self._component_guids[guid]
        return self._component_names.get(text_at(reference, "name"), _DRIVER)

    def _first_positions(self, key: str) -> dict[str, int]:
        positions: dict[str, int] = {}
        for number, component in enumerate(self._components):
            positions.setdefault(text_at(component.component, key), number)
        return positions

    def _read_overrides(self, invocation: JsonObject, pointer: str) -> dict[_RuleKey, Level]:
        levels: dict[_RuleKey, Level] = {}
        for number, override in enumerate(objects_at(invocation, "ruleConfigurationOverrides")):
            level = optional_choice(
                object_at(override, "configuration"),
                "level",
                LEVELS,
                f"{pointer}/ruleConfigurationOverrides/{number}/configuration",
            )
            reference = object_at(override, "descriptor")
            rule = self._resolve(reference, text_at(reference, "id"), index_at(reference, "index"))
            if level is not None:
                levels[rule.key] = level
        return levels


def _names(listed_id: str, reported_id: str) -> bool:
    """Tell whether a listed rule can be the one a result reports, which may be a child of it."""
    return not reported_id or reported_id == listed_id or reported_id.startswith(f"{listed_id}/")
