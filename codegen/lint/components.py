"""Rules about components: whether something needs them."""

from collections.abc import Iterator

from ..bundle import local_pointer
from ..shape import Node, Pointer, children
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
    used = _used(subject)
    for section, definitions in mapping(subject.document.get("components")).items():
        for name in mapping(definitions) if not section.startswith("x-") else ():
            pointer = ("components", section, name)
            if pointer not in used:
                message = f"nothing refers to {name!r} in {section}"
                yield Remark(pointer, message, "refer to it, or remove it")


def _used(subject: Subject) -> set[Pointer]:
    """What can be reached from the paths and webhooks, through references of any kind."""
    used = _used_schemes(subject)
    subtypes = _subtypes(subject)
    todo = [Node("openapi", (), {k: v for k, v in subject.document.items() if k != "components"})]
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


def _used_schemes(subject: Subject) -> set[Pointer]:
    holders = [subject.document, *(node.value for node in subject.of_kind("operation"))]
    return {
        ("components", "securitySchemes", scheme)
        for holder in holders
        for requirement in listing(holder.get("security"))
        for scheme in mapping(requirement)
    }
