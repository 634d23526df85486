"""Rules about names: one convention for the names of one kind.

Which convention is the contract's own: the one that most of its names follow, or what the settings
say. A name that many objects share is told once, where it stands first.
"""

import re
from collections.abc import Iterable, Iterator

from ..names import template_names
from ..shape import Pointer
from .rule import Remark, rule
from .subject import Subject, mapping

CONVENTIONS = {
    "snake_case": re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*"),
    "camelCase": re.compile(r"[a-z][a-zA-Z0-9]*"),
    "PascalCase": re.compile(r"[A-Z][a-zA-Z0-9]*"),
    "kebab-case": re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"),
    "UPPER_CASE": re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*"),
}
# The kinds of names that the settings know, each the subject of one rule.
KINDS = ("operations", "schemas", "parameters", "properties", "paths")
# With fewer names following one convention there is none that the others break.
_MOST = 0.75
# What divides a name into parts that each have their own words: `repos/get`, `io.k8s.api.Pod`.
_PARTS = re.compile(r"[./:#]|--")
_INDEX = re.compile(r"\[[^\]]*\]")
_REASON = "Names of one kind written in several ways have to be looked up each time."


@rule(
    "missing-operation-id",
    "warning",
    "Without an operationId clients, handlers and links have no name for the operation.",
)
def missing_operation_id(subject: Subject) -> Iterator[Remark]:
    for operation in subject.operations():
        if "operationId" not in operation.value:
            hint = "name it verb_noun, such as list_pets"
            yield Remark(operation.pointer, f"{operation.name} has no operationId", hint)


@rule("operation-name", "warning", _REASON)
def operation_name(subject: Subject) -> Iterator[Remark]:
    found = (
        ((*operation.pointer, "operationId"), operation.value["operationId"])
        for operation in subject.operations()
        if isinstance(operation.value.get("operationId"), str)
    )
    yield from _remarks(subject, "operations", "operationId", found)


@rule("schema-name", "warning", _REASON)
def schema_name(subject: Subject) -> Iterator[Remark]:
    schemas = mapping(mapping(subject.document.get("components")).get("schemas"))
    found = ((("components", "schemas", name), name) for name in schemas)
    yield from _remarks(subject, "schemas", "schema", found)


@rule("parameter-name", "warning", _REASON)
def parameter_name(subject: Subject) -> Iterator[Remark]:
    """Of headers the names have a convention of their own, in any case."""
    found = (
        (node.pointer, node.value["name"])
        for node in subject.of_kind("parameter")
        if isinstance(node.value.get("name"), str) and node.value.get("in") != "header"
    )
    yield from _remarks(subject, "parameters", "parameter", found)


@rule("property-name", "warning", _REASON)
def property_name(subject: Subject) -> Iterator[Remark]:
    found = (
        ((*node.pointer, "properties", name), name)
        for node in subject.schemas()
        for name in mapping(node.value.get("properties"))
    )
    yield from _remarks(subject, "properties", "property", found)


@rule("path-name", "warning", _REASON)
def path_name(subject: Subject) -> Iterator[Remark]:
    """The words of paths; what stands in braces is a parameter's name."""
    found = (
        (("paths", path), segment)
        for path in mapping(subject.document.get("paths"))
        for segment in path.split("/")
        if segment and not template_names(segment)
    )
    yield from _remarks(subject, "paths", "path segment", found)


def _remarks(
    subject: Subject, kind: str, what: str, found: Iterable[tuple[Pointer, str]]
) -> Iterator[Remark]:
    places: dict[str, Pointer] = {}
    for pointer, name in found:
        places.setdefault(name, pointer)
    wanted = subject.options.names.get(kind)
    convention, share = (wanted, 1.0) if wanted else most_followed(places)
    others = [name for name in places if not follows(name, convention)]
    if not others:
        return
    hint = f'rename it, or say {kind} = "…" in [tool.codegen.lint.names]'
    if share < _MOST:
        message = f"the names of {kind} follow no convention: {share:.0%} are in {convention}"
        yield Remark(places[others[0]], message, hint.removeprefix("rename it, or "))
        return
    for name in others:
        said = "as most are" if wanted is None else "as the settings ask"
        message = f"the {what} {name!r} is not in {convention}, {said}"
        yield Remark(places[name], message, hint)


def most_followed(names: Iterable[str]) -> tuple[str, float]:
    """The convention that most names follow, and the share of them that do."""
    listed = list(names)
    counts = {each: sum(follows(name, each) for name in listed) for each in CONVENTIONS}
    best = max(counts, key=lambda each: counts[each])
    return best, counts[best] / max(len(listed), 1)


def follows(name: str, convention: str) -> bool:
    """Of what says what a name is for, and not how it is written, nothing counts.

    That is an underscore in front (`_links`), an index (`files[0]`), an operator (`created>`). What
    has no letter (`+1`) follows any convention.
    """
    words = _INDEX.sub("", name.strip("_$@<>=!"))
    pattern = CONVENTIONS[convention]
    parts = [part for part in _PARTS.split(words) if re.search("[A-Za-z]", part)]
    return all(pattern.fullmatch(part) for part in parts)
