"""What a contract's requests are held against: readers, rules and limits, made once at start."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Scope

from .binary_schemas import is_array_of_lines, is_text
from .form_rules import FormRule, form_rule
from .json_lines import DEFAULT_MAX_LINE, LinesRule, lines_rule
from .media_types import is_json, is_json_lines, is_multipart, is_urlencoded
from .operation import Media, Operation
from .parameters import ParameterReader
from .schemas import ContractSchemas

CALL = "contract_call"
OPERATION_SCOPE = "connexion_routing"
DEFAULT_MAX_BODY = 1024 * 1024


class ContractTables:
    """Everything the validators need, by operation id. Build once, at start."""

    def __init__(self, document: dict[str, Any], operations: Mapping[str, Operation]) -> None:
        self.operations = operations
        self.schemas = ContractSchemas(document)
        schemes = self.schemas.document.get("components", {}).get("securitySchemes", {})
        in_query = [
            scheme["name"]
            for scheme in map(self.schemas.follow, schemes.values())
            if scheme.get("in") == "query"
        ]
        self.readers = {
            operation.id: ParameterReader(operation, self.schemas, in_query)
            for operation in operations.values()
        }
        # Of each operation by its media types of lines.
        self.lines: dict[str, dict[str, LinesRule]] = {}
        # By where the schema is: a form that several operations take is one.
        self.forms: dict[str, FormRule] = {}
        # Where the schemas of plain text are.
        self.texts: set[str] = set()
        self._add_forms()
        self._compile_bodies()

    def _add_forms(self) -> None:
        """Before anything else of them is compiled: files are numbers there."""
        forms = [
            media
            for operation in self.operations.values()
            for media in (operation.request_body.content if operation.request_body else ())
            if is_parsed_form(media)
        ]
        with_files = [media.pointer or "" for media in forms if is_multipart(media.media_type)]
        if with_files:
            self.schemas.add_forms(with_files)
        self.forms = {media.pointer or "": form_rule(self.schemas, media) for media in forms}

    def _compile_bodies(self) -> None:
        for operation in self.operations.values():
            request = operation.request_body.content if operation.request_body else ()
            for media in request:
                if media.pointer is not None:
                    self._compile_request(operation, media, media.pointer)
            for contents in operation.responses.values():
                for media in contents:
                    pointer = answer_pointer(self.schemas, media)
                    if pointer is not None:
                        self.schemas.compiled("response", pointer)

    def _compile_request(self, operation: Operation, media: Media, pointer: str) -> None:
        if is_json_lines(media.media_type):
            longest = int(operation.extensions.get("x-max-line", DEFAULT_MAX_LINE))
            rule = lines_rule(self.schemas, pointer, longest)
            self.lines.setdefault(operation.id, {})[media.media_type] = rule
            self.schemas.compiled("request", rule.item_pointer)
        elif is_parsed_form(media):
            self.schemas.compiled(self.forms[pointer].direction, pointer)
        else:
            self.schemas.compiled("request", pointer)
            if is_text(self.schemas.document, media.media_type, self.schemas.at(pointer)):
                self.texts.add(pointer)

    def max_body(self, operation: Operation) -> int:
        return int(operation.extensions.get("x-max-body", DEFAULT_MAX_BODY))


def answer_pointer(schemas: ContractSchemas, media: Media) -> str | None:
    """The schema that an answer of this type is held against, or each of its lines, if any is."""
    if media.pointer is None:
        return None
    if is_json(media.media_type):
        return media.pointer
    is_lines = is_json_lines(media.media_type) and is_array_of_lines(schemas.at(media.pointer))
    return f"{media.pointer}/items" if is_lines else None


def is_parsed_form(media: Media) -> bool:
    """A form without a schema is handed on as it came."""
    is_form = is_urlencoded(media.media_type) or is_multipart(media.media_type)
    return is_form and media.pointer is not None


def operation_id(scope: Scope) -> str:
    found: str = scope["extensions"][OPERATION_SCOPE]["operation_id"]
    return found
