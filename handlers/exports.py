"""Exports: asked for, looked at, cancelled, and their files had. A worker writes them."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
import structlog
from typing_extensions import override

from db import exports as stored
from db.errors import StatementTimeout
from db.ids import first_id_at
from db.jobs import enqueue
from db.leases import release_lease, take_lease
from db.link_grants import GrantRow
from db.transaction import Transaction
from generated.models import ExportRequest
from generated.routes.exports import (
    CancelExport200,
    CreateExport202,
    DownloadExport200,
    DownloadExport303,
    ExportsHandlers,
    GetExport200,
    GetExportManifest200,
    ListExports200,
)
from generated.runtime.encoded_json import EncodedJson
from generated.runtime.hooks import Page
from handlers.context import Context
from handlers.errors import (
    ExportNotFinished,
    Gone,
    InvalidValue,
    NotFound,
    QueryTooSlow,
    TooManyExports,
)
from handlers.export_files import StoredFile
from handlers.export_store import ExportStore, StoredFileMissing
from handlers.links import EXPORT, Links
from handlers.paging import page_of, uuid_cursor
from handlers.signing import Signing
from policies import exports as policy

LEASE: Final = "export"
# Until a worker begins; from then on it renews the lease as it goes.
QUEUED_LEASE_SECONDS: Final = 24 * 3600
_STORE_LINK_SECONDS: Final = 300
_NO_STORE: Final = "private, no-store"
_NO_REFERRER: Final = "no-referrer"
_EXPORT: Final = "export"
_MEDIA_TYPE: Final = "application/octet-stream"

_log = structlog.get_logger(__name__)


class Exports(ExportsHandlers[Context]):
    """`signing` is asked whether there is a key at all: a worker signs."""

    def __init__(self, store: ExportStore, signing: Signing, links: Links) -> None:
        self._store = store
        self._signing = signing
        self._links = links

    @override
    def create_export(self, context: Context, /, *, body: ExportRequest) -> CreateExport202:
        with context.transaction() as transaction:
            export_id = context.replay_of and UUID(context.replay_of)
            if not export_id:
                # Else one would be written that nobody could have.
                self._signing.require_signer("An export's manifest")
                self._links.require_tokens()
                export_id = self._create(context, transaction, body)
            context.reference = str(export_id)
            row = _required(stored.get_export(transaction, export_id))
        return CreateExport202(_shown(row), location=f"/exports/{row.id}")

    def _create(self, context: Context, transaction: Transaction, body: ExportRequest) -> UUID:
        # PostgreSQL knows offsets below 16 hours alone.
        since, asked_until = body.since.astimezone(UTC), body.until.astimezone(UTC)
        _refuse(policy.check_window(since, asked_until))
        compression = policy.compression_of(body.format, body.compression)
        if isinstance(compression, policy.TooMuch):
            raise _refusal(compression)
        if stored.lock_tenants_exports(transaction) >= policy.MOST_AT_WORK:
            raise TooManyExports(policy.MOST_AT_WORK)
        now = transaction.began_at
        until = max(min(asked_until, now), since)
        first_id, end_id = first_id_at(since), first_id_at(until)
        export_id = stored.new_export_id(now)
        last_id = UUID(int=max(end_id.int - 1, first_id.int))
        # First, so that what is counted then stays.
        take_lease(transaction, export_id, LEASE, first_id, last_id, QUEUED_LEASE_SECONDS)
        severities = policy.severities_of(body.severity)
        total = _counted(transaction, first_id, end_id, severities)
        new = stored.NewExport(
            id=export_id,
            created_at=now,
            created_by=context.principal.key_id,
            since=since,
            until=until,
            first_id=first_id,
            end_id=end_id,
            severities=severities,
            format=body.format,
            compression=compression,
            include_raw=body.include_raw or False,
            total=total,
        )
        job_id = enqueue(transaction, policy.WRITE_TASK, {"export_id": str(export_id)})
        if job_id is None:
            raise AssertionError("a job without a queueing lock was not enqueued")
        stored.insert_export(transaction, new, job_id)
        context.audit("create_export", _EXPORT, str(export_id), _told(new))
        return export_id

    @override
    def list_exports(self, context: Context, /, *, page: Page) -> ListExports200:
        after = uuid_cursor(page)
        with context.transaction(read_only=True) as transaction:
            # One export more than the page shows tells whether there is another page.
            rows = stored.list_exports(transaction, before=after, limit=page.limit + 1)
        shown = page_of(rows, page, lambda row: row.id)
        body = {"items": [_fields(row) for row in shown.rows], "next_page_token": shown.next_token}
        return ListExports200(EncodedJson(orjson.dumps(body, option=orjson.OPT_UTC_Z)))

    @override
    def get_export(self, context: Context, /, *, export_id: UUID) -> GetExport200:
        with context.transaction(read_only=True) as transaction:
            row = stored.get_export(transaction, export_id)
        if row is None:
            raise NotFound
        link: dict[str, object] = {}
        if row.status == "done" and self._links.can_be_made:
            row, link = self._linked(context, export_id)
        return GetExport200(
            _shown(row, link), cache_control=_NO_STORE, referrer_policy=_NO_REFERRER
        )

    def _linked(
        self, context: Context, export_id: UUID
    ) -> tuple[stored.ExportRow, dict[str, object]]:
        """The export as it stands now, and the caller's link to its file if it has one."""
        principal = context.principal
        with context.transaction() as transaction:
            row = _required(stored.lock_export(transaction, export_id))
            grant = None
            if row.status == "done" and row.expires_at is not None:
                grant = self._links.granted_file(
                    transaction, export_id, principal, transaction.began_at, row.expires_at
                )
        if grant is None:
            return row, {}
        return row, _link(self._links.token(principal.tenant_id, grant), grant)

    @override
    def cancel_export(self, context: Context, /, *, export_id: UUID) -> CancelExport200:
        with context.transaction() as transaction:
            row = stored.lock_export(transaction, export_id)
            if row is None:
                raise NotFound
            if row.status in (*stored.AT_WORK, "done"):
                stored.cancel_export(transaction, export_id)
                release_lease(transaction, export_id)
                enqueue(transaction, policy.DELETE_TASK, {"export_id": str(export_id)})
                context.audit("cancel_export", _EXPORT, str(export_id), {"was": row.status})
                row = _required(stored.get_export(transaction, export_id))
        return CancelExport200(_shown(row))

    @override
    def get_export_manifest(self, context: Context, /, *, export_id: UUID) -> GetExportManifest200:
        with context.transaction(read_only=True) as transaction:
            row = stored.get_export(transaction, export_id)
            if row is None:
                raise NotFound
            manifest = stored.get_manifest(transaction, export_id)
        if row.status in stored.AT_WORK:
            raise ExportNotFinished
        if manifest is None or row.sha256 is None:
            raise Gone
        return GetExportManifest200(EncodedJson(manifest), etag=row.sha256.hex())

    @override
    def download_export(
        self,
        context: Context,
        /,
        *,
        export_id: UUID,
        range: str | None = None,
        if_range: str | None = None,
    ) -> DownloadExport200 | DownloadExport303:
        # The runtime cuts out the part that `range` and `if_range` ask for.
        with context.transaction() as transaction:
            grant = self._links.redeemed(transaction, context.link, EXPORT, export_id)
            row = stored.get_export(transaction, export_id)
            if row is None or not _has_file(row, transaction.began_at):
                raise Gone
            context.audit("download_export", _EXPORT, str(export_id), {"grant": str(grant.id)})
            tenant_id = transaction.tenant_id
        folder = policy.folder_name(tenant_id, export_id)
        name = policy.file_name(folder, row.format, row.compression)
        saved_as = policy.download_name(export_id, row.format, row.compression)
        url = self._store.link(
            name, file_name=saved_as, media_type=_MEDIA_TYPE, seconds=_STORE_LINK_SECONDS
        )
        if url is not None:
            return DownloadExport303(
                location=url, cache_control=_NO_STORE, referrer_policy=_NO_REFERRER
            )
        return DownloadExport200(
            self._file(name, row),
            etag=(row.sha256 or b"").hex(),
            cache_control=_NO_STORE,
            referrer_policy=_NO_REFERRER,
            content_disposition=f'attachment; filename="{saved_as}"',
        )

    def _file(self, name: str, row: stored.ExportRow) -> StoredFile:
        try:
            size = self._store.size(name)
        except StoredFileMissing:
            size = None
        if size is None or size != row.size:
            _log.error("export_file_lost", export_id=str(row.id), size=size, expected=row.size)
            raise Gone
        return StoredFile(self._store, name, size)


def _counted(
    transaction: Transaction, first_id: UUID, end_id: UUID, severities: tuple[str, ...]
) -> int:
    """How many reports there are to export. Raises InvalidValue for too many, QueryTooSlow."""
    try:
        count, exact = stored.count_reports_between(
            transaction, first_id, end_id, severities, policy.COUNTED_AT_MOST
        )
    except StatementTimeout as error:
        raise QueryTooSlow from error
    _refuse(policy.check_count(count, exact=exact))
    return count


def _refuse(found: policy.TooMuch | None) -> None:
    if found is not None:
        raise _refusal(found)


def _refusal(found: policy.TooMuch) -> InvalidValue:
    return InvalidValue("body", found.pointer, found.keyword, found.limit, found.detail)


def _required(row: stored.ExportRow | None) -> stored.ExportRow:
    if row is None:
        raise NotFound
    return row


def _has_file(row: stored.ExportRow, now: datetime) -> bool:
    return row.status == "done" and row.expires_at is not None and row.expires_at > now


def _told(new: stored.NewExport) -> dict[str, object]:
    """What the audit log tells of what was asked for."""
    return {
        "days": (new.until - new.since) // timedelta(days=1),
        "severities": list(new.severities),
        "format": new.format,
        "include_raw": new.include_raw,
        "reports": new.total,
    }


def _shown(row: stored.ExportRow, link: dict[str, object] | None = None) -> EncodedJson:
    return EncodedJson(orjson.dumps({**_fields(row), **(link or {})}, option=orjson.OPT_UTC_Z))


def _fields(row: stored.ExportRow) -> dict[str, object]:
    return {
        "id": row.id,
        "status": row.status,
        "since": row.since,
        "until": row.until,
        "severity": row.severities,
        "format": row.format,
        "compression": row.compression,
        "include_raw": row.include_raw,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "progress": {"done": row.done, "total": row.total},
        "finished_at": row.finished_at,
        "expires_at": row.expires_at,
        "size": row.size,
        "sha256": None if row.sha256 is None else row.sha256.hex(),
        "failure": row.failure,
    }


def _link(token: str, grant: GrantRow) -> dict[str, object]:
    return {
        "download_url": f"/exports/{grant.object_id}/download?token={token}",
        "download_expires_at": grant.expires_at,
    }
