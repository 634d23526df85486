"""What a report is worth to a stranger: its signed bundle, links to it, and who got them."""

from typing import Final
from uuid import UUID

from typing_extensions import override

from db import bundles
from db.ids import ReportId
from db.link_grants import GrantRow, get_grant, list_grants, revoke_grants
from db.reports import ReportRow, get_report, report_exists
from db.transaction import Transaction
from generated.routes.evidence import (
    DownloadBundle200,
    EvidenceHandlers,
    GetBundleMeta200,
    ListSignHistory200,
    RevokeBundleLinks204,
    SignReport200,
)
from generated.runtime.hooks import Page
from handlers.bundling import BundleBroken, bundle_meta, bundled, frozen_bundle
from handlers.context import Context
from handlers.errors import Gone, NotFound
from handlers.links import BUNDLE, Links, bundle_link, history_page
from handlers.paging import uuid_cursor
from handlers.sealing import RawSealer, opened_text
from handlers.signing import Signing
from policies.stored_zip import archive_chunks

_NO_STORE: Final = "private, no-store"
_NO_REFERRER: Final = "no-referrer"
_REPORT: Final = "report"


class Evidence(EvidenceHandlers[Context]):
    """`sealer` decrypts raw; None if no key is configured."""

    def __init__(self, sealer: RawSealer | None, signing: Signing, links: Links) -> None:
        self._sealer = sealer
        self._signing = signing
        self._links = links

    @override
    def sign_report(self, context: Context, /, *, report_id: UUID) -> SignReport200:
        self._links.require_tokens()
        with context.transaction() as transaction:
            grant = _replayed(context, transaction)
            if grant is None:
                grant = self._sign(context, transaction, ReportId(report_id))
            context.reference = str(grant.id)
            context.audit("sign_report", _REPORT, str(report_id), {"grant": str(grant.id)})
        link = bundle_link(self._links.token(context.principal.tenant_id, grant), grant)
        return SignReport200(link, cache_control=_NO_STORE, referrer_policy=_NO_REFERRER)

    def _sign(self, context: Context, transaction: Transaction, report_id: ReportId) -> GrantRow:
        state = bundles.lock_signing(transaction, report_id)
        if not state.exists:
            raise NotFound
        if not state.is_signed:
            signer = self._signing.require_signer("A report")
            row, text = self._report(transaction, report_id)
            bundle = frozen_bundle(transaction.tenant_id, row, text, signer, state.now)
            bundles.freeze_bundle(transaction, report_id, bundle)
        return self._links.granted(transaction, report_id, context.principal, state.now)

    @override
    def revoke_bundle_links(self, context: Context, /, *, report_id: UUID) -> RevokeBundleLinks204:
        with context.transaction() as transaction:
            state = bundles.lock_signing(transaction, ReportId(report_id))
            revoked = revoke_grants(transaction, BUNDLE, report_id, context.principal.key_id)
            if not revoked and not state.exists:
                raise NotFound
            context.audit("revoke_bundle_links", _REPORT, str(report_id), {"revoked": revoked})
        return RevokeBundleLinks204()

    @override
    def list_sign_history(
        self, context: Context, /, *, report_id: UUID, page: Page
    ) -> ListSignHistory200:
        after = uuid_cursor(page)
        with context.transaction(read_only=True) as transaction:
            # One row more than the page shows tells whether there is another page.
            rows = list_grants(transaction, BUNDLE, report_id, before=after, limit=page.limit + 1)
            if not rows and not report_exists(transaction, ReportId(report_id)):
                raise NotFound
            now = transaction.began_at
        return ListSignHistory200(history_page(rows, page, now))

    @override
    def get_bundle_meta(self, context: Context, /, *, report_id: UUID) -> GetBundleMeta200:
        tenant_id = context.principal.tenant_id
        found = bundles.look_up_summary(context.database, tenant_id, ReportId(report_id))
        if found is None:
            raise NotFound
        version = "unsigned" if found.sha256 is None else found.sha256.hex()
        return GetBundleMeta200(bundle_meta(found), etag=version)

    @override
    def download_bundle(self, context: Context, /, *, report_id: UUID) -> DownloadBundle200:
        with context.transaction() as transaction:
            grant = self._links.redeemed(transaction, context.link, BUNDLE, report_id)
            row, text = self._report(transaction, ReportId(report_id), missing=Gone)
            bundle = bundles.get_bundle(transaction, ReportId(report_id))
            if bundle is None:
                raise BundleBroken(row.id, "it was signed, but what was frozen then is gone")
            members = bundled(row, text, bundle)
            context.audit("download_bundle", _REPORT, str(report_id), {"grant": str(grant.id)})
        return DownloadBundle200(
            archive_chunks(members),
            content_length=bundle.size,
            cache_control=_NO_STORE,
            referrer_policy=_NO_REFERRER,
            content_disposition=f'attachment; filename="qc-report-{report_id}.zip"',
        )

    def _report(
        self,
        transaction: Transaction,
        report_id: ReportId,
        missing: type[NotFound | Gone] = NotFound,
    ) -> tuple[ReportRow, bytes]:
        row = get_report(transaction, report_id)
        if row is None:
            raise missing
        return row, opened_text(self._sealer, transaction.tenant_id, row)


def _replayed(context: Context, transaction: Transaction) -> GrantRow | None:
    """The grant that a request with the same idempotency key was answered with."""
    if context.replay_of is None:
        return None
    return get_grant(transaction, UUID(context.replay_of))
