"""Python annotations for schemas that stand in operations: parameters, headers, whole bodies.

Simple schemas become plain Python types; whatever needs a class becomes a named model.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .bundle import Bundle
from .contract import Annotation, Claim, Media, Parameter
from .diagnostics import Findings
from .names import is_wordless, type_name, unlike
from .nullable import admits_null, says_nullable
from .pointers import value_at
from .runtime.document import follow
from .shape import Pointer

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_FORMATS = {
    "uuid": ("uuid", "UUID"),
    "date-time": ("pydantic", "AwareDatetime"),
    "date": ("", "datetime"),
}
# Keywords that a plain type may have; they only narrow its values or describe them.
_HARMLESS = frozenset(
    {
        "type", "format", "nullable", "title", "description", "default", "example", "examples",
        "deprecated", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "enum", "const", "items", "minItems", "maxItems",
        "uniqueItems", "readOnly", "writeOnly", "additionalProperties", "maxProperties",
        "minProperties", "propertyNames", "$comment", "externalDocs", "contentEncoding",
        "contentMediaType",
    }
)  # fmt: skip
_DESCRIBING = frozenset({"$ref", "description", "title", "default", "example", "examples"})
FILE = Annotation("FilePart", frozenset({("..runtime.file_part", "FilePart")}))
ANY = Annotation("Any", frozenset({("typing", "Any")}))


@dataclass(slots=True)
class SchemaTypes:
    """Knows the names of all models, and adds those for inline schemas as they are met."""

    contract: Bundle
    findings: Findings
    broken: set[Pointer] = field(default_factory=set)
    models: dict[str, Any] = field(default_factory=dict)
    files: dict[int, Any] = field(default_factory=dict)
    misfits: set[int] = field(default_factory=set)
    # What operations share is read once: by where it stands, of parameters by what claims them too.
    parameters: dict[tuple[Pointer, Claim | None], Parameter] = field(default_factory=dict)
    contents: dict[Pointer, tuple[Media, ...]] = field(default_factory=dict)
    _names: dict[Pointer, str] = field(default_factory=dict)
    _referred: dict[str, str] = field(default_factory=dict)
    _reserved: frozenset[str] = frozenset()

    def add_components(self) -> None:
        """Names every schema in `components`, in the contract's order.

        A name that needs no change is its schema's own, wherever that stands.
        """
        components = self.contract.document.get("components")
        schemas = components.get("schemas") if isinstance(components, dict) else None
        names = schemas if isinstance(schemas, dict) else {}
        self._reserved = frozenset(name for name in names if type_name(name) == name)
        for name in names:
            self.name(("components", "schemas", name), name)

    def add_files(self, schemas: Iterable[dict[str, Any]]) -> bool:
        """Remembers which schemas stand for files, by their identity; whether there are any."""
        found = {id(schema): schema for schema in schemas}
        self.files |= found
        return bool(found)

    def name(self, pointer: Pointer, wanted: str) -> str:
        """The type name of the schema at a pointer, which becomes a model if it isn't one."""
        if pointer in self._names:
            return self._names[pointer]
        made = type_name(wanted)
        if is_wordless(wanted):
            message = f"the schema name {wanted!r} can't be the name of a Python class"
            self.findings.add(
                self.contract.place(pointer), "CG023", message, f"its class is {made}"
            )
        own = made
        # To put together which are taken takes longer than all the rest.
        if made in self.models or (made in self._reserved and made != wanted):
            own = unlike(made, {*self.models, *(self._reserved - {wanted})}, "")
        if own != made:
            hint = f"this one's is {own}; rename it, or give an inline schema a name in components"
            message = f"two schemas become the class {made}"
            place = self.contract.place(pointer)
            self.findings.add(place, "CG024", message, hint, severity="warning")
            made = own
        self._names[pointer] = made
        self.models[made] = value_at(self.contract.document, pointer)
        return made

    def pointer(self, name: str) -> Pointer:
        """Where the schema of a model stands."""
        return next(pointer for pointer, own in self._names.items() if own == name)

    def annotation(self, pointer: Pointer, wanted: str) -> Annotation:
        """`wanted` names the model, if the schema there needs one of its own."""
        schema = value_at(self.contract.document, pointer)
        if schema in (True, {}) or pointer in self.broken:
            return ANY
        if id(schema) in self.files:
            return FILE
        if isinstance(schema, dict):
            if isinstance(schema.get("$ref"), str) and not set(schema) - _DESCRIBING:
                return self._reference(schema["$ref"])
            plain = self._plain(schema, pointer, wanted)
            if plain is not None:
                return plain
        return self._model(self.name(pointer, wanted))

    def has(self, pointer: Pointer) -> bool:
        holder = value_at(self.contract.document, pointer[:-1])
        return isinstance(holder, dict) and pointer[-1] in holder

    def resolved(self, pointer: Pointer) -> Any:
        return self.contract.follow(pointer)[1]

    def referred(self, reference: str) -> str:
        """The type name of what a reference leads to, which becomes a model if it isn't one."""
        if reference not in self._referred:
            pointer = self.contract.target(reference)
            self._referred[reference] = self.name(pointer, wanted_name(pointer))
        return self._referred[reference]

    def _reference(self, reference: str) -> Annotation:
        return self._model(self.referred(reference))

    def _model(self, name: str) -> Annotation:
        """The class of a schema that admits null is of its objects alone, as classes are."""
        made = Annotation(f"models.{name}", frozenset({("..", "models")}))
        schema = follow(self.contract.document, self.models[name])
        declared = schema.get("type") if isinstance(schema, dict) else None
        is_class = declared == "object" or (isinstance(declared, list) and "object" in declared)
        may_be_null = is_class and admits_null(self.contract.document, schema)
        return made.optional() if may_be_null else made

    def _plain(self, schema: dict[str, Any], pointer: Pointer, wanted: str) -> Annotation | None:
        if set(schema) - _HARMLESS and not all(
            key in _HARMLESS or key.startswith("x-") for key in schema
        ):
            return None
        declared = schema.get("type")
        types = [declared] if isinstance(declared, str) else list(declared or ())
        nullable = "null" in types or says_nullable(self.contract.document, schema)
        types = [name for name in types if name != "null"]
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if values is not None:
            made = _literal(values)
        elif len(types) == 1:
            made = self._of_type(types[0], schema, pointer, wanted)
        else:
            made = None
        return made.optional() if made is not None and nullable and values is None else made

    def _of_type(
        self, name: str, schema: dict[str, Any], pointer: Pointer, wanted: str
    ) -> Annotation | None:
        if name == "array":
            inner = ANY
            if "items" in schema:
                inner = self.annotation((*pointer, "items"), f"{wanted}Item")
            return Annotation(f"list[{inner.text}]", inner.imports)
        if name == "object":
            extra = schema.get("additionalProperties", True)
            if extra is False:
                return None
            inner = ANY
            if extra is not True:
                inner = self.annotation((*pointer, "additionalProperties"), f"{wanted}Value")
            return Annotation(f"dict[str, {inner.text}]", inner.imports)
        if name == "string" and schema.get("format") in _FORMATS:
            source = _FORMATS[schema["format"]]
            # A parameter may well be called `date`, so the type isn't.
            text = "datetime.date" if schema["format"] == "date" else source[1]
            return Annotation(text, frozenset({source}))
        return Annotation(_PLAIN[name]) if name in _PLAIN else None


def wanted_name(pointer: Pointer) -> str:
    """A name for a schema that is only known by where it stands."""
    structure = ("components", "schemas", "properties", "paths", "content", "schema")
    return " ".join(str(token) for token in pointer if token not in structure)


def _literal(values: Any) -> Annotation | None:
    if not isinstance(values, list) or not values:
        return None
    if not all(value is None or isinstance(value, str | int | bool) for value in values):
        return None
    text = ", ".join(repr(value) for value in values)
    return Annotation(f"Literal[{text}]", frozenset({("typing", "Literal")}))


def is_plain_value(schema: Any, value: Any) -> bool:
    """Whether a default can stand as it is in Python, for its type is the JSON type."""
    if not isinstance(schema, dict) or isinstance(value, list | dict):
        return False
    declared = schema.get("type")
    return isinstance(declared, str) and declared in _PLAIN and schema.get("format") not in _FORMATS
