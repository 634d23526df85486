"""Checks of retention: a plan is carried out by its own hash, and by no other.

No run of Schemathesis comes to a commit by itself, as a plan's hash can't be made up.
"""

import json

import schemathesis

from ci.fuzzing.counted import COMMITTED, counted
from ci.fuzzing.requests_and_answers import Answer, Case, ask_again, operation_id, problem_in


@schemathesis.check
def plans_are_committed_by_their_own_hash(
    context: schemathesis.CheckContext, response: Answer, case: Case
) -> None:
    if operation_id(case) != "run_retention" or response.status_code != 200:
        return
    counted[COMMITTED] += 1
    plan = problem_in(response)
    other = _committed(case, response, {**plan, "plan_hash": "0" * len(plan["plan_hash"])})
    assert other.status_code == 409, "a plan was committed by another hash"
    assert problem_in(other)["type"] == "/problems/retention-plan-outdated"
    own = _committed(case, response, plan)
    if own.status_code != 202:
        # The run that was committed before is still at work.
        assert problem_in(own).get("type") == "/problems/retention-at-work", "no commit by its hash"


def _committed(case: Case, response: Answer, plan: dict[str, str]) -> Answer:
    commit = {"mode": "commit", "run_id": plan["run_id"], "plan_hash": plan["plan_hash"]}
    request = response.request.copy()
    for name in ("Content-Encoding", "Transfer-Encoding"):
        request.headers.pop(name, None)
    request.headers["Content-Type"] = "application/json"
    request.prepare_body(json.dumps(commit).encode(), None)
    return ask_again(case, request)
