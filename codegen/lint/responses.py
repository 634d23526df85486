"""Rules about answers: what a caller can count on when all goes well, and when it doesn't."""

from collections.abc import Iterator

from ..runtime.media_types import is_json, is_problem
from .rule import Remark, rule
from .subject import LintedOperation, Subject, mapping

# RFC 9110: these end after the head.
_WITHOUT_BODY = frozenset({"204", "205", "304"})
_FORBIDDEN_BODY = frozenset({"get", "head"})


@rule(
    "missing-default-response",
    "warning",
    "Without `default` (or 4XX and 5XX) clients know nothing of errors that weren't thought of.",
)
def missing_default_response(subject: Subject) -> Iterator[Remark]:
    """Of a contract that knows none at all it is told once."""
    operations = list(subject.operations())
    without = [operation for operation in operations if not _has_default(operation)]
    hint = "add one, best a shared one with application/problem+json (RFC 9457)"
    if len(without) == len(operations) > 1:
        yield Remark(("paths",), "no operation documents a `default` response", hint)
        return
    for operation in without:
        message = f"{operation.name} documents no `default` response"
        yield Remark((*operation.pointer, "responses"), message, hint)


def _has_default(operation: LintedOperation) -> bool:
    statuses = {status.upper() for status in mapping(operation.value.get("responses"))}
    return "DEFAULT" in statuses or statuses >= {"4XX", "5XX"}


@rule(
    "default-without-problem",
    "warning",
    "Errors in one form, RFC 9457 problems, are handled once in a client, not per operation.",
)
def default_without_problem(subject: Subject) -> Iterator[Remark]:
    """Told where the answer stands, so once of one that many operations share.

    Of a contract whose errors have another form everywhere it is told once.
    """
    found = {
        place: any(is_problem(media_type) for media_type in mapping(value.get("content")))
        for operation in subject.operations()
        for status, place, value in subject.responses(operation)
        if status == "default"
    }
    hint = "describe errors as RFC 9457 problems"
    if len(found) > 1 and not any(found.values()):
        message = "no default response has content of application/problem+json"
        yield Remark(("paths",), message, hint)
        return
    for place, has_problem in found.items():
        if not has_problem:
            message = "the default response has no content of application/problem+json"
            yield Remark(place, message, hint)


@rule(
    "missing-success-response",
    "error",
    "Without an answer for success there is nothing to return for a handler, nor to expect.",
)
def missing_success_response(subject: Subject) -> Iterator[Remark]:
    for operation in subject.operations():
        statuses = mapping(operation.value.get("responses"))
        if not any(status[:1] in ("1", "2", "3") for status in statuses):
            message = f"{operation.name} documents no answer for success"
            yield Remark((*operation.pointer, "responses"), message, "document a 2xx answer")


@rule(
    "content-of-empty-response",
    "error",
    "An answer of 204, 205 or 304 has no body (RFC 9110), so the documented one never comes.",
)
def content_of_empty_response(subject: Subject) -> Iterator[Remark]:
    for operation in subject.operations():
        for status, _, value in subject.responses(operation):
            if status in _WITHOUT_BODY and mapping(value.get("content")):
                pointer = (*operation.pointer, "responses", status)
                yield Remark(pointer, f"{status} has no body", "use 200, or remove the content")


@rule(
    "body-of-get",
    "error",
    "The body of a GET or HEAD has no meaning (RFC 9110); caches and proxies drop it.",
)
def body_of_get(subject: Subject) -> Iterator[Remark]:
    for operation in subject.operations():
        if operation.method in _FORBIDDEN_BODY and "requestBody" in operation.value:
            message = f"{operation.name} takes a body"
            hint = "use query parameters, or POST"
            yield Remark((*operation.pointer, "requestBody"), message, hint)


@rule(
    "json-without-schema",
    "warning",
    "JSON without a schema is validated by nobody and typed as anything.",
)
def json_without_schema(subject: Subject) -> Iterator[Remark]:
    for node in subject.of_kind("media_type"):
        media_type = str(node.pointer[-1])
        if is_json(media_type) and "schema" not in node.value:
            yield Remark(node.pointer, f"{media_type} has no schema", "give it one")


@rule(
    "unknown-link-operation",
    "error",
    "A link to an operation that doesn't exist leads readers and fuzzers nowhere.",
)
def unknown_link_operation(subject: Subject) -> Iterator[Remark]:
    known = {node.value.get("operationId") for node in subject.of_kind("operation")}
    for node in subject.of_kind("link"):
        named = node.value.get("operationId")
        if named is not None and named not in known:
            message = f"no operation has the operationId {named!r}"
            yield Remark((*node.pointer, "operationId"), message, "correct the name")
