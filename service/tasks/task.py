"""What a piece of work is to the worker: periodic work of the system, or a job of one tenant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from db.ids import TenantId
from db.session import Database
from handlers.export_writing import ExportWriter
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerParts:
    """What work may need beside the database that it is handed.

    `tenants` logs in as collector_app, under row level security; `maintenance` as collector_maint.
    """

    settings: Settings
    tenants: Database
    exports: ExportWriter
    maintenance: Database


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Work of the system that is done again and again, by one worker at a time.

    `cron` has five fields, in UTC. `run` gets a collector_maint login, and may be killed at any
    moment: what it does is whole after each transaction, and the next run finds the rest. What it
    raises is logged, and kept with the failed run; the next one comes as always.
    """

    name: str
    cron: str
    run: Callable[[Database, WorkerParts], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A job that a tenant's transaction enqueued (`db.jobs.enqueue`), as its task gets it.

    `attempt` counts from 1.
    """

    job_id: int
    tenant_id: TenantId
    arguments: Mapping[str, str | int]
    attempt: int


@dataclass(frozen=True, slots=True)
class TenantTask:
    """A kind of job that tenants' transactions enqueue, by `name`.

    `run` may be called again for a job whose worker was killed: it begins its effect with
    `db.jobs.claim_effect`, or its effect is one that can be had twice. What it raises is tried
    again with growing pauses, `attempts` times in all; then the job is failed.
    """

    name: str
    run: Callable[[Job, WorkerParts], None]
    attempts: int = 8


@dataclass(frozen=True, slots=True)
class Registry:
    """All that a worker can do."""

    periodic: tuple[PeriodicTask, ...] = ()
    tenant: tuple[TenantTask, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(task.name for task in self.periodic) | {task.name for task in self.tenant}
