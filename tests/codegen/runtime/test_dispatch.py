"""Handlers run between the hooks that the contract names, and the context is always freed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from typing_extensions import override

from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.hooks import Answer, Call, Hooks, InWorker, NotModified, PlainHooks
from codegen.runtime.operation import Operation, Parameter, ParameterLocation
from codegen.runtime.problems import foreign_page_token

from .small_service import ANSWERS, Caller, Service, operation, result, slug


@dataclass
class Recorder(PlainHooks):
    """Hooks that write down their order."""

    calls: list[str] = field(default_factory=list)
    not_modified: bool = False
    refuse_context: bool = False
    early: str | None = None

    @override
    async def unchanged(self, call: Call, in_worker: InWorker) -> NotModified | None:
        if self.early is None:
            return None
        self.calls.append(await in_worker(lambda: f"unchanged {call.if_none_match}"))
        return NotModified(self.early) if call.if_none_match == self.early else None

    @override
    def context(self, call: Call) -> Call:
        self.calls.append("context")
        if self.refuse_context:
            raise foreign_page_token()
        return call

    @override
    def finish(self, context: Call) -> None:
        self.calls.append("finish")

    @override
    def page_cursor(self, context: Call, call: Call, token: str) -> str:
        self.calls.append("page_cursor")
        if token == "foreign":
            raise foreign_page_token()
        return token.upper()

    @override
    def page_token(self, context: Call, call: Call, cursor: str) -> str:
        return f"token:{cursor}"

    @override
    def conditional(
        self, context: Call, call: Call, handler: Callable[[], Any]
    ) -> Answer[Any] | NotModified:
        self.calls.append(f"conditional {call.if_none_match}")
        return NotModified('"same"') if self.not_modified else Answer(handler(), {"ETag": '"new"'})

    @override
    def idempotent(self, context: Call, call: Call, handler: Callable[[], Any]) -> Answer[Any]:
        self.calls.append(f"idempotent {call.idempotency_key}")
        return Answer(handler(), {"Idempotency-Replayed": "true"})


PARAMETERS = {
    "Limit": {"schema": {"type": "integer", "default": 20, "maximum": 50}},
    "Token": {"schema": {"type": "string"}},
    "Condition": {"schema": {"type": "string"}},
    "Key": {"schema": {"type": "string"}},
}
QUERY = [("limit", "Limit"), ("token", "Token")]
HEADERS = [("If-None-Match", "Condition"), ("Idempotency-Key", "Key")]


def parameter(name: str, key: str, location: ParameterLocation) -> Parameter:
    argument = name.lower().replace("-", "_")
    style = "form" if location == "query" else "simple"
    pointer = f"/components/parameters/{key}"
    return Parameter(name, argument, location, False, pointer, style, False)


def asking(**fields: Any) -> Operation:
    parameters = (
        *(parameter(name, key, "query") for name, key in QUERY),
        *(parameter(name, key, "header") for name, key in HEADERS),
    )
    responses = {**ANSWERS, "304": ()}
    return operation(parameters=parameters, responses=responses, **fields)


PAGED = {"x-page": {"limit": "limit", "token": "token"}}


def served(one: Operation, hooks: Hooks[Any], handler: Callable[[Call], Any]) -> Caller:
    more = {"parameters": PARAMETERS}
    return Caller(Service([one], {one.id: handler}, hooks=hooks, more=more))


def test_hooks_are_called_in_their_order() -> None:
    hooks = Recorder()

    def handle(call: Call) -> Any:
        hooks.calls.append(f"handler {call.page.limit} {call.page.after} {call.page.token('c')}")
        return result(EncodedJson(b"{}"))

    extensions = {**PAGED, "x-etag": {}}
    with served(asking(extensions=extensions), hooks, handle) as caller:
        answer = caller.ask(url="/ask?token=abc", headers={"If-None-Match": '"old"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"new"')
    assert hooks.calls == [
        "context", "page_cursor", 'conditional "old"', "handler 20 ABC token:c", "finish",
    ]  # fmt: skip


def test_a_first_page_has_no_cursor() -> None:
    hooks, seen = Recorder(), list[Any]()

    def handle(call: Call) -> Any:
        seen.append((call.page.limit, call.page.after, dict(call.parameters)))
        return result(b"{}")

    with served(asking(extensions=PAGED), hooks, handle) as caller:
        assert caller.ask(url="/ask?limit=7").status_code == 200
    assert seen == [(7, None, {})]
    assert hooks.calls == ["context", "finish"]


def test_a_foreign_page_token_is_a_400_and_the_context_is_freed() -> None:
    hooks = Recorder()
    with served(asking(extensions=PAGED), hooks, lambda call: result(b"{}")) as caller:
        answer = caller.ask(url="/ask?token=foreign")
    assert (answer.status_code, slug(answer)) == (400, "foreign-page-token")
    assert hooks.calls == ["context", "page_cursor", "finish"]


def test_a_context_that_was_not_made_is_not_freed() -> None:
    hooks = Recorder(refuse_context=True)
    with served(asking(), hooks, lambda call: result(b"{}")) as caller:
        assert caller.ask().status_code == 400
    assert hooks.calls == ["context"]


def test_a_failing_handler_frees_the_context() -> None:
    hooks = Recorder()

    def fail(call: Call) -> Any:
        raise LookupError("on purpose")

    with served(asking(), hooks, fail) as caller:
        assert caller.ask().status_code == 500
    assert hooks.calls == ["context", "finish"]


def test_an_answer_known_to_hold_is_a_304_before_anything_else_is_done() -> None:
    hooks = Recorder(early='"same"')
    one = asking(extensions={**PAGED, "x-etag": {}})
    with served(one, hooks, lambda call: result(b"{}")) as caller:
        answer = caller.ask(headers={"If-None-Match": '"same"'})
        assert (answer.status_code, answer.headers["etag"], answer.content) == (304, '"same"', b"")
        assert hooks.calls == ['unchanged "same"']
        assert caller.ask(headers={"If-None-Match": '"old"'}).status_code == 200
        assert hooks.calls[1:4] == ['unchanged "old"', "context", 'conditional "old"']
        hooks.calls.clear()
        assert caller.ask().status_code == 200
        assert hooks.calls == ["context", "conditional None", "finish"]


def test_an_answer_that_is_still_right_is_a_304_without_the_handler() -> None:
    hooks = Recorder(not_modified=True)
    with served(asking(extensions={"x-etag": {}}), hooks, lambda call: 1 / 0) as caller:
        answer = caller.ask(headers={"If-None-Match": '"same"'})
    assert (answer.status_code, answer.headers["etag"], answer.content) == (304, '"same"', b"")


@pytest.mark.parametrize("sent", ['"1"', 'W/"1"', '"0", "1"', "*"])
def test_plain_hooks_tell_an_answer_that_is_still_right_by_the_handlers_entity_tag(
    sent: str,
) -> None:
    one = asking(extensions={"x-etag": {}})
    with served(one, PlainHooks(), lambda call: result(b"{}", etag=("ETag", '"1"'))) as caller:
        answer = caller.ask(headers={"If-None-Match": sent})
        assert (answer.status_code, answer.headers["etag"], answer.content) == (304, '"1"', b"")
        for other in ({"If-None-Match": '"11"'}, {}):
            answer = caller.ask(headers=other)
            assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')


def test_an_idempotency_key_goes_to_its_hook() -> None:
    hooks = Recorder()
    one = asking(extensions={"x-idempotency": {}})
    with served(one, hooks, lambda call: result(b"{}")) as caller:
        assert caller.ask(headers={"Idempotency-Key": "k"}).headers["idempotency-replayed"]
        assert "idempotency-replayed" not in caller.ask().headers
    assert hooks.calls == ["context", "idempotent k", "finish", "context", "finish"]


def test_hooks_are_not_called_where_the_contract_names_none() -> None:
    hooks, seen = Recorder(), list[Any]()

    def handle(call: Call) -> Any:
        seen.append(call.parameters)
        with pytest.raises(LookupError, match="no x-page"):
            _ = call.page
        return result(b"{}")

    with served(asking(), hooks, handle) as caller:
        headers = {"If-None-Match": '"a"', "Idempotency-Key": "k"}
        assert caller.ask(url="/ask?token=t", headers=headers).status_code == 200
    assert hooks.calls == ["context", "finish"]
    expected = {"limit": 20, "token": "t", "if_none_match": '"a"', "idempotency_key": "k"}
    assert seen == [expected]


def test_answers_of_operations_with_security_are_not_shared() -> None:
    scheme = {"Key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    operations = [
        operation(security=({"Key": ()},)),
        operation("own", path="/own", security=({"Key": ()},)),
        operation("open", path="/open"),
    ]
    handlers = {"own": lambda call: result(b"{}", c=("cache-control", "private, max-age=9"))}
    authenticators = {"Key": lambda credential: credential.value}
    service = Service(operations, handlers, schemes=scheme, authenticators=authenticators)
    with Caller(service) as caller:
        caching = [
            caller.ask(url=url, headers={"X-Key": "k"}).headers.get("cache-control")
            for url in ("/ask", "/own", "/open")
        ]
    assert caching == ["private, no-cache", "private, max-age=9", None]


def test_calls_that_differ_in_anything_have_another_fingerprint() -> None:
    def call(**changes: Any) -> Call:
        fields: dict[str, Any] = {"parameters": {"a": 1}, "content_type": "a/b", "raw_body": b"x"}
        return Call(operation(), "id", {}, **{**fields, **changes})

    others = [
        call(parameters={"a": 2}),
        call(content_type="a/c"),
        call(raw_body=b"y"),
        call(content_type="a/b\0x", raw_body=b""),
        call(page_token="t"),
    ]
    prints = {one.fingerprint() for one in [call(), call(), *others]}
    assert len(prints) == 1 + len(others)
