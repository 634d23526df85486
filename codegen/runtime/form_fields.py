"""Reads the fields of a form by what the contract says of them: text as JSON values, files as such.

A text that can't be read as its declared type stays text, so that the schema refuses it.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .document import pointer_to
from .file_part import FilePart
from .form_rules import FieldRule, FieldRules, FormRule
from .json_body import parse_json
from .media_types import is_json, matches, media_type_of
from .problems import InputError, Problem, invalid_input, malformed_request
from .scalars import Types, scalar
from .schemas import ContractSchemas
from .wire import encoded_pairs

MAX_NAME_BYTES: Final = 256
_MALFORMED: Final = 400
_WRITTEN_AS_JSON: Final = frozenset({"object", "array"})
_DEEP_KEY = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")


@dataclass(slots=True)
class SentField:
    """One field as it came: `text`, of a media type if one was said, or a file."""

    name: str
    text: str = ""
    content_type: str = ""
    file: FilePart | None = None


def urlencoded_fields(body: bytes, most: int) -> list[SentField]:
    """The fields of `application/x-www-form-urlencoded`. Raises a Problem (400, 422)."""
    if body.count(b"&") >= most:
        raise too_many_fields(most)
    try:
        pairs = encoded_pairs(body)
    except ValueError as error:
        raise malformed_request("The body is not percent-encoded UTF-8.") from error
    if any(len(name.encode()) > MAX_NAME_BYTES for name, _ in pairs):
        raise name_too_long()
    return [SentField(name, value) for name, value in pairs]


def too_many_fields(most: int) -> Problem:
    detail = f"A form may have {most} fields here; more came."
    return invalid_input([InputError("body", "", "maxFields", str(most))], detail)


def name_too_long() -> Problem:
    detail = f"The name of a field may have {MAX_NAME_BYTES} bytes; a longer one came."
    return invalid_input([InputError("body", "", "maxNameBytes", str(MAX_NAME_BYTES))], detail)


def read_form(rule: FormRule, schemas: ContractSchemas, sent: Iterable[SentField]) -> Any:
    """The form as one object, files in it as they are. Raises a Problem (400, 422)."""
    form: dict[str, Any] = {}
    errors: list[InputError] = []
    deep: dict[str, dict[str, list[SentField]]] = {}
    for name, fields in _grouped(sent).items():
        key = _DEEP_KEY.fullmatch(name)
        if key and rule.fields.of(key[1]).inner is not None:
            deep.setdefault(key[1], {})[key[2]] = fields
        else:
            errors += _refused(rule.fields, name, fields)
            form[name] = _value(rule.fields.of(name), fields)
    for name, members in deep.items():
        inner = rule.fields.of(name).inner or rule.fields
        for key_of, fields in members.items():
            errors += _refused(inner, key_of, fields, name)
        form[name] = {key_of: _value(inner.of(key_of), each) for key_of, each in members.items()}
    # The contract is held against the size of a file.
    checked = without_files(form, lambda file: file.size)
    errors += schemas.errors(rule.pointer, checked, "body", direction=rule.direction)
    if errors:
        raise invalid_input(errors)
    return form


def _grouped(sent: Iterable[SentField]) -> dict[str, list[SentField]]:
    grouped: dict[str, list[SentField]] = {}
    for field in sent:
        grouped.setdefault(field.name, []).append(field)
    return grouped


def _refused(
    rules: FieldRules, name: str, fields: Sequence[SentField], *inside: str
) -> Iterator[InputError]:
    """What a schema can't tell: a field that came twice, a file of a type that isn't admitted."""
    rule = rules.of(name)
    # A name that the contract doesn't declare was chosen by the sender, so it isn't repeated.
    pointer = pointer_to([*inside, name if name in rules.declared else "*"])
    if rule.items is None and len(fields) > 1:
        yield InputError("body", pointer, "repeated", "1")
    for field in fields:
        if field.file is None or not rule.content_types:
            continue
        essence = media_type_of(field.file.content_type.encode())[0]
        if not any(matches(admitted, essence) for admitted in rule.content_types):
            yield InputError("body", pointer, "contentType", ", ".join(rule.content_types))


def _value(rule: FieldRule, fields: Sequence[SentField]) -> Any:
    if rule.items is None:
        return _one(fields[0], rule.types)
    first = fields[0]
    if len(fields) == 1 and first.file is None:
        if rule.separator is not None:
            return [scalar(text, rule.items) for text in first.text.split(rule.separator)]
        if "array" not in rule.items and (is_json(first.content_type) or "object" in rule.items):
            whole = _one(first, (rule.types & {"null"}) | {"array"})
            if isinstance(whole, list) or (whole is None and "null" in rule.types):
                return whole
    return [_one(field, rule.items) for field in fields]


def _one(field: SentField, types: Types) -> Any:
    if field.file is not None:
        return field.file
    if is_json(field.content_type):
        return parse_json(field.text.encode(), "field")
    if ("object" in types and field.text[:1] == "{") or (
        "array" in types and field.text[:1] == "["
    ):
        try:
            return parse_json(field.text.encode(), "field")
        except Problem as problem:
            if problem.status != _MALFORMED:
                raise
    if field.text == "null" and "null" in types and types & _WRITTEN_AS_JSON:
        # Of a text it is no null, nor of what isn't written as JSON.
        return field.text if "string" in types else None
    return scalar(field.text, types)


def without_files(value: Any, instead: Callable[[FilePart], Any]) -> Any:
    """The form with something else for each file."""
    if isinstance(value, FilePart):
        return instead(value)
    if isinstance(value, dict):
        return {name: without_files(inner, instead) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_files(inner, instead) for inner in value]
    return value


def canonical_form(form: Any) -> bytes:
    """What two equal forms have in common, save the bytes of their files."""
    told = without_files(form, lambda file: [file.filename, file.content_type, file.size])
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
