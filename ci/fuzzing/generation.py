"""What Schemathesis's requests are made to hold: things of the neighbour's, real tools' outputs,
values that fit each other, canaries. Half of the requests stay as they were.
"""

import gzip
import itertools
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import requests
import schemathesis
from hypothesis import strategies
from schemathesis.core import NotSet
from schemathesis.generation.meta import TestPhase

from ci.fuzzing.canaries import new_canary
from ci.fuzzing.counted import CANARIES, PACKED, counted
from ci.fuzzing.facts import facts
from ci.fuzzing.refusals import STORED, fitting_buckets
from ci.fuzzing.requests_and_answers import Case, is_positive, operation_id, operation_of
from ci.fuzzing.sent_secrets import SENT_SECRETS
from ci.fuzzing.tool_outputs import ToolOutput, mutated_outputs, real_outputs
from tests.support.contract import document

Change = Callable[[Case], None]
Changes = strategies.SearchStrategy[Change]

_EXAMPLE_KEY: Final = document()["components"]["parameters"]["IdempotencyKey"]["example"]
# What expands further is refused, by the contract's own words.
_GREATEST_RATIO: Final = 100
_numbers: Final = itertools.count()


@schemathesis.serializer("application/xml", "text/xml")
def as_it_is(context: schemathesis.SerializationContext, value: Any) -> bytes | None:
    """XML has no schema in the contract: text travels as it is, anything else as JSON."""
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "replace")


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: schemathesis.SerializationContext, value: Any) -> bytes | None:
    """The items of an array, a line each; text as it is; anything else as the only line."""
    if isinstance(value, str | bytes):
        return value.encode("utf-8", "replace") if isinstance(value, str) else value
    lines = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@schemathesis.hook
def flatmap_case(context: schemathesis.HookContext, case: Case) -> strategies.SearchStrategy[Case]:
    """Makes half of the valid requests mean something where a made-up one rarely does."""
    if not is_positive(case) or not operation_id(case):
        return strategies.just(case)
    changes = [strategies.one_of(strategies.just(_nothing), change) for change in _changes(case)]
    return strategies.tuples(*changes).map(lambda drawn: _changed(case, drawn))


def _nothing(case: Case) -> None:
    """Leaves the request as it is."""


def _changed(case: Case, changes: tuple[Change, ...]) -> Case:
    for change in changes:
        change(case)
    return case


def _changes(case: Case) -> Iterator[Changes]:
    # A stateful step has its values from the answer before.
    if "page_token" in case.query:
        yield strategies.just(_first_page)
    if case.meta is not None and case.meta.phase.name != TestPhase.STATEFUL:
        yield from _known_values(case)
    if operation_id(case) == "ingest_tool_output":
        yield strategies.sampled_from(real_outputs()).map(_sends)
        yield mutated_outputs(real_outputs()).map(_sends)
    if operation_id(case) == "get_timeline":
        yield strategies.sampled_from(fitting_buckets(case)).map(_asks_for_bucket)
    if operation_id(case) in ("ingest_qc", "ingest_batch"):
        yield strategies.just(_noted)
    if operation_id(case) == "create_export":
        yield strategies.sampled_from(("ndjson", "csv", "parquet")).map(_exports)
    if operation_id(case) == "download_export":
        ranges = ("bytes=0-9", "bytes=-1", "bytes=5-", "bytes=999999999-")
        yield strategies.sampled_from(ranges).map(_sets_range)


def _known_values(case: Case) -> Iterator[Changes]:
    """For each parameter that the run knows values of: one of its tenant's, or a neighbour's."""
    # What a write stores is the tenant's own, whatever words it holds.
    locations = ("path",) if operation_of(case).writes else ("path", "query", "header")
    for location in locations:
        for parameter in operation_of(case).parameters(location):
            name = parameter["name"]
            known = [*facts().own.get(name, []), *facts().neighbours.get(name, {})]
            if name == "page_token" and operation_id(case) != "list_reports":
                continue  # a token is of one list
            if known:
                yield strategies.sampled_from(known).map(_sets(location, name))


def _sets(location: str, name: str) -> Callable[[str], Change]:
    def with_value(value: str) -> Change:
        def change(case: Case) -> None:
            if name == "page_token":
                case.query.clear()  # the run knows tokens of lists without filters
            places = {"path": case.path_parameters, "query": case.query, "header": case.headers}
            places[location][name] = value

        return change

    return with_value


def _sends(output: ToolOutput) -> Change:
    def change(case: Case) -> None:
        case.path_parameters["format"] = output.format
        case.media_type = output.media_type
        case.body = output.as_body()

    return change


def _first_page(case: Case) -> None:
    """Without its token, which was made up and belongs to no list."""
    del case.query["page_token"]


def _asks_for_bucket(minutes: int) -> Change:
    def change(case: Case) -> None:
        case.query["bucket_m"] = minutes

    return change


def _exports(export_format: str) -> Change:
    def change(case: Case) -> None:
        now = datetime.now(UTC)
        if isinstance(case.body, dict):
            case.body["since"] = (now - timedelta(days=30)).isoformat(timespec="seconds")
            case.body["until"] = now.isoformat(timespec="seconds")
            case.body["format"] = export_format
            case.body.pop("compression", None)

    return change


def _sets_range(asked: str) -> Change:
    def change(case: Case) -> None:
        case.headers["Range"] = asked
        case.headers.pop("If-Range", None)
        case.headers.pop("If-None-Match", None)

    return change


def _noted(case: Case) -> None:
    """A canary where a report may hold any text, beside secrets that must be taken out of it."""
    for report in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(report, dict):
            # It replaces what notes there are: valid whatever those were.
            report["notes"] = [new_canary(), *SENT_SECRETS]


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Puts canaries where they change nothing, and a number to the contract's one example key.

    Without it, all but the example key's first use would be refused.
    """
    counted[CANARIES] += 1
    for name in ("Referer", "X-Canary", "Cookie"):
        if name not in case.headers:
            case.headers[name] = f"c={new_canary()}"
    if not is_positive(case):
        case.headers.setdefault("X-Request-Id", f"{new_canary()} isn't well-formed")
    if operation_id(case) == "cancel_export":
        _spare_the_kept(case)
    if operation_id(case) in ("download_bundle", "download_export") and is_positive(case):
        # The token is a credential, as keys are, but of one report or export.
        [thing] = case.path_parameters.values()
        case.query["token"] = STORED.links.get(str(thing).lower(), "unknown")
    if _is_packed(case):
        _pack(case, kwargs)
    if case.headers.get("Idempotency-Key") == _EXAMPLE_KEY:
        case.headers["Idempotency-Key"] = f"{_EXAMPLE_KEY}-{next(_numbers)}"


def _spare_the_kept(case: Case) -> None:
    """One of the run's own exports is there to be had to the end, however its id came here.

    Schemathesis takes ids from answers too, and cancels before it asks for a manifest.
    """
    kept, *others = facts().own["export_id"]
    if str(case.path_parameters.get("export_id")).lower() == kept:
        case.path_parameters["export_id"] = others[0]


def _pack(case: Case, kwargs: dict[str, Any]) -> None:
    body = requests.Request(**case.as_transport_kwargs()).prepare().body
    if not (isinstance(body, str | bytes) and body):
        return
    plain = body.encode() if isinstance(body, str) else body
    # Without the time, that the same seed sends the same bytes.
    packed = gzip.compress(plain, mtime=0)
    if len(plain) < _GREATEST_RATIO * len(packed):
        counted[PACKED] += 1
        case.headers["Content-Encoding"] = "gzip"
        kwargs["data"] = packed


def _is_packed(case: Case) -> bool:
    """Whether the body travels as gzip: the same for the same body, one in four."""
    has_body = not isinstance(case.body, NotSet) and bool(operation_id(case))
    known = has_body and "Content-Encoding" not in case.headers
    return known and zlib.crc32(repr(case.body).encode("utf-8", "replace")) % 4 == 0
