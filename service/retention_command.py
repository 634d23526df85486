"""`collector retention`: look what would be deleted, agree to it, and wait until it is done."""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import UUID

import click
from pydantic import BaseModel

from generated.client import Client, ClientError, ProblemAnswer
from generated.client.retention import RunRetention200
from generated.models import (
    RetentionCommit,
    RetentionFailure,
    RetentionPlan,
    RetentionRun,
)
from service.answers import why
from service.retention_words import end_lines, plan_lines
from service.server_options import credentials, server_options

_EXIT_FAILED: Final = 1
_EXIT_SOME_LEFT: Final = 3
_EXIT_OUTDATED: Final = 4
_ENDED: Final = frozenset({"done", "done_with_failures", "failed"})
_OUTDATED: Final = "/problems/retention-plan-outdated"
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 5.0


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option(
    "--yes",
    "plan_hash",
    metavar="PLAN",
    help="Don't ask: delete if the plan is still this one, as --dry-run has printed it.",
)
@click.option("--no-wait", is_flag=True, help="End once it is committed; a worker deletes.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
@server_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def retention(
    dry_run: bool,
    plan_hash: str | None,
    no_wait: bool,
    as_json: bool,
    url: str,
    tenant: str,
    api_key_file: Path | None,
    quiet: bool,
) -> None:
    """Delete reports that are older than their tenant keeps them.

    Shows the plan, asks for the number of reports to be typed in, and waits until a worker has
    deleted them. Needs the key of an administrator. Interrupted while it waits, it says which run
    goes on without it.

    \b
    Exit code: 0 done, or nothing to do; 1 it failed, or nobody agreed; 2 wrong usage; 3 some
    reports could not be deleted; 4 the plan is another one by now, and nothing was deleted.
    The API key is never an option, so that it does not show in the list of processes.

    \b
    Example, for a script, which looks at the plan between the two:
      API_KEY=… TENANT_ID=demo collector retention --dry-run --json > plan.json
      API_KEY=… TENANT_ID=demo collector retention --yes "$(jq -r .plan_hash plan.json)"
    """
    asks = not dry_run and plan_hash is None
    if asks and (as_json or not sys.stdin.isatty()):
        raise click.UsageError("without a terminal to ask at: give --dry-run, or --yes PLAN")
    if dry_run and plan_hash is not None:
        raise click.UsageError("--dry-run deletes nothing, so there is nothing to say --yes to")
    with Client(url, credentials(tenant, api_key_file)) as client:
        try:
            _Command(client, tenant, as_json=as_json, quiet=quiet).run(dry_run, plan_hash, no_wait)
        except ClientError as error:
            raise click.ClickException(why(error, url)) from error


class _Command:
    """One call of the command, on a service that `client` calls."""

    def __init__(self, client: Client, tenant: str, *, as_json: bool, quiet: bool) -> None:
        self._client = client
        self._tenant = tenant
        self._as_json = as_json
        self._quiet = quiet or not sys.stderr.isatty()

    def run(self, dry_run: bool, plan_hash: str | None, no_wait: bool) -> None:
        plan = self._plan()
        if plan_hash is not None and plan.plan_hash != plan_hash.lower():
            self._outdated(plan)
        self._say(plan_lines(plan, self._tenant))
        if dry_run or plan.candidates == 0:
            self._show(plan)
            return
        if plan_hash is None:
            _agree(plan)
        run = self._committed(plan)
        if no_wait:
            self._say([f"A worker deletes them, in run {run.run_id}."])
            self._show(run)
            return
        self._conclude(self._waited(run))

    def _plan(self) -> RetentionPlan:
        answer = self._client.run_retention()
        if not isinstance(answer, RunRetention200):
            raise click.ClickException("the service took a dry run for something else")
        return answer.body

    def _committed(self, plan: RetentionPlan) -> RetentionRun:
        body = RetentionCommit(mode="commit", run_id=plan.run_id, plan_hash=plan.plan_hash)
        try:
            answer = self._client.run_retention(body=body)
        except ProblemAnswer as problem:
            if problem.type == _OUTDATED:
                self._outdated(RetentionPlan.model_validate(problem.members["plan"]))
            raise
        if isinstance(answer, RunRetention200):
            raise click.ClickException("the service took a commit for something else")
        return answer.body

    def _outdated(self, plan: RetentionPlan) -> NoReturn:
        self._say(["The plan is another one by now. Nothing was deleted. It would be:"])
        self._say(plan_lines(plan, self._tenant))
        self._show(plan)
        sys.exit(_EXIT_OUTDATED)

    def _waited(self, run: RetentionRun) -> RetentionRun:
        """The run once it has ended; tells how far it is until then."""
        pause, told = _FIRST_PAUSE_SECONDS, ""
        bar = click.progressbar(
            length=max(run.candidates, 1), label="Deleting", file=sys.stderr, hidden=self._quiet
        )
        try:
            with bar:
                while run.status not in _ENDED:
                    time.sleep(pause)
                    pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
                    before = run.deleted
                    run = self._client.get_retention_run(run_id=run.run_id).body.run
                    bar.update(run.deleted - before)
                    if run.waits_for is not None and run.waits_for != told:
                        told = run.waits_for
                        click.echo(f"\nWaiting for {told}.", err=True)
        except KeyboardInterrupt:
            message = f"Run {run.run_id} goes on without this command; a worker carries it out."
            raise click.ClickException(message) from None
        return run

    def _conclude(self, run: RetentionRun) -> NoReturn:
        failures = self._failures(run.run_id) if run.failed else []
        self._say(end_lines(run, failures))
        if self._as_json:
            shown = {"run": _plain(run), "failures": [_plain(each) for each in failures]}
            click.echo(json.dumps(shown))
        if run.status == "failed":
            sys.exit(_EXIT_FAILED)
        sys.exit(_EXIT_SOME_LEFT if run.failed else 0)

    def _failures(self, run_id: UUID) -> list[RetentionFailure]:
        pages = self._client.get_retention_run_pages(run_id=run_id, limit=100)
        return [failure for page in pages for failure in page.body.failures]

    def _say(self, lines: Iterable[str]) -> None:
        """What people read: beside the JSON, where that is asked for."""
        for line in lines:
            click.echo(line, err=self._as_json)

    def _show(self, answered: BaseModel) -> None:
        if self._as_json:
            click.echo(json.dumps(_plain(answered)))


def _agree(plan: RetentionPlan) -> None:
    typed = click.prompt(
        f"They can't be brought back. Type {plan.candidates} to delete them",
        default="",
        err=True,
        show_default=False,
    )
    if str(typed).strip().replace(",", "") != str(plan.candidates):
        raise click.ClickException("That is another number; nothing was deleted.")


def _plain(answered: BaseModel) -> dict[str, Any]:
    return answered.model_dump(mode="json", by_alias=True)
