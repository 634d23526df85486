"""Validators compiled once from the bundled contract, looked up by JSON pointer.

Requests and responses get a view each: what is readOnly is refused in one, writeOnly in the other.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from typing import Any, Literal
from urllib.parse import unquote

import jsonschema_rs

from .binary_schemas import file_schemas
from .document import (
    as_fragment,
    conjuncts,
    copied,
    follow,
    objects,
    pointer_to,
    referenced,
    resolve,
)
from .problems import MAX_ERRORS, InputError

# A form is a request in which each file is its size.
Direction = Literal["request", "response", "form"]
_JOINING = frozenset({"allOf", "$ref"})
_HIDDEN: dict[Direction, str] = {
    "request": "readOnly",
    "response": "writeOnly",
    "form": "readOnly",
}
_BOTH: tuple[Direction, ...] = ("request", "response")
_SIZES = {"minimum": "minLength", "maximum": "maxLength"}
# What a hidden property is, where references lead to it or into it: nothing hides it from them.
_BEHIND = "x-behind-hidden"
_NOTHING: dict[str, Any] = {"allOf": [False]}
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
        if error.kind.name == "required":
            # Each name that is missing is an error of its own, at where it should be.
            path.append(error.kind.property)
        # The path of the schema in `error` takes names for numbers: "007" for 7.
        rule = unquote((error.absolute_keyword_location or "").partition("#")[2])
        rule = rule.replace(f"/{_BEHIND}", "")
        if error.kind.name == "falseSchema" and resolve(self.document, rule) is None:
            rule = rule.removesuffix("/allOf/0")
        keyword, limit = error.kind.name, resolve(self.document, rule)
        if keyword == "falseSchema" and limit is not False:
            # Only the view for requests says false here; the contract says readOnly.
            keyword, limit = _HIDDEN["request"], True
        if limit is None and keyword in _SIZES:
            # Of a file's size, which the contract limits as the length of a string.
            holder, keyword = rule.rpartition("/")[0], _SIZES[keyword]
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


def view(document: dict[str, Any], direction: Direction) -> dict[str, Any]:
    """The document as one direction sees it: hidden properties may not occur, nor be required."""
    seen = copied(document)
    nodes = list(objects(seen))
    keyword = _HIDDEN[direction]
    is_used = any(node.get(keyword) is True for node in nodes)
    hiding = _Hiding(document, keyword)
    as_uri = cache(partial(_as_uri, document))
    inside = [node for node in nodes if "/properties/" in str(node.get("$ref"))] if is_used else []
    for original, node in zip(objects(document), nodes, strict=True):
        hidden = hiding.names(original) if is_used else frozenset()
        properties = node.get("properties")
        if hidden and isinstance(properties, dict):
            for name in properties.keys() & hidden:
                properties[name] = {**_NOTHING, _BEHIND: properties[name]} if inside else False
        if hidden and isinstance(node.get("required"), list):
            node["required"] = [name for name in node["required"] if name not in hidden]
        if isinstance(node.get("$ref"), str) and node["$ref"].startswith("#"):
            node["$ref"] = as_uri(node["$ref"])
    for node in inside:
        node["$ref"] = _behind_hidden(seen, node["$ref"])
    return seen


def _behind_hidden(seen: Any, reference: str) -> str:
    """The reference past what hides a property on its way; one that leads nowhere as it is."""
    way: list[str] = []
    node = seen
    for segment in unquote(reference.removeprefix("#")).split("/")[1:]:
        name = segment.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, dict) and name in node:
            node = node[name]
        else:
            return reference
        way.append(name)
        if isinstance(node, dict) and _BEHIND in node:
            node = node[_BEHIND]
            way.append(_BEHIND)
    return as_fragment(pointer_to(way))


def view_of_forms(document: dict[str, Any], pointers: Iterable[str]) -> dict[str, Any]:
    """The view for requests, with files, in the forms at `pointers`, as numbers: their sizes."""
    seen = view(document, "form")
    files = {
        id(node): node
        for pointer in pointers
        for node in file_schemas(seen, resolve(seen, pointer))
    }
    for node in files.values():
        sizes = {keyword: node[name] for keyword, name in _SIZES.items() if name in node}
        node.clear()
        node.update({"type": "integer", **sizes})
    return seen


class _Hiding:
    """Knows of each schema which properties are marked with the keyword."""

    def __init__(self, document: Any, keyword: str) -> None:
        self._document = document
        self._keyword = keyword
        self._own: dict[int, frozenset[str]] = {}

    def names(self, schema: dict[str, Any]) -> frozenset[str]:
        """Those of a schema, inherited ones too."""
        if _JOINING.isdisjoint(schema):
            return self._of_part(schema)
        return frozenset().union(*map(self._of_part, conjuncts(self._document, schema)))

    def _of_part(self, part: dict[str, Any]) -> frozenset[str]:
        properties = part.get("properties")
        if not isinstance(properties, dict):
            return frozenset()
        if id(part) not in self._own:
            self._own[id(part)] = frozenset(
                name for name, declared in properties.items() if self._is_marked(declared)
            )
        return self._own[id(part)]

    def _is_marked(self, declared: Any) -> bool:
        if isinstance(declared, dict) and _JOINING.isdisjoint(declared):
            return declared.get(self._keyword) is True
        return any(one.get(self._keyword) is True for one in conjuncts(self._document, declared))


def _as_uri(document: Any, reference: str) -> str:
    """The reference with escapes where a URI needs them: authors write path templates as they are.

    One that is escaped already, or leads nowhere, stays as it is.
    """
    if resolve(document, reference[1:]) is None and referenced(document, reference) is not None:
        return reference
    return as_fragment(reference[1:])


def upgrade_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.0 document with its schemas in JSON Schema 2020-12's words.

    By the letter of 3.0.3: beside `$ref` nothing counts, `nullable` counts only beside `type`, and
    an `enum` admits null only if it lists it.
    """
    upgraded = copied(document)
    for node in objects(upgraded):
        if isinstance(reference := node.get("$ref"), str):
            node.clear()
            node["$ref"] = reference
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if not isinstance(node.get(exclusive), bool):
                continue
            if node.pop(exclusive) and bound in node:
                node[exclusive] = node.pop(bound)
        if node.get("nullable") is True and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
    return upgraded


def _property_names(document: dict[str, Any]) -> Iterator[str]:
    for node in objects(document):
        if isinstance(node.get("properties"), dict):
            yield from node["properties"]
