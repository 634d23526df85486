"""`collector jobs`: what waits, runs, is stuck and failed, and another try. Shows no arguments."""

from datetime import datetime

import click

from db.errors import ConstraintViolated
from db.job_list import (
    FailedJob,
    StuckJob,
    TaskCounts,
    failed_jobs,
    stuck_jobs,
    task_counts,
    try_again,
)
from service.settings import load_settings
from service.startup import maintenance_database
from service.telling import told

_MOST_SHOWN = 50


@click.group()
def jobs() -> None:
    """Background jobs: see what waits, runs and failed; try a failed one again."""


@jobs.command(name="list")
def list_jobs() -> None:
    """Print how many jobs of each task wait, run and failed; which are stuck; why the last failed.

    Stuck is what is due or runs for JOB_STUCK_SECONDS or longer.
    """
    with told():
        settings = load_settings()
        with maintenance_database(settings) as database:
            counts, failed = task_counts(database), failed_jobs(database, _MOST_SHOWN)
            stuck = stuck_jobs(database, seconds=settings.job_stuck_seconds, limit=_MOST_SHOWN)
    heads = ("WAITS SINCE", "RUNS SINCE")
    click.echo(f"{'TASK':<30}{'WAITING':>8}{'RUNNING':>8}{'FAILED':>8}  {heads[0]:<22}{heads[1]}")
    for row in counts:
        click.echo(_count_line(row))
    if stuck:
        click.echo(f"\n{'JOB':>10}  {'STUCK SINCE':<22}TASK, TENANT, WHAT IT DOES")
    for late in stuck:
        click.echo(_stuck_line(late))
    if failed:
        click.echo(f"\n{'JOB':>10}  {'FAILED AT':<22}{'TRIES':>5}  TASK, TENANT, REASON")
    for job in failed:
        click.echo(_failed_line(job))


def _count_line(row: TaskCounts) -> str:
    numbers = f"{row.task:<30}{row.waiting:>8}{row.running:>8}{row.failed:>8}"
    return f"{numbers}  {_moment(row.waits_since):<22}{_moment(row.runs_since)}".rstrip()


def _stuck_line(job: StuckJob) -> str:
    if not job.runs:
        does = "waits: no worker is free for it, or a job of the same lock runs"
    elif job.worker_seen_at is None:
        does = "runs, and its worker is gone"
    else:
        does = f"runs; its worker was last seen at {_moment(job.worker_seen_at)}"
    said = ", ".join((job.task, job.tenant_id or "-", does))
    return f"{job.job_id:>10}  {_moment(job.since):<22}{said}"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}" if at else "-"


def _failed_line(job: FailedJob) -> str:
    said = ", ".join((job.task, job.tenant_id or "-", job.failure or "no reason is known"))
    return f"{job.job_id:>10}  {_moment(job.failed_at):<22}{job.attempts:>5}  {said}"


@jobs.command()
@click.argument("job_ids", metavar="JOB...", nargs=-1, required=True, type=click.IntRange(min=1))
def retry(job_ids: tuple[int, ...]) -> None:
    """Let failed jobs wait for a worker again, with all their tries before them.

    Ends with 1 if any of them is no failed job.
    """
    left = False
    with told(), maintenance_database(load_settings()) as database:
        for job_id in job_ids:
            try:
                waits = try_again(database, job_id)
                reason = "it is no failed job; `collector jobs list` names those"
            except ConstraintViolated:
                waits, reason = False, "a job that does the same waits already"
            click.echo(f"Job {job_id} waits again." if waits else f"Job {job_id}: {reason}.")
            left = left or not waits
    if left:
        raise SystemExit(1)
