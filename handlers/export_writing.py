"""Writes an export's file: its reports in parts, the parts into one file, and that signed.

A worker may be killed at any moment, and another one take over. Each part is entered in the
ledger once it is in the store; whoever takes over goes on behind the last, and what comes of it is
the same to the byte. What is in the way for a time only is raised, to be tried again.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from db import exports as stored
from db.audit import AuditEvent, record
from db.export_parts import PartRow, delete_parts, insert_part, list_parts
from db.exports import ExportRow
from db.ids import TenantId
from db.leases import release_lease, renew_lease
from db.session import Database
from db.transaction import Transaction
from handlers.errors import NotConfigured, RawUnreadable
from handlers.export_assembly import AssembledFile, PartBroken, StoredPart, assemble
from handlers.export_reading import PartRows, ReportReader
from handlers.export_store import ExportStore, StoredFileMissing, StoreRefused, StoreUnavailable
from handlers.hashing import Hashed
from handlers.sealing import RawSealer
from handlers.signing import Signing, signed_envelope
from policies import exports as policy
from policies.export_formats import Encoding, encoding_of
from policies.export_manifest import PAYLOAD_TYPE, ExportManifest, ManifestPart, manifest_text

RUNNING_LEASE_SECONDS: Final = 3600
_LOOK_SECONDS: Final = 5.0
_SETTLE_SECONDS: Final = 20.0
_SETTLE_PAUSE_SECONDS: Final = 0.1

_log = structlog.get_logger(__name__)


class ExportEnded(Exception):
    """Somebody cancelled the export, or it was finished elsewhere."""


@dataclass(eq=False)
class ExportFailed(Exception):
    """An export that no further try can write; `reason` tells a person why and what to do."""

    reason: str


class NotSettled(Exception):
    """A transaction that began before the export has not ended for a long time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWriter:
    """`tenants` logs in as collector_app. `sealer` decrypts raw, None if no key is configured.

    `keep_for` is how long files are kept.
    """

    tenants: Database
    store: ExportStore
    signing: Signing
    sealer: RawSealer | None
    contract_version: str
    keep_for: timedelta

    def write(self, tenant_id: TenantId, export_id: UUID) -> None:
        """Go on with an export until it is done, or at another end.

        What it raises is worth another try; `give_up` is for the last one.
        """
        try:
            export = self._begun(tenant_id, export_id)
            _Writing(self, tenant_id, export).run()
        except ExportEnded:
            self.clear(tenant_id, export_id)
        except (StoreUnavailable, StoredFileMissing):
            # Of an export that was cancelled, another worker deletes what this one writes.
            if self._is_at_work(tenant_id, export_id):
                raise
            self.clear(tenant_id, export_id)
        except ExportFailed as failed:
            self.give_up(tenant_id, export_id, failed.reason)
        except StoreRefused as refused:
            self.give_up(tenant_id, export_id, refused.reason)
        except NotConfigured as missing:
            self.give_up(tenant_id, export_id, f"{missing.detail} Set it for the worker.")
        except RawUnreadable as unreadable:
            self.give_up(tenant_id, export_id, f"Not every raw can be decrypted: {unreadable}.")

    def give_up(self, tenant_id: TenantId, export_id: UUID, reason: str) -> None:
        """The export has failed, unless it is at an end already; its files are deleted."""
        with self.tenants.tenant_transaction(tenant_id) as tx:
            export = stored.lock_export(tx, export_id)
            if export is not None and export.status in stored.AT_WORK:
                stored.fail_export(tx, export_id, reason)
                release_lease(tx, export_id)
                record(tx, _event("failed", export_id, {"reason": reason}))
                _log.error("export_failed", export_id=str(export_id), reason=reason)
        self.clear(tenant_id, export_id)

    def expire(self, tenant_id: TenantId, export_id: UUID) -> None:
        """The file's time has come: nobody can have it any more, and it is deleted."""
        with self.tenants.tenant_transaction(tenant_id) as tx:
            export = stored.lock_export(tx, export_id)
            if export is not None and export.status == "done":
                stored.expire_export(tx, export_id)
        self.clear(tenant_id, export_id)

    def clear(self, tenant_id: TenantId, export_id: UUID) -> None:
        """Delete whatever an export has in the store and should not: all of it at an end, and the
        parts where the file is done. Raises StoreUnavailable, StoreRefused.
        """
        folder = policy.folder_name(tenant_id, export_id)
        with self.tenants.tenant_transaction(tenant_id, read_only=True) as tx:
            export = stored.get_export(tx, export_id)
        if export is not None and export.status in stored.AT_WORK:
            return
        if export is not None and export.status == "done":
            self.store.delete(policy.parts_prefix(folder))
            return
        self.store.delete(folder)
        with self.tenants.tenant_transaction(tenant_id) as tx:
            delete_parts(tx, export_id)
            stored.note_files_deleted(tx, export_id)

    def _is_at_work(self, tenant_id: TenantId, export_id: UUID) -> bool:
        with self.tenants.tenant_transaction(tenant_id, read_only=True) as tx:
            export = stored.get_export(tx, export_id)
        return export is not None and export.status in stored.AT_WORK

    def _begun(self, tenant_id: TenantId, export_id: UUID) -> ExportRow:
        """The export, running. Raises ExportEnded, ExportFailed."""
        self.signing.require_signer("An export's manifest")
        with self.tenants.tenant_transaction(tenant_id) as tx:
            export = _at_work(stored.lock_export(tx, export_id))
            stored.begin_export(tx, export_id)
            _renew(tx, export_id)
        return export


@dataclass(frozen=True, slots=True)
class _Writing:
    """One worker at one export."""

    writer: ExportWriter
    tenant_id: TenantId
    export: ExportRow

    def run(self) -> None:
        self._wait_until_settled()
        with self.writer.tenants.tenant_transaction(self.tenant_id, read_only=True) as tx:
            parts = list_parts(tx, self.export.id)
        encoding = encoding_of(self.export.format, self.export.compression)
        self._write_parts(encoding, parts)
        self._finish(self._file(encoding, parts))
        self.writer.clear(self.tenant_id, self.export.id)

    def _wait_until_settled(self) -> None:
        """Until nobody can store a report any more that belongs in here. Raises NotSettled."""
        until = time.monotonic() + _SETTLE_SECONDS
        while True:
            with self.writer.tenants.tenant_transaction(self.tenant_id, read_only=True) as tx:
                if stored.is_settled(tx, self.export):
                    return
            if time.monotonic() > until:
                raise NotSettled
            time.sleep(_SETTLE_PAUSE_SECONDS)

    def _write_parts(self, encoding: Encoding, parts: list[PartRow]) -> None:
        """Adds to `parts` what is missing; an export of nothing has one part too."""
        done = sum(part.records for part in parts)
        last_id = parts[-1].last_id if parts else None
        if parts and last_id is None:
            return
        reader = ReportReader(
            self.writer.tenants, self.writer.sealer, self.tenant_id, self.export, last_id
        )
        look = _Look(self, done)
        with reader:
            while reader.has_more() or not parts:
                rows = reader.part(look)
                part = self._write_part(encoding, len(parts) + 1, rows)
                look.done += part.records
                with self.writer.tenants.tenant_transaction(self.tenant_id) as tx:
                    _at_work(stored.lock_export(tx, self.export.id))
                    self._enter(tx, part)
                    stored.note_progress(tx, self.export.id, look.done)
                parts.append(part)

    def _write_part(self, encoding: Encoding, number: int, rows: PartRows) -> PartRow:
        content = Hashed(encoding.encode_part(rows, is_first=number == 1))
        self.writer.store.put(policy.part_name(self._folder, number), content)
        return PartRow(number, rows.last_id, rows.records, content.size, content.digest())

    def _enter(self, tx: Transaction, part: PartRow) -> None:
        """In the ledger. Another worker that is thought dead may have entered the same."""
        known = [each for each in list_parts(tx, self.export.id) if each.number == part.number]
        if not known:
            insert_part(tx, self.export.id, part)
        elif known[0] != part:
            raise PartBroken(part.number)

    def _file(self, encoding: Encoding, parts: list[PartRow]) -> AssembledFile:
        """The whole file, in the store. Raises PartBroken, which the ledger then is without."""
        store, folder = self.writer.store, self._folder
        pieces = [StoredPart(store, policy.part_name(folder, part.number), part) for part in parts]
        file = AssembledFile(parts)
        name = policy.file_name(folder, self.export.format, self.export.compression)
        look = _Look(self, sum(part.records for part in parts))
        try:
            store.put(name, assemble(encoding, pieces, file, look))
        except PartBroken as broken:
            with self.writer.tenants.tenant_transaction(self.tenant_id) as tx:
                _at_work(stored.lock_export(tx, self.export.id))
                delete_parts(tx, self.export.id, since=broken.number)
            raise
        return file

    def _finish(self, file: AssembledFile) -> None:
        with self.writer.tenants.tenant_transaction(self.tenant_id) as tx:
            _at_work(stored.lock_export(tx, self.export.id))
            now = tx.began_at
            signer = self.writer.signing.require_signer("An export's manifest")
            text = manifest_text(self._manifest(file, tx))
            finished = stored.ExportFile(
                size=file.size,
                sha256=file.digest(),
                manifest=signed_envelope(signer, PAYLOAD_TYPE, text),
                finished_at=now,
                expires_at=(now + self.writer.keep_for).replace(microsecond=0),
            )
            stored.finish_export(tx, self.export.id, finished)
            release_lease(tx, self.export.id)
            told = {"reports": file.records, "sha256": file.digest().hex()}
            record(tx, _event("done", self.export.id, told))
        _log.info("export_done", export_id=str(self.export.id), reports=file.records)

    def _manifest(self, file: AssembledFile, tx: Transaction) -> ExportManifest:
        export = self.export
        return ExportManifest(
            tenant_id=self.tenant_id,
            export_id=export.id,
            contract_version=self.writer.contract_version,
            created_at=export.created_at,
            finished_at=tx.began_at,
            created_by=export.created_by,
            since=export.since,
            until=export.until,
            first_id=export.first_id,
            end_id=export.end_id,
            severities=export.severities,
            format=export.format,
            compression=export.compression,
            include_raw=export.include_raw,
            file_name=policy.download_name(export.id, export.format, export.compression),
            records=file.records,
            size=file.size,
            sha256=file.digest().hex(),
            parts=tuple(
                ManifestPart(part.offset, part.size, part.digest().hex(), part.records)
                for part in file.parts
            ),
        )

    @property
    def _folder(self) -> str:
        return policy.folder_name(self.tenant_id, self.export.id)


class _Look:
    """Called often, now and then: keeps the lease, tells how far it is, and sees a cancellation."""

    def __init__(self, writing: _Writing, done: int) -> None:
        self._writing = writing
        self._next = time.monotonic() + _LOOK_SECONDS
        self.done = done

    def __call__(self, records: int = 0) -> None:
        """`records` are written beyond `done`. Raises ExportEnded, ExportFailed."""
        if time.monotonic() < self._next:
            return
        writing = self._writing
        with writing.writer.tenants.tenant_transaction(writing.tenant_id) as tx:
            _at_work(stored.lock_export(tx, writing.export.id))
            _renew(tx, writing.export.id)
            stored.note_progress(tx, writing.export.id, self.done + records)
        self._next = time.monotonic() + _LOOK_SECONDS


def _at_work(export: ExportRow | None) -> ExportRow:
    if export is None or export.status not in stored.AT_WORK:
        raise ExportEnded
    return export


def _renew(tx: Transaction, export_id: UUID) -> None:
    if not renew_lease(tx, export_id, RUNNING_LEASE_SECONDS):
        raise ExportFailed(
            "No worker went on with it for so long that retention may have deleted reports of it. "
            "See that a worker runs, then ask for the export again."
        )


def _event(outcome: str, export_id: UUID, details: dict[str, object]) -> AuditEvent:
    """The system's own act, in the tenant's chain."""
    return AuditEvent(
        action="write_export",
        object_type="export",
        object_id=str(export_id),
        outcome="done" if outcome == "done" else "failed",
        details=details,
    )
