"""Reads YAML by the 1.2 core schema: `on`, `yes` and dates stay strings, and keys are strings."""

import math
import re
from typing import Any

import yaml

from .diagnostics import Findings, Place, one_error
from .source import Pointer, Positions, add_repeated, place_behind
from .yaml_mistakes import mistake

# Without aliases, a value takes a character at least.
_MAX_VALUES_A_CHARACTER = 10
_MAX_VALUES_AT_LEAST = 10_000
_MAX_DIGITS = 400
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.nan"
)
_TAG = "tag:yaml.org,2002:"


class _CoreLoader(yaml.CSafeLoader):
    """Composes nodes by the YAML 1.2 core schema; values are built by `_Builder`."""

    # An instance variable to the stubs, so no ClassVar here.
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _name, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": _INT.pattern,
    "float": _FLOAT.pattern,
}.items():
    _CoreLoader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"(?:{_pattern})\\Z"), None)


def read_yaml(name: str, text: str, findings: Findings) -> tuple[Any, Positions]:
    """The value, and where each in it stands. Raises ContractError where there is none."""
    loader = _CoreLoader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        found = mistake(text, error)
        place = Place(name, found.line, found.column)
        raise one_error(place, "CG002", found.message, found.hint) from error
    except yaml.reader.ReaderError as error:
        odd = next(char for char in text if not char.isprintable() and char not in "\t\n\r\x85")
        place = place_behind(name, text.partition(odd)[0])
        message = f"a character stands here that no text has: U+{ord(odd):04X}"
        raise one_error(place, "CG002", message, "leave it out") from error
    finally:
        loader.dispose()
    if node is None:
        return None, {}
    limit = max(_MAX_VALUES_AT_LEAST, _MAX_VALUES_A_CHARACTER * len(text))
    builder = _Builder(name, limit, findings)
    return builder.build(node, ()), builder.positions


class _Builder:
    """Makes plain data of composed YAML nodes."""

    def __init__(self, name: str, limit: int, findings: Findings) -> None:
        self._name = name
        self._limit = limit
        self._findings = findings
        self._open: set[int] = set()
        self.positions: Positions = {}

    def build(self, node: yaml.Node, pointer: Pointer) -> Any:
        self.positions.setdefault(pointer, _position(node))
        if len(self.positions) > self._limit or id(node) in self._open:
            hint = "write the parts out, or use $ref"
            message = f"aliases expand to a loop or to more than {self._limit} values"
            raise one_error(self._place(node), "CG002", message, hint)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, pointer)
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*pointer, i)) for i, item in enumerate(node.value)]
            return self._scalar(node)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, pointer: Pointer) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise one_error(self._place(key_node), "CG002", "a key must be plain text")
            key = key_node.value
            if key == "<<" and not key_node.style:
                message = "merge keys are not of YAML 1.2: other tools would read another contract"
                hint = "write the fields out, or use $ref"
                raise one_error(self._place(key_node), "CG002", message, hint)
            inner = (*pointer, key)
            if key in mapping:
                first = Place(self._name, *self.positions[inner])
                add_repeated(self._findings, key, first, self._place(key_node))
            self.positions[inner] = _position(key_node)
            mapping[key] = self.build(value_node, inner)
        return mapping

    def _scalar(self, node: yaml.Node) -> Any:
        text: str = node.value
        match node.tag.removeprefix(_TAG):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if _INT.fullmatch(text) and len(text) <= _MAX_DIGITS:
                return int(text, 0 if text[:2] in ("0o", "0x") else 10)
            case "float" if _FLOAT.fullmatch(text) and math.isfinite(_number(text)):
                return _number(text)
        message = f"the value {text!r} of type {node.tag} has no equal in JSON"
        is_include = "include" in node.tag
        hint = "use $ref" if is_include else "quote it, or write a JSON value"
        raise one_error(self._place(node), "CG002", message, hint)

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._name, *_position(node))


def _number(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
