"""What Schemathesis loads: our checks, our requests, our counting, and what refusals are explained.

A refusal of valid input that `refusals` doesn't explain is a failure.
"""

import atexit
import json
from collections import Counter
from typing import Final

import schemathesis
from schemathesis.core.failures import Failure

from ci.fuzzing import (
    canaries,
    error_checks,
    generation,
    http_checks,
    retention_checks,
    tally,
    tenant_checks,
)
from ci.fuzzing.facts import facts
from ci.fuzzing.refusals import REFUSED_FOR_MEANING, STORED, Refusal
from ci.fuzzing.requests_and_answers import Answer, Case, operation_id, problem_in
from ci.fuzzing.tenant_checks import role_is_admitted

# Importing them registers what is in them.
LOADED: Final = (
    canaries,
    error_checks,
    generation,
    http_checks,
    retention_checks,
    tally,
    tenant_checks,
)
_KEPT: Final = ("ingest_qc", "ingest_batch", "ingest_tool_output", "sign_report", "create_export")
_explained: Final[Counter[Refusal]] = Counter()

STORED.report_ids.update(facts().own["report_id"])
STORED.exports.update(dict.fromkeys(facts().own["export_id"], "done"))
STORED.links.update(facts().links)
# Of runs from before, the hash isn't known.
STORED.plans.update(dict.fromkeys(facts().own.get("run_id", ()), ""))


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: Case, response: Answer) -> None:
    """Remembers what now exists, so that the table's conditions are exact."""
    if operation_id(case).startswith("ingest_") and response.status_code in (200, 201):
        told = json.loads(response.content)
        stored = told.get("outcomes", [told])
        STORED.report_ids.update(each["id"] for each in stored if "id" in each)
    key = case.headers.get("Idempotency-Key")
    if key and operation_id(case) in _KEPT and 200 <= response.status_code < 300:
        STORED.keys.add((operation_id(case), str(key)))
    if operation_id(case) == "sign_report" and response.status_code == 200:
        STORED.links[_report_id(case)] = json.loads(response.content)["token"]
    if operation_id(case) == "revoke_bundle_links" and response.status_code == 204:
        STORED.links.pop(_report_id(case), None)
    if operation_id(case).endswith("_export") and response.status_code in (200, 202):
        _note_export(case, response)
    _remember_retention(operation_id(case), case, response)


def _note_export(case: Case, response: Answer) -> None:
    """What an answer tells of an export: that it is there, at an end, or can be had by a link."""
    if operation_id(case) == "download_export":
        return
    told = json.loads(response.content)
    STORED.exports[told["id"]] = told["status"]
    if "download_url" in told:
        STORED.links[told["id"]] = told["download_url"].partition("token=")[2]
    if told["status"] == "cancelled":
        STORED.links.pop(told["id"], None)


def _remember_retention(operation: str, case: Case, response: Answer) -> None:
    if operation == "hold_report" and response.status_code == 200:
        STORED.holds.add(_report_id(case))
    if operation == "release_hold" and response.status_code == 204:
        STORED.holds.discard(_report_id(case))
    if operation == "run_retention" and response.status_code in (200, 409):
        told = json.loads(response.content)
        plan = told.get("plan", told)
        if "run_id" in plan:
            STORED.plans[plan["run_id"]] = plan["plan_hash"]


def _report_id(case: Case) -> str:
    return str(case.path_parameters["report_id"]).lower()


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: Case, response: Answer
) -> bool:
    """Keeps a refusal of valid input as a failure unless the table, or the role, explains it."""
    if failure.code == "ST201" and operation_id(case) == "ingest_batch":
        # A batch takes what is right of it: what is wrong must be among the refused lines.
        return not problem_in(response).get("refused")
    if failure.code != "ST202":
        return True
    if response.status_code == 403 and not role_is_admitted(case):
        return False
    problem = problem_in(response)
    for refusal in REFUSED_FOR_MEANING:
        if (
            refusal.operation == operation_id(case)
            and refusal.status == response.status_code
            and problem.get("type") == f"/problems/{refusal.problem}"
            and refusal.applies(case)
        ):
            _explained[refusal] += 1
            return False
    return True


@atexit.register
def print_explained() -> None:
    """Ends the report with every refusal of valid input and its reason."""
    print("Valid by schema, refused for its meaning:")
    for refusal in REFUSED_FOR_MEANING:
        answer = f"{refusal.status} {refusal.problem}"
        print(f"{_explained[refusal]:6} {refusal.operation}: {answer}: {refusal.reason}")
