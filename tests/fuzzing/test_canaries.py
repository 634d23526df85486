"""The check of spoiled requests fails a service that takes one or repeats what spoiled it."""

from typing import Any

import pytest

from ci.fuzzing import canaries
from tests.fuzzing.conftest import CANARY, CaseMaker, Responder, Said, Served, answered, problem

_CONTEXT: Any = None


@pytest.fixture(autouse=True)
def every_request_is_spoiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canaries, "_ONE_IN", 1)


def _spoil(make_case: CaseMaker, served: Served, respond: Responder) -> None:
    served.respond = respond
    case = make_case("GET", "/timeline", query={"window_h": 24})
    canaries.spoiled_requests_are_refused_in_our_own_words(
        _CONTEXT, answered(case, Said(200), served.url), case
    )


def test_service_that_refuses_in_its_own_words_passes(make_case: CaseMaker, served: Served) -> None:
    _spoil(make_case, served, lambda *_: problem(422, "invalid-input"))
    targets = [path for _, path in served.came]
    assert any(path.startswith("/timeline?window_h=canary") for path in targets)
    assert any(path.startswith(f"/timeline?{CANARY}") for path in targets)
    assert targets.count("/timeline?window_h=24") == 2  # with another key, as another tenant


def test_spoiled_body_replaces_the_one_that_went_well(make_case: CaseMaker, served: Served) -> None:
    bodies = []

    def respond(method: str, path: str, headers: dict[str, str], body: bytes) -> Said:
        bodies.append(body)
        return problem(422, "invalid-input")

    served.respond = respond
    case = make_case("POST", "/ingest/qc", body={"status": {}})
    canaries.spoiled_requests_are_refused_in_our_own_words(
        _CONTEXT, answered(case, Said(201), served.url), case
    )
    assert bodies[-1].startswith(f'{{"{CANARY}'.encode())


@pytest.mark.parametrize(
    "said",
    [
        Said(200),
        Said(500),
        problem(422, "invalid-input", detail=f"{CANARY}1 is no number"),
        problem(422, "invalid-input", headers={"Location": f"/{CANARY}1"}),
        Said(422, {"Content-Type": "text/plain"}, b"no problem"),
    ],
)
def test_service_that_takes_or_repeats_or_fails_is_found(
    make_case: CaseMaker, served: Served, said: Said
) -> None:
    with pytest.raises(AssertionError):
        _spoil(make_case, served, lambda *_: said)


def test_batch_that_refuses_its_spoiled_line_passes_and_one_that_stores_it_is_found(
    make_case: CaseMaker, served: Served
) -> None:
    case = make_case("POST", "/ingest/qc/batch", body=[], media_type="application/x-ndjson")
    refused = Said(200, {}, b'{"outcomes":[{"line":1,"outcome":"refused","problem":{}}]}')

    def spoil(of_the_body: Said) -> None:
        served.respond = lambda method, path, headers, body: (
            of_the_body if body.startswith(b'{"canary') else problem(422, "invalid-input")
        )
        response = answered(case, Said(200), served.url)
        canaries.spoiled_requests_are_refused_in_our_own_words(_CONTEXT, response, case)

    spoil(refused)
    with pytest.raises(AssertionError, match="taken"):
        spoil(Said(200, {}, b'{"outcomes":[{"line":1,"outcome":"created"}]}'))


def test_what_did_not_go_well_is_not_spoiled(make_case: CaseMaker, served: Served) -> None:
    case = make_case("GET", "/timeline")
    response = answered(case, problem(422, "invalid-input"), served.url)
    canaries.spoiled_requests_are_refused_in_our_own_words(_CONTEXT, response, case)
    assert served.came == []
