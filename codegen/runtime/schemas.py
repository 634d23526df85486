"""Validators compiled once from the bundled contract, looked up by JSON pointer.

Requests and responses get a view each: what is readOnly is refused in one, writeOnly in the other.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from .document import as_fragment, follow, objects, pointer_to, resolve
from .problems import MAX_ERRORS, InputError
from .schema_views import (
    BEHIND,
    HIDDEN,
    SIZES,
    Direction,
    upgrade_3_0,
    view,
    view_of_forms,
)

_BOTH: tuple[Direction, ...] = ("request", "response")
_MASK = "a value"
_MAX_LIMIT_LENGTH = 2048
# Every error of a value is found before the first can be seen, at about 20 µs each: of a larger
# value (counted in nodes), which its sender can fill with errors, only the first one is looked for.
_SMALL = 2000


class ContractSchemas:
    """Compiles schemas of one bundled OpenAPI 3.0 or 3.1 document. Build once, at start."""

    def __init__(self, document: dict[str, Any]) -> None:
        modern = upgrade_3_0(document) if document["openapi"].startswith("3.0") else document
        self.document = modern
        self._registries = {
            direction: jsonschema_rs.Registry([("urn:contract", view(modern, direction))])
            for direction in _BOTH
        }
        self._compiled: dict[tuple[Direction, str], jsonschema_rs.Draft202012Validator] = {}
        self._declared_names = frozenset(_property_names(modern))

    def compiled(self, direction: Direction, pointer: str) -> jsonschema_rs.Draft202012Validator:
        key = (direction, pointer)
        if key not in self._compiled:
            self._compiled[key] = jsonschema_rs.Draft202012Validator(
                {"$ref": f"urn:contract{as_fragment(pointer)}"},
                registry=self._registries[direction],
                validate_formats=True,
                mask=_MASK,
                offline=True,
            )
        return self._compiled[key]

    def add_forms(self, pointers: Iterable[str]) -> None:
        """Call once, with where the schemas of all forms with files are, before one is compiled."""
        seen = view_of_forms(self.document, pointers)
        self._registries["form"] = jsonschema_rs.Registry([("urn:contract", seen)])

    def errors(
        self,
        pointer: str,
        value: Any,
        location: str,
        prefix: Sequence[str] = (),
        direction: Direction = "request",
    ) -> list[InputError]:
        """Where `value` breaks the request schema at `pointer`; at most one more than is shown.

        Of a value of many nodes only the first place is told.
        """
        validator = self.compiled(direction, pointer)
        if validator.is_valid(value):
            return []
        found = validator.iter_errors(value) if _is_small(value) else _first(validator, value)
        return [
            self._input_error(error, value, location, prefix)
            for error in islice(found, MAX_ERRORS + 1)
        ]

    def first_error(self, pointer: str, value: Any, location: str) -> InputError | None:
        """Where `value` first breaks the request schema at `pointer`; costs no more than to check.

        For values that come by the thousand, of which each may have thousands of errors.
        """
        validator = self.compiled("request", pointer)
        if validator.is_valid(value):
            return None
        [error] = _first(validator, value)
        return self._input_error(error, value, location, ())

    def _input_error(
        self,
        error: jsonschema_rs.ValidationError,
        value: Any,
        location: str,
        prefix: Sequence[str],
    ) -> InputError:
        path = [*prefix, *self._shown(error.instance_path, value)]
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
            # Each name that is missing is an error of its own, at where it should be.
            path.append(error.kind.property)
        # The path of the schema in `error` takes names for numbers: "007" for 7.
        rule = unquote((error.absolute_keyword_location or "").partition("#")[2])
        rule = rule.replace(f"/{BEHIND}", "")
        if error.kind.name == "falseSchema" and resolve(self.document, rule) is None:
            rule = rule.removesuffix("/allOf/0")
        keyword, limit = error.kind.name, resolve(self.document, rule)
        if keyword == "falseSchema" and limit is not False:
            # Only the view for requests says false here; the contract says readOnly.
            keyword, limit = HIDDEN["request"], True
        if limit is None and keyword in SIZES:
            # Of a file's size, which the contract limits as the length of a string.
            holder, keyword = rule.rpartition("/")[0], SIZES[keyword]
            rule = f"{holder}/{keyword}"
            limit = resolve(self.document, rule)
        return InputError(
            location=location,
            pointer=pointer_to(path)[:_MAX_LIMIT_LENGTH],
            keyword=keyword,
            limit=_limit_text(limit),
            rule=f"#{rule}",
        )

    def _shown(self, path: Iterable[str | int], value: Any) -> Iterator[str]:
        """The path without names that the contract doesn't declare: the sender chose them.

        Names that look like numbers come as numbers, so it takes the value to tell.
        """
        node = value
        for segment in path:
            if isinstance(node, list) and isinstance(segment, int):
                yield str(segment)
                node = node[segment]
            else:
                name = str(segment)
                yield name if name in self._declared_names else "*"
                node = node.get(name) if isinstance(node, dict) else None

    def at(self, pointer: str) -> Any:
        """The node of the document that a JSON pointer leads to; a reference stays one."""
        return resolve(self.document, pointer)

    def follow(self, node: Any) -> Any:
        return follow(self.document, node)


def _limit_text(node: Any) -> str | None:
    """A rule's value as JSON, unless it is too long to help."""
    text = json.dumps(node, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _MAX_LIMIT_LENGTH else None


def _is_small(value: Any) -> bool:
    stack, count = [value], 0
    while stack and count <= _SMALL:
        node = stack.pop()
        count += 1
        if isinstance(node, list | dict):
            if len(node) > _SMALL:
                return False
            stack.extend(node.values() if isinstance(node, dict) else node)
    return count <= _SMALL


def _first(
    validator: jsonschema_rs.Draft202012Validator, value: Any
) -> Iterable[jsonschema_rs.ValidationError]:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return (error,)
    return ()


def _property_names(document: dict[str, Any]) -> Iterator[str]:
    for node in objects(document):
        if isinstance(node.get("properties"), dict):
            yield from node["properties"]
