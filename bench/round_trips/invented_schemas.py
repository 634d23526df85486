"""Random schemas of either version of OpenAPI, with what people write and what they rarely do.

Each is a schema that some value fits, but for joined parts that happen to contradict each other.
Nothing here knows how code is generated.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from bench.round_trips.invented_scalars import Scalars, Schema

# The few that parts of a join share, then those that are hard to have in Python or in a walker.
_PLAIN: Final = ("a", "b", "c", "d", "e")
_ODD: Final = (
    "class", "None", "self", "model_config", "model_fields", "model_extra", "schema", "json",
    "copy", "dict", "validate", "construct", "fields", "a-b", "a_b", "a.b", "aB", "2fa", "", " ",
    "Größe", "名", "_own", "__root__", "__class__", "$ref", "@type", "type", "items", "properties",
    "required", "enum", "default", "allOf", "example", "discriminator", "nullable", "True", "str",
    "int", "bool", "list", "date", "datetime", "UUID", "Any", "Field", "root", "x-y", "print",
    "'", '"', "\\", "{x}", "%s", "a\nb", "id", "field_2fa", "kind",
)  # fmt: skip
_PREFIX: Final = "#/components/schemas/"


class Schemas(Scalars):
    """Makes schemas. `known` are names that may be joined, `named` all that may be referred to."""

    def __init__(self, random: Random, *, is_old: bool, named: Sequence[str]) -> None:
        super().__init__(random, is_old=is_old)
        self.known: list[str] = []
        self._named = named
        # Of one name all joined parts say the same, so that most of them can be had together.
        self._shared = {name: self.scalar() for name in _PLAIN}
        # Those that are objects whatever they join.
        self._objects: list[str] = []
        # Whether it is a member or item that is made: there a circle has an end.
        self._is_inside = False

    def named(self, name: str) -> Schema:
        """The schema of this name, which later ones may then join."""
        kinds: list[tuple[float, Callable[[], Schema]]] = [
            (0.3, self.object),
            (0.3, self.joined),
            (0.12, self.choice),
            (0.1, self.told),
            (0.18, lambda: self.value(2)),
        ]
        make = self.one_of(kinds)
        schema = make()
        if make == self.object and self.chance(0.15):
            schema = self.base(name)
        if make in (self.object, self.joined):
            self._objects.append(name)
        self.known.append(name)
        return self.about(schema)

    def value(self, depth: int) -> Schema:
        """Any schema; one that is not an object more often than not."""
        kinds: list[tuple[float, Callable[[], Schema]]] = [
            (0.5, self.scalar),
            (0.12, lambda: self._array(depth)),
            (0.12, self._reference),
        ]
        if depth > 0:
            kinds += [
                (0.08, lambda: self.object(depth - 1)),
                (0.05, lambda: self._mapping(depth - 1)),
                (0.05, lambda: self._either(depth - 1)),
                (0.04, self.joined),
                (0.04, self.choice),
            ]
        made: Schema = self.one_of(kinds)()
        return made

    def object(self, depth: int = 2) -> Schema:
        """Members of many names and types, some of them of a schema that comes later."""
        names = self.random.sample(_PLAIN + _ODD, self.random.randint(0, 5))
        properties = {name: self._member(depth) for name in names}
        schema: Schema = {"type": "object"}
        if properties or self.chance(0.5):
            schema["properties"] = properties
        # One that is required and leads back here would have no end.
        closed = [name for name in names if not _refers(properties[name])]
        if closed and self.chance(0.5):
            schema["required"] = self.random.sample(closed, self.random.randint(1, len(closed)))
        self._admit_others(schema)
        if self.chance(0.05):
            del schema["type"]
        if self.chance(0.05):
            schema["minProperties"] = min(1, len(properties))
        return schema

    def joined(self, depth: int = 0) -> Schema:
        """An `allOf` of objects, perhaps with choices among them, and something beside it."""
        parts = [self._part(depth) for _ in range(self.random.randint(1, 3))]
        schema: Schema = {"allOf": parts}
        kind = self.random.random()
        if kind < 0.3:
            schema = {**self._plain(), **schema}
        elif kind < 0.4:
            schema["required"] = [self.random.choice(_PLAIN)]
        elif kind < 0.45:
            schema["additionalProperties"] = self._others()
        elif kind < 0.5 and not self.is_old:
            schema["unevaluatedProperties"] = self._others()
        return schema

    def choice(self) -> Schema:
        """One of several objects."""
        return {self._word(): [self._part(1) for _ in range(self.random.randint(1, 3))]}

    def told(self) -> Schema:
        """One of several objects, told apart by a member, with or without a mapping."""
        tag = self.random.choice(("kind", "type", "a-b", "class", "@type"))
        names = [name for name in self._objects if name in self.known][-3:]
        if self.chance(0.6) or not names:
            return {self._word(): [self._tagged(tag, text) for text in ("first", "2nd")]}
        discriminator: Schema = {"propertyName": tag}
        if self.chance(0.5):
            discriminator["mapping"] = {f"as {name}": _PREFIX + name for name in names}
        branches = [{"$ref": _PREFIX + name} for name in names]
        return {"oneOf": branches, "discriminator": discriminator}

    def base(self, name: str) -> Schema:
        """One that says by a member of its own which of its heirs it is."""
        schema = self._plain()
        schema.setdefault("properties", {})["kind"] = {"type": "string"}
        required = schema.get("required", [])
        schema["required"] = list(dict.fromkeys([*required, "kind"]))
        mapping = {"itself": _PREFIX + name}
        schema["discriminator"] = {"propertyName": "kind"}
        if self.chance(0.5):
            schema["discriminator"]["mapping"] = mapping
        return schema

    def reference(self) -> Schema:
        """To any schema there is, or to one that can't lead back here at once."""
        names = self._named if self._is_inside else self.known
        return {"$ref": _PREFIX + self.random.choice(names)} if names else {"type": "string"}

    def _inner(self, make: Callable[[], Any]) -> Any:
        was, self._is_inside = self._is_inside, True
        try:
            return make()
        finally:
            self._is_inside = was

    def _tagged(self, tag: str, text: str) -> Schema:
        schema = self._plain()
        told = {"enum": [text]} if self.is_old or self.chance(0.5) else {"const": text}
        properties = {tag: {"type": "string", **told}, **schema.get("properties", {})}
        return {**schema, "properties": properties, "required": [tag]}

    def _part(self, depth: int) -> Schema:
        kind = self.random.random()
        if kind < 0.4 and self._objects:
            return {"$ref": _PREFIX + self.random.choice(self._objects[-8:])}
        if kind < 0.5 and depth < 2:
            return self.joined(depth + 1)
        if kind < 0.6 and depth < 2:
            return {self._word(): [self._plain(), self._plain()]}
        return self._plain()

    def _plain(self) -> Schema:
        """An object of members that mean the same in all of them."""
        schema: Schema = {"type": "object"}
        if self.chance(0.85):
            names = self.random.sample(_PLAIN, self.random.randint(1, 3))
            schema["properties"] = {name: self._shared[name] for name in names}
        if self.chance(0.4):
            any_name = self.chance(0.4) or "properties" not in schema
            schema["required"] = [
                self.random.choice(_PLAIN if any_name else list(schema["properties"]))
            ]
        self._admit_others(schema)
        return schema

    def _admit_others(self, schema: Schema) -> None:
        if self.chance(0.35):
            schema["additionalProperties"] = self._others()
        if not self.is_old and self.chance(0.1):
            schema["patternProperties"] = {"^x-": self.scalar()}

    def _others(self) -> Any:
        kinds: list[tuple[float, Callable[[], Any]]] = [
            (0.3, lambda: True),
            (0.2, lambda: False),
            (0.1, lambda: {}),
            (0.4, lambda: self._inner(lambda: self.value(0))),
        ]
        made: Schema = self.one_of(kinds)()
        return made

    def _member(self, depth: int) -> Schema:
        schema: Schema = self._inner(lambda: self.value(depth))
        if self.chance(0.06) and "$ref" not in schema:
            schema = {**schema, self.random.choice(("readOnly", "writeOnly")): True}
        if self.chance(0.08) and "$ref" in schema:
            # Said beside a reference in 3.1, and by an `allOf` of one in 3.0.
            return {"allOf": [schema], "description": "Said of the member."}
        return schema

    def _array(self, depth: int) -> Schema:
        items: Schema = self._inner(lambda: self.value(depth - 1) if depth > 0 else self.scalar())
        schema: Schema = {"type": "array", "items": items}
        if self.chance(0.2):
            schema |= {"maxItems": 4, "minItems": 0 if _refers(items) else 1}
        if self.chance(0.08):
            schema["uniqueItems"] = True
        if not self.is_old and self.chance(0.08):
            schema = {"type": "array", "prefixItems": [self.scalar(), self.scalar()]}
            if self.chance(0.5):
                schema["items"] = False
        return self.nullable(schema) if self.chance(0.1) else schema

    def _mapping(self, depth: int) -> Schema:
        return {"type": "object", "additionalProperties": self._inner(lambda: self.value(depth))}

    def _either(self, depth: int) -> Schema:
        """Of several types."""
        if not self.is_old and self.chance(0.4):
            return {"type": self.random.sample(("string", "integer", "boolean", "null"), 2)}
        branches = [self.value(depth), self.scalar()]
        if not self.is_old and self.chance(0.4):
            branches.append({"type": "null"})
        return {self._word(): branches}

    def _reference(self) -> Schema:
        schema = self.reference()
        if self.is_old or self.chance(0.8):
            return schema
        beside: list[Schema] = [
            {"description": "Said beside."},
            {"title": "Told"},
            {"deprecated": True},
            {"type": "object", "properties": {"a": self._shared["a"]}},
        ]
        return {**schema, **self.random.choice(beside)}

    def _word(self) -> str:
        return self.random.choice(("oneOf", "anyOf"))


def _refers(value: Any) -> bool:
    """Whether a schema stands in it that may lead anywhere, or join what does."""
    if isinstance(value, dict):
        return isinstance(value.get("$ref"), str) or any(map(_refers, value.values()))
    return isinstance(value, list) and any(map(_refers, value))
