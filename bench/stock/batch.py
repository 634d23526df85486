"""A batch on stock Connexion, which knows no body of lines: it takes one for JSON.

So a validator that reads the bytes alone stands in its map, by its documented way, and the
operation validates each line with the same library and the same dialect as Connexion does.
"""

import json
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Any

from connexion.json_schema import Draft4RequestValidator, resolve_refs
from connexion.validators import AbstractRequestBodyValidator
from jsonschema import Draft4Validator
from starlette.types import Scope
from typing_extensions import override

from bench.stock.contract import stock_contract


class LinesBody(AbstractRequestBodyValidator):  # type: ignore[misc]  # Connexion is untyped
    """Reads a body and leaves it to the operation."""

    @override
    async def _parse(self, stream: AsyncGenerator[bytes, None], scope: Scope) -> bytes:
        return b"".join([chunk async for chunk in stream])

    @override
    def _validate(self, body: Any) -> None:
        """Line by line, later."""


@lru_cache
def _validator() -> Any:
    contract = resolve_refs(stock_contract(("ingest_batch",)))
    schema = contract["components"]["schemas"]["QcReport"]
    return Draft4RequestValidator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)


def report_in(line: bytes) -> Any:
    """None where the line doesn't fit the contract."""
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return content if _validator().is_valid(content) else None
