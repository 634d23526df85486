"""Rules about what OpenAPI ignores without a word: it stands in the contract and has no effect."""

from collections.abc import Iterator
from typing import Any

from ..shape import Pointer
from .rule import Remark, rule
from .schemas import is_nullable, types_of
from .subject import Subject, listing, mapping

# What may stand beside a reference without changing what is valid.
_HARMLESS = frozenset({"$ref", "description", "summary", "title", "example", "examples"})
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
_MAX_DEPTH = 20


@rule(
    "ignored-header",
    "warning",
    "OpenAPI ignores headers by these names: media types and security say it in their own places.",
)
def ignored_header(subject: Subject) -> Iterator[Remark]:
    for node in subject.of_kind("parameter"):
        name = str(node.value.get("name"))
        if node.value.get("in") == "header" and name.lower() in _IGNORED_HEADERS:
            hint = "remove it; see `content` and `security`"
            yield Remark(node.pointer, f"the header parameter {name} is ignored", hint)
    for node in subject.of_kind("response"):
        for name in mapping(node.value.get("headers")):
            if name.lower() == "content-type":
                hint = "remove it; the media types in `content` say it"
                message = f"the response header {name} is ignored"
                yield Remark((*node.pointer, "headers", name), message, hint)


@rule(
    "ignored-beside-ref",
    "warning",
    "OpenAPI 3.0 ignores what stands beside a `$ref`: what it should refuse gets in.",
)
def ignored_beside_ref(subject: Subject) -> Iterator[Remark]:
    if not subject.is_3_0:
        return
    for node in subject.schemas():
        if not isinstance(node.value.get("$ref"), str):
            continue
        for keyword in node.value:
            if keyword not in _HARMLESS and not keyword.startswith("x-"):
                message = f"`{keyword}` has no effect beside a $ref"
                hint = "put the reference into an `allOf`"
                yield Remark((*node.pointer, keyword), message, hint)


@rule(
    "ignored-nullable",
    "warning",
    "`nullable` counts in OpenAPI 3.0 alone, beside a `type`; elsewhere null is refused.",
)
def ignored_nullable(subject: Subject) -> Iterator[Remark]:
    """Where nothing else refuses null, `nullable` is only idle."""
    for node in subject.schemas():
        if node.value.get("nullable") is not True or "$ref" in node.value:
            continue
        if not subject.is_3_0:
            message, hint = "OpenAPI 3.1 has no `nullable`", "add 'null' to the types"
        elif "type" not in node.value and not _admits_null(subject, node.pointer):
            message, hint = "`nullable` has no effect without a `type`", "say the type beside it"
        else:
            continue
        yield Remark((*node.pointer, "nullable"), message, hint)


@rule(
    "enum-without-null",
    "warning",
    "Null among the types doesn't add it to the values of an enum: it is refused all the same.",
)
def enum_without_null(subject: Subject) -> Iterator[Remark]:
    for node in subject.schemas():
        values = listing(node.value.get("enum"))
        may_be_null = is_nullable(subject, node.value) or "null" in types_of(node.value)
        if may_be_null and values and None not in values:
            message = "null is among the types, but not among the values of the enum"
            yield Remark((*node.pointer, "enum"), message, "add null to the enum")


@rule("default-of-required", "warning", "A required parameter is always sent: no default applies.")
def default_of_required(subject: Subject) -> Iterator[Remark]:
    for node in subject.of_kind("parameter"):
        if node.value.get("required") is True and "schema" in node.value:
            schema = mapping(subject.value((*node.pointer, "schema")))
            if "default" in schema:
                pointer = (*node.pointer, "schema", "default")
                hint = "make it optional, or give an example instead"
                yield Remark(pointer, "the default of a required parameter never applies", hint)


def _admits_null(subject: Subject, pointer: Pointer, depth: int = 0) -> bool:
    """By types and `nullable`, as OpenAPI 3.0 has them."""
    for place, value in subject.conjuncts(pointer):
        if "type" in value and value.get("nullable") is not True:
            return False
        if depth < _MAX_DEPTH and not _has_null_branch(subject, place, value, depth + 1):
            return False
    return True


def _has_null_branch(
    subject: Subject, pointer: Pointer, schema: dict[str, Any], depth: int
) -> bool:
    """Whether each choice that the schema has admits null."""
    for choice in ("anyOf", "oneOf"):
        count = len(listing(schema.get(choice)))
        branches = ((*pointer, choice, index) for index in range(count))
        if count and not any(_admits_null(subject, branch, depth) for branch in branches):
            return False
    return True
