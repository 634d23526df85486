"""`collector jobs`: what waits, runs and failed, and another try. Shows no arguments."""

import click

from db.errors import ConstraintViolated
from db.job_list import FailedJob, TaskCounts, failed_jobs, task_counts, try_again
from service.settings import load_settings
from service.startup import maintenance_database
from service.telling import told

_SHOWN_FAILED = 50


@click.group()
def jobs() -> None:
    """Background jobs: see what waits, runs and failed; try a failed one again."""


@jobs.command(name="list")
def list_jobs() -> None:
    """Print how many jobs of each task wait, run and failed, and why the last failed ones did."""
    with told(), maintenance_database(load_settings()) as database:
        counts, failed = task_counts(database), failed_jobs(database, _SHOWN_FAILED)
    click.echo(f"{'TASK':<30}{'WAITING':>8}{'RUNNING':>8}{'FAILED':>8}  WAITS SINCE")
    for row in counts:
        click.echo(_count_line(row))
    if failed:
        click.echo(f"\n{'JOB':>10}  {'FAILED AT':<22}{'TRIES':>5}  TASK, TENANT, REASON")
    for job in failed:
        click.echo(_failed_line(job))


def _count_line(row: TaskCounts) -> str:
    since = f"{row.waits_since:%Y-%m-%d %H:%M:%SZ}" if row.waits_since else "-"
    return f"{row.task:<30}{row.waiting:>8}{row.running:>8}{row.failed:>8}  {since}"


def _failed_line(job: FailedJob) -> str:
    when = f"{job.failed_at:%Y-%m-%d %H:%M:%SZ}" if job.failed_at else "-"
    said = ", ".join((job.task, job.tenant_id or "-", job.failure or "no reason is known"))
    return f"{job.job_id:>10}  {when:<22}{job.attempts:>5}  {said}"


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
