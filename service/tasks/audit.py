"""Seals the journal of ingest, writes checkpoints of audit chains, and drops the oldest of both."""

from datetime import UTC, datetime, timedelta
from functools import cache

import structlog

from db import audit_upkeep
from db.session import Database
from policies.audit_entries import moment_text
from service import checkpoints
from service.checkpoint_folder import CheckpointFolder
from service.settings import Settings
from service.signing import configured_signing, with_development_signing
from service.tasks.task import WorkerParts

_log = structlog.get_logger(__name__)


def seal_journal(database: Database, _: WorkerParts) -> None:
    """Every minute: what is stored stands in its tenant's chain a minute later."""
    reports = audit_upkeep.seal_journal(database)
    if reports:
        _log.info("journal_sealed", reports=reports)


def write_checkpoint(database: Database, parts: WorkerParts) -> None:
    """Every minute, which is how long a change of a chain can stay unseen."""
    settings = _with_keys(parts.settings)
    signing = configured_signing(settings)
    if signing.signer is None:
        _tell_that_none_are_written()
        return
    folder = CheckpointFolder(settings.checkpoint_folder)
    checkpoints.write_checkpoint(database, folder, signing)


def expire_audit(database: Database, parts: WorkerParts) -> None:
    """Every day, whole days of UTC."""
    days = parts.settings.audit_retain_days
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    before = today - timedelta(days=days)
    entries = audit_upkeep.expire_audit(database, before, days)
    folder = CheckpointFolder(parts.settings.checkpoint_folder)
    kept = checkpoints.drop_checkpoints(folder, moment_text(before))
    if entries or kept:
        _log.info("audit_expired", entries=entries, checkpoints=kept)


def _with_keys(settings: Settings) -> Settings:
    return with_development_signing(settings) if settings.embedded else settings


@cache
def _tell_that_none_are_written() -> None:
    """Once a process."""
    _log.warning("no_checkpoints", reason="SIGNING_KEY is not set, so that none can be signed")
