"""Random schemas of what is no object: texts, numbers, flags, and listed values."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

Schema = dict[str, Any]
_TEXTS: Final = (
    "a-b", "a_b", "a b", "", "1", "None", "+1", "-1", "mro", "name", "value", "class", "é", '"',
    "\\", "'''", "x", "A", "true",
)  # fmt: skip
_FORMATS: Final = (
    "date-time", "date", "uuid", "byte", "password", "email", "uri", "time", "duration", "ipv4",
    "hostname", "own-format",
)  # fmt: skip


class Scalars:
    """`is_old` says that they are of OpenAPI 3.0."""

    def __init__(self, random: Random, *, is_old: bool) -> None:
        self.random = random
        self.is_old = is_old

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    def scalar(self) -> Schema:
        kinds = [
            (0.25, self._text),
            (0.2, self._number),
            (0.1, lambda: {"type": "boolean"}),
            (0.2, self.listed),
            (0.05, lambda: {}),
            (0.12, lambda: {"type": "string", "format": self.random.choice(_FORMATS)}),
        ]
        schema: Schema = self.one_of(kinds)()
        if self.chance(0.15):
            schema = self.nullable(schema)
        if self.chance(0.1):
            self.add_default(schema)
        return self.about(schema)

    def nullable(self, schema: Schema) -> Schema:
        if schema.get("type", "null") == "null" or isinstance(schema["type"], list):
            return schema
        if "enum" in schema:
            return schema
        if self.is_old:
            return {**schema, "nullable": True}
        return {**schema, "type": [schema["type"], "null"]}

    def parameter(self) -> Schema:
        """A text, number, flag or list of texts: what has one form in each style."""
        kinds: list[tuple[float, Callable[[], Schema]]] = [
            (0.3, self._text),
            (0.2, self._number),
            (0.1, lambda: {"type": "boolean"}),
            (0.2, lambda: {"type": "string", "enum": self.random.sample(_TEXTS, 3)}),
        ]
        made: Schema = self.one_of(kinds)()
        return made

    def add_default(self, schema: Schema) -> None:
        fitting: list[Any] = schema.get("enum", [])[:1]
        if not fitting and not schema.keys() - {"type", "nullable", "title", "description"}:
            kind = schema.get("type")
            one = kind[0] if isinstance(kind, list) else kind
            known = {"string": "it's", "integer": 7, "number": 0.5, "boolean": True}
            fitting = [known[one]] if one in known else []
            if isinstance(kind, list) or schema.get("nullable"):
                fitting.append(None)
        if fitting:
            schema["default"] = self.random.choice(fitting)

    def _text(self) -> Schema:
        bounds: Schema = {}
        if self.chance(0.3):
            bounds = {"minLength": self.random.randint(0, 2), "maxLength": 9}
        elif self.chance(0.15):
            bounds = {"pattern": self.random.choice(("^[a-z]+$", "^x", "[0-9]", "^\\d{2}$"))}
        return {"type": "string", **bounds}

    def _number(self) -> Schema:
        schema: Schema = {"type": self.random.choice(("integer", "number"))}
        if self.chance(0.3):
            of_kind = ("int32", "int64") if schema["type"] == "integer" else ("float", "double")
            schema["format"] = self.random.choice(of_kind)
        kind = self.random.random()
        if kind < 0.2:
            schema |= {"minimum": -3, "maximum": 1000}
        elif kind < 0.35:
            exclusive = {"minimum": 0, "exclusiveMinimum": True} if self.is_old else None
            schema |= exclusive or {"exclusiveMinimum": 0}
        elif kind < 0.45:
            schema["multipleOf"] = self.random.choice((1, 5, 0.01))
        return schema

    def listed(self) -> Schema:
        """`enum` or `const`."""
        texts = self.random.sample(_TEXTS, self.random.randint(1, 4))
        kinds: list[Schema] = [
            {"type": "string", "enum": texts},
            {"type": "string", "enum": texts},
            {"enum": texts},
            {"type": "integer", "enum": [0, 1, -7]},
            {"type": "number", "enum": [0.5, 2, -1.5]},
            {"type": "boolean", "enum": [True]},
            {"enum": ["on", 1, False, None]},
        ]
        if self.is_old:
            kinds.append({"type": "string", "nullable": True, "enum": [*texts, None]})
        else:
            kinds += [{"type": ["string", "null"], "enum": [*texts, None]}, {"enum": [1, 2.5]}]
            kinds += [{"const": one} for one in (texts[0], 3, 1.5, True, None)]
            kinds += [{"const": {"x": 1}}, {"enum": [["x"], {}]}, {"type": "null"}]
        return self.random.choice(kinds)

    def about(self, schema: Schema) -> Schema:
        if self.chance(0.1):
            title = self.random.choice(("A title", "class", "", "Größe", "int"))
            schema = {"title": title, **schema}
        if self.chance(0.1):
            told = self.random.choice(('Ends with "', 'Has """ in it.', "A \\ and\n a line", "é"))
            schema = {**schema, "description": told}
        return schema

    def one_of(self, kinds: Sequence[tuple[float, Callable[[], Any]]]) -> Callable[[], Any]:
        weights, makers = zip(*kinds, strict=True)
        found: Callable[[], Any] = self.random.choices(makers, weights)[0]
        return found
