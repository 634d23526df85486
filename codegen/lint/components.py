"""Rules about components: whether something needs them."""

from collections.abc import Iterator
from contextlib import suppress

from ..pointers import local_pointer
from ..shape import SECTIONS, Node, Pointer, children
from .rule import Remark, rule
from .subject import Subject, listing, mapping

# `components`, section, name.
_DEPTH = 3


@rule(
    "unused-component",
    "warning",
    "What nothing refers to is kept up for nobody; often a reference to it is missing.",
)
def unused_component(subject: Subject) -> Iterator[Remark]:
    """Not where a reference leads nowhere: it may have been meant for any of them."""
    if subject.contract.dangling:
        return
    used = _used(subject)
    for section, definitions in mapping(subject.document.get("components")).items():
        for name in mapping(definitions) if not section.startswith("x-") else ():
            pointer = ("components", section, name)
            if pointer not in used:
                message = f"nothing refers to {name!r} in {section}"
                yield Remark(pointer, message, "refer to it, or remove it")


@rule(
    "reference-in-example",
    "warning",
    "The value of an example is taken as it is: a $ref in it is shown to readers, not followed.",
)
def reference_in_example(subject: Subject) -> Iterator[Remark]:
    """Told of references to components alone, as an example may be about references."""
    for node in subject.nodes:
        member = "value" if node.kind == "example" else "example"
        if member not in mapping(node.value):
            continue
        todo = [((*node.pointer, member), node.value[member])]
        while todo:
            pointer, value = todo.pop()
            inside = list(enumerate(value)) if isinstance(value, list) else mapping(value).items()
            todo.extend(((*pointer, key), inner) for key, inner in inside)
            reference = mapping(value).get("$ref")
            if isinstance(reference, str) and reference.startswith("#/components/"):
                hint = "refer to the whole example, or write the value out"
                yield Remark((*pointer, "$ref"), "a $ref in a value is not followed", hint)


def _used(subject: Subject) -> set[Pointer]:
    """What can be reached from the paths and webhooks, through references of any kind."""
    used = _used_schemes(subject)
    subtypes = _subtypes(subject)
    document = {key: value for key, value in subject.document.items() if key != "components"}
    todo = [Node("openapi", (), document)]
    for pointer in _in_extensions(subject):
        used.add(pointer)
        todo.append(Node(SECTIONS[str(pointer[1])], pointer, subject.value(pointer)))
    while todo:
        node = todo.pop()
        todo.extend(children(node))
        for target in [*_references(subject, node), *subtypes.get(node.pointer, ())]:
            pointer = target[:_DEPTH] if target[:1] == ("components",) else target
            if pointer not in used:
                used.add(pointer)
                todo.append(Node(node.kind, pointer, subject.value(pointer)))
    return used


def _references(subject: Subject, node: Node) -> Iterator[Pointer]:
    value = mapping(node.value)
    if isinstance(value.get("$ref"), str):
        yield local_pointer(subject.document, value["$ref"])
    if node.kind != "schema":
        return
    for reference in mapping(mapping(value.get("discriminator")).get("mapping")).values():
        schemas = mapping(mapping(subject.document.get("components")).get("schemas"))
        if isinstance(reference, str) and reference in schemas:
            yield ("components", "schemas", reference)
        elif isinstance(reference, str) and reference.startswith("#"):
            yield local_pointer(subject.document, reference)


def _subtypes(subject: Subject) -> dict[Pointer, list[Pointer]]:
    """Schema with a discriminator → those that extend it by `allOf`, which nobody has to name."""
    found: dict[Pointer, list[Pointer]] = {}
    for node in subject.schemas():
        if node.pointer[:2] != ("components", "schemas") or len(node.pointer) != _DEPTH:
            continue
        for part in listing(node.value.get("allOf")):
            if isinstance(mapping(part).get("$ref"), str):
                parent = local_pointer(subject.document, part["$ref"])
                if "discriminator" in mapping(subject.value(parent)):
                    found.setdefault(parent, []).append(node.pointer)
    return found


def _in_extensions(subject: Subject) -> Iterator[Pointer]:
    """Components that extensions refer to, in whatever they mean by it."""
    for holder in subject.in_extensions():
        reference = holder.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/"):
            with suppress(LookupError):
                pointer = local_pointer(subject.document, reference)[:_DEPTH]
                if len(pointer) == _DEPTH and pointer[1] in SECTIONS:
                    yield pointer


def _used_schemes(subject: Subject) -> set[Pointer]:
    holders = [subject.document, *(node.value for node in subject.of_kind("operation"))]
    return {
        ("components", "securitySchemes", scheme)
        for holder in holders
        for requirement in listing(holder.get("security"))
        for scheme in mapping(requirement)
    }
