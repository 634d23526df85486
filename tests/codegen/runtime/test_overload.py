"""When more wait than may, guarded operations are refused at the door and public ones are not."""

import threading
from typing import Any

from codegen.runtime.problems import Problem

from .small_service import Caller, Service, operation, result, slug

KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
HANDLED, WAITING = 1, 32


def known(value: str) -> str:
    if value != "right":
        raise Problem(401, "unauthenticated", "Not authenticated", "Unknown key.")
    return value


def test_the_crowd_is_refused_before_anybody_asks_who_it_is_and_probes_are_answered() -> None:
    opened = threading.Event()

    def wait(_: Any) -> Any:
        opened.wait(10)
        return result(b"{}")

    def probe(_: Any) -> Any:
        opened.set()
        return result(b"{}")

    service = Service(
        operations=[operation(security=({"Key": ()},)), operation("probe", path="/probe")],
        handlers={"ask": wait, "probe": probe},
        schemes={"Key": KEY},
        authenticators={"Key": lambda credential: known(credential.value)},
        places=HANDLED,
    )
    right: dict[str, Any] = {"headers": {"X-Key": "right"}}
    wrong: dict[str, Any] = {"headers": {"X-Key": "wrong"}}
    with Caller(service) as caller:
        answers = caller.ask_all(
            [
                *[("GET", "/ask", right)] * (HANDLED + WAITING),
                *[("GET", "/ask", wrong)] * 5,
                ("GET", "/probe", {}),
            ]
        )
        assert [answer.status_code for answer in answers[: HANDLED + WAITING]] == [200] * 33
        for refused in answers[HANDLED + WAITING : -1]:
            assert (refused.status_code, slug(refused)) == (503, "unavailable")
            assert refused.headers["retry-after"] == "1"
            assert f"{WAITING} requests wait" in refused.json()["detail"]
        assert answers[-1].status_code == 200
        # The queue is empty again: who asks is looked at first.
        assert caller.ask(**wrong).status_code == 401
        assert caller.ask(**right).status_code == 200
