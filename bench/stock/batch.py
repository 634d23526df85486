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

from bench.callers import Principal
from bench.stock.contract import stock_contract
from bench.store import transactions
from bench.store.batches import batch_receipt, insert_reports, refused_outcome, stored_outcome
from bench.store.preparation import stored_values


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


def store_batch(body: bytes, caller: Principal, request_id: str) -> dict[str, Any]:
    outcomes: list[dict[str, Any]] = []
    ready: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(body.splitlines(), start=1):
        if not line.strip():
            continue
        content = _parsed(line)
        if content is None or not _validator().is_valid(content):
            outcomes.append(refused_outcome(number))
        else:
            ready.append((number, stored_values(content, caller, request_id)))
    with transactions.writing(caller.tenant_id) as connection:
        duplicates = insert_reports(connection, [values for _, values in ready])
    outcomes += [
        stored_outcome(number, values, duplicate_of)
        for (number, values), duplicate_of in zip(ready, duplicates, strict=True)
    ]
    return batch_receipt(sorted(outcomes, key=lambda outcome: outcome["line"]))


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
