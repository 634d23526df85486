"""Who may call what: every operation, role and tenant, walked from the contract itself.

Nothing here is kept by hand.
"""

import json
import secrets

import pytest

from policies.access import ROLES
from tests.support.client import Callers, Client
from tests.support.contract import ContractOperation, operations
from tests.support.examples import example_request
from tests.support.service import RunningService

_ALL = list(operations().values())
_GUARDED = [operation for operation in _ALL if operation.roles is not None]
_BY_LINK = [operation for operation in _ALL if operation.by_link]
_PUBLIC = [each for each in _ALL if each.roles is None and not each.by_link]


def _named(operation: ContractOperation) -> str:
    return operation.id


@pytest.mark.parametrize("operation", _ALL, ids=_named)
def test_example_of_the_contract_works_as_it_stands_there(
    operation: ContractOperation, callers: Callers, anyone: Client
) -> None:
    caller = callers.by_role[min(operation.roles)] if operation.roles else anyone
    maker = callers.by_role["admin"]
    answer = example_request(operation, maker).send(caller)
    assert answer.status in (200, 201, 202, 204), (
        f"{operation.id} answered {answer.status} to the contract's own example. If it needs an "
        "object that exists, give the operation that makes one a link to this one in openapi.yaml."
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", _GUARDED, ids=_named)
def test_operation_admits_the_roles_that_the_contract_names_and_no_other(
    operation: ContractOperation, role: str, callers: Callers
) -> None:
    answer = example_request(operation).send(callers.by_role[role])
    assert operation.roles is not None
    if role in operation.roles:
        assert answer.status in (200, 201, 202, 204, 304, 404, 422)
    else:
        assert (answer.status, answer.problem_type) == (403, "forbidden")


@pytest.mark.parametrize("operation", _GUARDED, ids=_named)
def test_request_without_a_key_is_challenged(operation: ContractOperation, anyone: Client) -> None:
    _assert_challenged(operation, anyone)


@pytest.mark.parametrize("operation", _GUARDED, ids=_named)
def test_unknown_key_is_challenged(
    operation: ContractOperation, callers: Callers, service: RunningService
) -> None:
    for secret in (secrets.token_hex(16), "", callers.secrets["admin"] + "x"):
        _assert_challenged(operation, Client(service, callers.tenant, secret))


@pytest.mark.parametrize("operation", _GUARDED, ids=_named)
def test_expired_key_is_challenged(
    operation: ContractOperation, callers: Callers, service: RunningService
) -> None:
    secret = service.keys.issue("key-old", callers.tenant, "admin", expires_on="2020-01-01")
    _assert_challenged(operation, Client(service, callers.tenant, secret))


@pytest.mark.parametrize("operation", _GUARDED, ids=_named)
def test_key_of_another_tenant_is_forbidden(
    operation: ContractOperation,
    callers: Callers,
    other_callers: Callers,
    service: RunningService,
) -> None:
    request = example_request(operation)
    for tenant in (other_callers.tenant, "", "*", callers.tenant.upper()):
        client = Client(service, tenant, callers.secrets["admin"])
        answer = request.send(client)
        assert (answer.status, answer.problem_type) == (403, "forbidden")


@pytest.mark.parametrize("operation", _GUARDED, ids=_named)
def test_key_without_a_tenant_is_refused(
    operation: ContractOperation, callers: Callers, service: RunningService
) -> None:
    client = Client(service, None, callers.secrets["admin"])
    assert example_request(operation).send(client).status in (401, 403)


@pytest.mark.parametrize("operation", _PUBLIC, ids=_named)
def test_public_operation_asks_for_no_key_and_minds_no_wrong_one(
    operation: ContractOperation, anyone: Client, service: RunningService
) -> None:
    request = example_request(operation)
    wrong = Client(service, "nobody", "not-a-key")
    assert request.send(anyone).status == request.send(wrong).status == 200


def test_one_key_may_stand_for_two_tenants_with_a_role_in_each(
    callers: Callers, other_callers: Callers, service: RunningService
) -> None:
    secret = service.keys.issue_for(
        "key-both", {callers.tenant: "viewer", other_callers.tenant: "operator"}
    )
    as_viewer = Client(service, callers.tenant, secret)
    as_operator = Client(service, other_callers.tenant, secret)
    report = {"status": {"api": "pass"}}
    assert as_viewer.post_json("/ingest/qc", report).status == 403
    assert as_operator.post_json("/ingest/qc", report).status == 201
    assert as_viewer.get("/reports").json["items"] == []
    assert len(as_operator.get("/reports").json["items"]) == 1


def test_object_of_another_tenant_is_like_one_that_never_was(
    callers: Callers, other_callers: Callers
) -> None:
    foreign = other_callers.operator.ingest({"status": {"api": "pass"}})["id"]
    never = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"
    answers = [callers.viewer.get(f"/reports/{report_id}") for report_id in (foreign, never)]
    assert [answer.status for answer in answers] == [404, 404]
    bodies = [{**answer.json, "instance": ""} for answer in answers]
    assert json.dumps(bodies[0]) == json.dumps(bodies[1])
    told = [
        {name: value for name, value in answer.headers.items() if name not in _PER_REQUEST}
        for answer in answers
    ]
    assert told[0] == told[1]


_PER_REQUEST = ("date", "x-request-id")


def test_list_and_timeline_show_the_callers_own_tenant_alone(
    callers: Callers, other_callers: Callers
) -> None:
    own = callers.operator.ingest({"status": {"api": "pass"}})["id"]
    other_callers.operator.ingest({"status": {"api": "fail"}})
    page = callers.viewer.get("/reports", {"include_total": "true"}).json
    assert [item["id"] for item in page["items"]] == [own]
    assert page["total"] == {"count": 1, "exact": True}
    buckets = callers.viewer.get("/timeline").json["buckets"]
    assert sum(bucket["total"] for bucket in buckets) == 1


def _assert_challenged(operation: ContractOperation, client: Client) -> None:
    answer = example_request(operation).send(client)
    assert (answer.status, answer.problem_type) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("ApiKey ")


@pytest.mark.parametrize("operation", _BY_LINK, ids=_named)
def test_operation_for_links_takes_no_key_of_whatever_role(
    operation: ContractOperation, callers: Callers
) -> None:
    for role in ROLES:
        answer = example_request(operation).send(callers.by_role[role])
        assert (answer.status, answer.problem_type) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == 'ApiKey query="token"'


@pytest.mark.parametrize("operation", _BY_LINK, ids=_named)
def test_link_works_for_whoever_has_it_and_a_wrong_key_beside_it_is_not_minded(
    operation: ContractOperation, callers: Callers, other_callers: Callers, anyone: Client
) -> None:
    request = example_request(operation, callers.by_role["admin"])
    for client in (anyone, callers.viewer, other_callers.viewer):
        assert request.send(client).status == 200


_OF_AN_OBJECT = [each for each in _GUARDED if each.parameters("path") and "report_id" in each.path]


@pytest.mark.parametrize("operation", _OF_AN_OBJECT, ids=_named)
def test_every_operation_answers_for_another_tenants_report_as_for_one_that_never_was(
    operation: ContractOperation, callers: Callers, other_callers: Callers
) -> None:
    admin, theirs = callers.by_role["admin"], other_callers.by_role["admin"]
    foreign = theirs.ingest({"status": {"api": "pass"}})["id"]
    assert theirs.send("POST", f"/reports/{foreign}/sign").status == 200
    never = "0190a6d2-7c1e-7d3b-9a54-2f6f0c1e8b11"
    told = []
    for report_id in (foreign, never):
        request = example_request(operation)
        path = operation.path.replace("{report_id}", report_id)
        # The same request id, so that the two answers can be the same to the byte.
        headers = {**request.headers, "X-Request-Id": "told-apart"}
        answer = admin.send(operation.method, path, headers, request.body)
        shown = {name: value for name, value in answer.headers.items() if name != "date"}
        told.append((answer.status, shown, answer.content))
    assert told[0][0] == 404
    assert told[0] == told[1]
