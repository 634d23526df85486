"""Compares request bodies and answers: media types, statuses, headers."""

from collections.abc import Iterator

from ..shape import Pointer
from .change import Direction
from .comparison import Comparison
from .side import Side, mapping


def compare_request_body(
    comparison: Comparison, old: Pointer, new: Pointer, way: Direction, operation: str
) -> None:
    """`old` and `new` lead to the operation. `way` is which way the body goes."""
    has_old = "requestBody" in comparison.old.at(old)
    has_new = "requestBody" in comparison.new.at(new)
    if has_old and has_new:
        _compare_bodies(comparison, old, new, way, operation)
    elif has_old:
        pointer = (*old, "requestBody")
        comparison.gone("body-removed", "the body is gone", pointer, operation, way)
    elif has_new:
        pointer, value = comparison.new.resolved((*new, "requestBody"))
        required = value.get("required") is True
        rule = "required-body-added" if required else "body-added"
        text = f"a body was added{', required' * required}"
        comparison.now(rule, text, pointer, operation, way)


def _compare_bodies(
    comparison: Comparison, old: Pointer, new: Pointer, way: Direction, operation: str
) -> None:
    old_pointer, before = comparison.old.resolved((*old, "requestBody"))
    new_pointer, after = comparison.new.resolved((*new, "requestBody"))
    was, now = before.get("required") is True, after.get("required") is True
    if was != now:
        text = "the body is required now" if now else "the body may be left out now"
        rule = "body-required" if now else "body-optional"
        comparison.now(rule, text, (*new_pointer, "required"), operation, way)
    _compare_content(comparison, (old_pointer, new_pointer), way, "body", operation)


def _compare_content(
    comparison: Comparison, at: tuple[Pointer, Pointer], way: Direction, what: str, operation: str
) -> None:
    """`at` leads to what holds `content` in each contract."""
    before = mapping(mapping(comparison.old.at(at[0])).get("content"))
    after = mapping(mapping(comparison.new.at(at[1])).get("content"))
    matched = set()
    for media_type in before:
        pointer = (*at[0], "content", media_type)
        other = _counterpart(media_type, list(after)) or _narrower(media_type, list(after))
        if other is None:
            text = f"{what}: media type {media_type} is gone"
            comparison.gone("media-type-removed", text, pointer, operation, way)
            continue
        matched.add(other)
        new_pointer = (*at[1], "content", other)
        if _essence(media_type) != _essence(other):
            rule = "media-type-widened" if "*" in other else "media-type-narrowed"
            text = f"{what}: media type is {other} now, was {media_type}"
            comparison.now(rule, text, new_pointer, operation, way)
        _compare_media(comparison, (pointer, new_pointer), way, operation)
    for media_type in after:
        if media_type not in matched:
            text = f"{what}: media type {media_type} was added"
            pointer = (*at[1], "content", media_type)
            comparison.now("media-type-added", text, pointer, operation, way)


def _counterpart(media_type: str, others: list[str]) -> str | None:
    """The same media type, whatever its case and parameters, or a range that covers it."""
    if media_type in others:
        return media_type
    for wanted in _covering_ranges(media_type):
        for other in others:
            if _essence(other) == wanted:
                return other
    return None


def _narrower(range_: str, others: list[str]) -> str | None:
    """One that a range covers."""
    return next((one for one in others if _essence(range_) in _covering_ranges(one)), None)


def _covering_ranges(media_type: str) -> tuple[str, str, str]:
    essence = _essence(media_type)
    return essence, f"{essence.partition('/')[0]}/*", "*/*"


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _compare_media(
    comparison: Comparison, at: tuple[Pointer, Pointer], way: Direction, operation: str
) -> None:
    before, after = comparison.old.resolved(at[0])[1], comparison.new.resolved(at[1])[1]
    if before.get("encoding", {}) != after.get("encoding", {}):
        text = "the encoding of parts is another"
        comparison.now("part-encoding-changed", text, (*at[1], "encoding"), operation, way)
    comparison.graph.compare(
        (*at[0], "schema") if "schema" in before else None,
        (*at[1], "schema") if "schema" in after else None,
        way,
        operation,
    )


def compare_responses(
    comparison: Comparison, old: Pointer, new: Pointer, way: Direction, operation: str
) -> None:
    before, after = _statuses(comparison.old, old), _statuses(comparison.new, new)
    for status, pointer in before.items():
        other = after.get(status) or after.get(_covering(status, after))
        if other is None:
            rule = "success-status-removed" if _is_success(status) else "error-status-removed"
            comparison.gone(rule, f"the answer {status} is gone", pointer, operation, way)
        else:
            _compare_answers(comparison, (pointer, other), way, status, operation)
    for status, pointer in after.items():
        if status in before:
            continue
        covered = before.get(_covering(status, before))
        if covered is None:
            rule = "success-status-added" if _is_success(status) else "error-status-added"
            comparison.now(rule, f"the answer {status} was added", pointer, operation, way)
        else:
            _compare_answers(comparison, (covered, pointer), way, status, operation)


def _statuses(side: Side, operation: Pointer) -> dict[str, Pointer]:
    responses = mapping(mapping(side.at(operation)).get("responses"))
    return {
        str(status): side.resolved((*operation, "responses", status))[0]
        for status in responses
        if not str(status).startswith("x-")
    }


def _is_success(status: str) -> bool:
    return status[:1] in ("1", "2", "3")


def _covering(status: str, others: dict[str, Pointer]) -> str:
    """The range a status lies in; or `default`, for an error or where no success is listed."""
    for range_ in (f"{status[:1]}XX", f"{status[:1]}xx"):
        if range_ in others:
            return range_
    lists_success = any(map(_is_success, others))
    return "" if _is_success(status) and lists_success else "default"


def _compare_answers(
    comparison: Comparison, at: tuple[Pointer, Pointer], way: Direction, status: str, operation: str
) -> None:
    _compare_content(comparison, at, way, f"answer {status}", operation)
    before = dict(_headers(comparison.old, at[0]))
    after = dict(_headers(comparison.new, at[1]))
    for name, pointer in before.items():
        if name not in after:
            required = mapping(comparison.old.at(pointer)).get("required") is True
            rule = "required-header-removed" if required else "header-removed"
            text = f"answer {status}: the header {name} is gone"
            comparison.gone(rule, text, pointer, operation, way)
    for name, pointer in after.items():
        if name in before:
            said = f"answer {status}: the header {name}"
            _compare_headers(comparison, (before[name], pointer), way, said, operation)
        else:
            text = f"answer {status}: the header {name} was added"
            comparison.now("header-added", text, pointer, operation, way)


def _headers(side: Side, response: Pointer) -> Iterator[tuple[str, Pointer]]:
    for name in mapping(mapping(side.at(response)).get("headers")):
        # OpenAPI: a Content-Type here is passed over.
        if name.lower() != "content-type":
            yield name.lower(), side.resolved((*response, "headers", name))[0]


def _compare_headers(
    comparison: Comparison, at: tuple[Pointer, Pointer], way: Direction, what: str, operation: str
) -> None:
    before, after = mapping(comparison.old.at(at[0])), mapping(comparison.new.at(at[1]))
    was, now = before.get("required") is True, after.get("required") is True
    if was != now:
        rule = "header-required" if now else "header-optional"
        text = f"{what} always comes now" if now else f"{what} may be absent now"
        comparison.now(rule, text, at[1], operation, way)
    comparison.graph.compare(
        (*at[0], "schema") if "schema" in before else None,
        (*at[1], "schema") if "schema" in after else None,
        way,
        operation,
    )
