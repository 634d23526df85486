"""Links that work without a key: granted, told, redeemed. The token itself is kept nowhere."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

import orjson

from db.ids import TenantId
from db.link_grants import GrantRow, get_grant, insert_grant, live_grant, new_grant_id
from db.transaction import Transaction
from generated.models import BundleLink
from generated.runtime.encoded_json import EncodedJson
from generated.runtime.hooks import Page
from handlers.context import Principal
from handlers.errors import LinkRefused, NotConfigured, WrongLink
from handlers.paging import page_of
from policies.link_tokens import Link, LinkTokens, Purpose, fingerprint_of

BUNDLE: Final[Purpose] = "bundle"
EXPORT: Final[Purpose] = "export"
LIFETIME: Final = timedelta(hours=1)
_SECOND: Final = timedelta(seconds=1)


class Links:
    """`tokens` is None where no secret is configured."""

    def __init__(self, tokens: LinkTokens | None) -> None:
        self._tokens = tokens

    def require_tokens(self) -> LinkTokens:
        """Raises NotConfigured."""
        if self._tokens is None:
            raise NotConfigured("Links can't be made or used: EXPORT_SIGN_SECRET is not set.")
        return self._tokens

    def granted(
        self, transaction: Transaction, report_id: UUID, principal: Principal, now: datetime
    ) -> GrantRow:
        """The caller's live grant to the bundle, or a new one. Under the signing's lock alone."""
        live = live_grant(transaction, BUNDLE, report_id, principal.key_id, now)
        if live is not None and self._is_same(transaction.tenant_id, live):
            return live
        return self._new(transaction, BUNDLE, report_id, principal, now, now + LIFETIME)

    def granted_file(
        self,
        transaction: Transaction,
        export_id: UUID,
        principal: Principal,
        now: datetime,
        until: datetime,
    ) -> GrantRow | None:
        """The caller's grant to an export's file, which ends `until` then at the latest.

        One that is about to end is replaced, as a file may take long to fetch. None where next to
        no time is left. Under the export's lock alone.
        """
        until = until.replace(microsecond=0)
        if until - now < _SECOND:
            return None
        enough = min(now + LIFETIME / 2, until - _SECOND)
        live = live_grant(transaction, EXPORT, export_id, principal.key_id, enough)
        if live is not None and self._is_same(transaction.tenant_id, live):
            return live
        ends_at = min(now + LIFETIME, until)
        return self._new(transaction, EXPORT, export_id, principal, now, ends_at)

    def _new(
        self,
        transaction: Transaction,
        purpose: Purpose,
        object_id: UUID,
        principal: Principal,
        now: datetime,
        ends_at: datetime,
    ) -> GrantRow:
        link = Link(
            transaction.tenant_id,
            object_id,
            purpose,
            new_grant_id(now),
            now.replace(microsecond=0),
            ends_at.replace(microsecond=0),
        )
        token = self.require_tokens().token(link)
        grant = GrantRow(
            id=link.grant_id,
            purpose=link.purpose,
            object_id=object_id,
            key_id=principal.key_id,
            role=principal.role,
            issued_at=link.issued_at,
            expires_at=link.expires_at,
            token_sha256=fingerprint_of(token),
        )
        insert_grant(transaction, grant)
        return grant

    def token(self, tenant_id: TenantId, grant: GrantRow) -> str:
        return self.require_tokens().token(_link(tenant_id, grant), grant.token_sha256)

    @property
    def can_be_made(self) -> bool:
        return self._tokens is not None

    def redeemed(
        self, transaction: Transaction, link: Link | None, purpose: Purpose, object_id: UUID
    ) -> GrantRow:
        """The grant of a link to this very thing. Raises WrongLink, LinkRefused."""
        if link is None or (link.object_id, link.purpose) != (object_id, purpose):
            raise WrongLink
        grant = get_grant(transaction, link.grant_id)
        if grant is None or _link(transaction.tenant_id, grant) != link:
            raise LinkRefused("The link was never given out here.")
        if grant.revoked_at is not None:
            raise LinkRefused("The link has been revoked.")
        if grant.expires_at <= transaction.began_at:
            raise LinkRefused("The link has expired.")
        return grant

    def _is_same(self, tenant_id: TenantId, grant: GrantRow) -> bool:
        """Whether the grant's own token can still be told: its secret may be gone."""
        return fingerprint_of(self.token(tenant_id, grant)) == grant.token_sha256


def bundle_link(token: str, grant: GrantRow) -> BundleLink:
    return BundleLink.model_construct(
        token=token,
        issued_at=grant.issued_at,
        expires_at=grant.expires_at,
        bundle_url=f"/reports/{grant.object_id}/bundle.zip?token={token}",
    )


def history_page(rows: Sequence[GrantRow], page: Page, now: datetime) -> EncodedJson:
    """What `list_sign_history` answers; `rows` are one more than shown if there is another page."""
    shown = page_of(rows, page, lambda row: row.id)
    body = {
        "items": [_entry(row, now) for row in shown.rows],
        "next_page_token": shown.next_token,
    }
    return EncodedJson(orjson.dumps(body, option=orjson.OPT_UTC_Z))


def _entry(row: GrantRow, now: datetime) -> dict[str, object]:
    if row.revoked_at is not None:
        state = "revoked"
    else:
        state = "live" if row.expires_at > now else "expired"
    return {
        "id": row.id,
        "state": state,
        "key_id": row.key_id,
        "role": row.role,
        "issued_at": row.issued_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "revoked_by": row.revoked_by,
        "fingerprint": row.token_sha256.hex(),
    }


def _link(tenant_id: TenantId, grant: GrantRow) -> Link:
    # The table admits no other.
    purpose = cast(Purpose, grant.purpose)
    return Link(tenant_id, grant.object_id, purpose, grant.id, grant.issued_at, grant.expires_at)
