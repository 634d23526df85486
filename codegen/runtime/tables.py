"""What a contract's requests are held against: readers, rules and limits, made once at start."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Scope

from .json_lines import DEFAULT_MAX_LINE, LinesRule, lines_rule
from .media_types import is_json, is_json_lines
from .operation import Operation
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
        self.lines: dict[str, LinesRule] = {}
        self._compile_bodies()

    def _compile_bodies(self) -> None:
        for operation in self.operations.values():
            request = operation.request_body.content if operation.request_body else ()
            for media in request:
                if media.pointer is not None and is_json_lines(media.media_type):
                    longest = int(operation.extensions.get("x-max-line", DEFAULT_MAX_LINE))
                    self.lines[operation.id] = lines_rule(self.schemas, media.pointer, longest)
                    self.schemas.compiled("request", self.lines[operation.id].item_pointer)
                elif media.pointer is not None:
                    self.schemas.compiled("request", media.pointer)
            for contents in operation.responses.values():
                for media in contents:
                    if media.pointer is not None and is_json(media.media_type):
                        self.schemas.compiled("response", media.pointer)

    def max_body(self, operation: Operation) -> int:
        return int(operation.extensions.get("x-max-body", DEFAULT_MAX_BODY))


def operation_id(scope: Scope) -> str:
    found: str = scope["extensions"][OPERATION_SCOPE]["operation_id"]
    return found
