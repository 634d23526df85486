"""Rules about tags and about what readers are told: summaries, descriptions."""

import re
from collections.abc import Iterator
from typing import Any

from ..shape import Pointer
from .rule import Remark, rule
from .subject import Subject, listing, mapping

_SCRIPT = re.compile(
    r"<\s*(script|iframe|object|embed)\b|javascript:|<[^>]*\bon(error|load|click)\s*=", re.I
)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


@rule(
    "untagged-operation",
    "warning",
    "A tag is where readers find an operation, and the module that its handler stands in.",
)
def untagged_operation(subject: Subject) -> Iterator[Remark]:
    """Of a contract that knows none at all it is told once."""
    operations = list(subject.operations())
    without = [each for each in operations if not listing(each.value.get("tags"))]
    hint = "give it one of the contract's tags"
    if len(without) == len(operations) > 1:
        yield Remark(("paths",), "no operation has a tag", "give each the tag of its subject")
        return
    for operation in without:
        yield Remark(operation.pointer, f"{operation.name} has no tag", hint)


@rule(
    "undeclared-tag",
    "warning",
    "A tag that `tags` doesn't declare has no description and no place in the order, or is a typo.",
)
def undeclared_tag(subject: Subject) -> Iterator[Remark]:
    """Told once a tag."""
    declared = {name for _, name in _declared(subject)}
    told: set[str] = set()
    for operation in subject.operations():
        for index, name in enumerate(listing(operation.value.get("tags"))):
            if isinstance(name, str) and name not in declared | told:
                told.add(name)
                message = f"the tag {name!r} is not declared"
                hint = "add it to the contract's `tags`, with a description"
                yield Remark((*operation.pointer, "tags", index), message, hint)


@rule("unused-tag", "warning", "A tag without operations is an empty chapter for readers.")
def unused_tag(subject: Subject) -> Iterator[Remark]:
    holders = [*(node.value for node in subject.of_kind("operation")), *subject.in_extensions()]
    used = {
        name for holder in holders for name in listing(holder.get("tags")) if isinstance(name, str)
    }
    for index, name in _declared(subject):
        if name not in used:
            yield Remark(("tags", index), f"no operation has the tag {name!r}", "remove it")


@rule("repeated-tag", "error", "Names of tags are unique; of two, tools show either.")
def repeated_tag(subject: Subject) -> Iterator[Remark]:
    seen: set[str] = set()
    for index, name in _declared(subject):
        if name in seen:
            message = f"the tag {name!r} is declared a second time"
            yield Remark(("tags", index), message, "make one of both")
        seen.add(name)


@rule(
    "undescribed-operation",
    "warning",
    "From it callers, and those who write the handler, learn what the operation does.",
)
def undescribed_operation(subject: Subject) -> Iterator[Remark]:
    for operation in subject.operations():
        texts = (operation.value.get("summary"), operation.value.get("description"))
        if not any(isinstance(text, str) and text.strip() for text in texts):
            message = f"{operation.name} has neither summary nor description"
            yield Remark(operation.pointer, message, "say in a line what it does")


@rule(
    "undescribed-parameter",
    "off",
    "A name and a type seldom tell what a parameter does to the answer.",
)
def undescribed_parameter(subject: Subject) -> Iterator[Remark]:
    for node in subject.of_kind("parameter"):
        text = node.value.get("description")
        if not (isinstance(text, str) and text.strip()):
            message = f"the parameter {node.value.get('name')!r} has no description"
            yield Remark(node.pointer, message, "say what it does to the answer")


@rule(
    "script-in-text",
    "error",
    "Documentation pages show texts as Markdown, which may hold HTML: a script would run there.",
)
def script_in_text(subject: Subject) -> Iterator[Remark]:
    info: tuple[Pointer, Any] = (("info",), subject.document.get("info"))
    places = [info, *((node.pointer, node.value) for node in subject.nodes)]
    for pointer, value in places:
        for member in ("description", "summary"):
            text = mapping(value).get(member)
            if isinstance(text, str) and _SCRIPT.search(_CODE.sub("", text)):
                message = f"the {member} holds HTML that runs a script"
                yield Remark((*pointer, member), message, "write it as code, in backticks")


def _declared(subject: Subject) -> Iterator[tuple[int, str]]:
    for index, tag in enumerate(listing(subject.document.get("tags"))):
        name = mapping(tag).get("name")
        if isinstance(name, str):
            yield index, name
