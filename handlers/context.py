"""What a handler gets of the request it serves: who calls, and the door to the database.

One context serves one request, in one thread; the transaction it opens is shared by whoever asks,
so that hooks and handler see one snapshot and commit together.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from db.audit import AuditEvent, Outcome, record
from db.errors import StatementTimeout
from db.ids import TenantId
from db.revisions import RevisionClass, Revisions, snapshot_with_revisions
from db.session import Database
from db.transaction import Transaction
from handlers.errors import QueryTooSlow
from policies.access import BearerRole, Role
from policies.link_tokens import Link


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: the only parts of a key that are ever stored or logged.

    Whoever comes by a link has the link's grant as `key_id`, `link:` before it.
    """

    tenant_id: TenantId
    key_id: str
    role: Role | BearerRole


@dataclass(slots=True)
class Context:
    """`caller` is None for public operations. `sent` is the request's JSON body, exact to the last
    digit, where its model is not enough. `now` is the request's one idea of the time (UTC).

    `replay_of` names the result of an earlier request with the same idempotency key; a handler of
    an unsafe operation then answers with that, and otherwise leaves its own in `reference`. Where
    nothing stored leads to an answer, its bytes travel in `replayed_answer` and `answer` as well.

    `link` is what a caller without a key has shown instead.

    `own_secret` is the key that the caller has shown. It is here to be taken out of what is stored.
    """

    database: Database
    request_id: str
    caller: Principal | None
    sent: Any = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    replay_of: str | None = None
    reference: str | None = None
    replayed_answer: bytes | None = None
    answer: bytes | None = None
    own_secret: str | None = field(default=None, repr=False)
    link: Link | None = None
    _open: Transaction | None = None
    _read_only: bool = False

    @property
    def principal(self) -> Principal:
        if self.caller is None:
            raise LookupError("a public operation has no principal; give it a security requirement")
        return self.caller

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Transaction]:
        """The caller's tenant's transaction; a nested call joins the one that is open."""
        if self._open is not None:
            if self._read_only and not read_only:
                raise RuntimeError("a writing transaction was asked for inside a read-only one")
            yield self._open
            return
        tenant_id = self.principal.tenant_id
        with (
            self.database.tenant_transaction(tenant_id, read_only=read_only) as transaction,
            self._joined(transaction, read_only=read_only),
        ):
            yield transaction

    def audit(
        self,
        action: str,
        object_type: str | None = None,
        object_id: str | None = None,
        details: Mapping[str, object] | None = None,
        outcome: Outcome = "done",
    ) -> None:
        """Have the caller's tenant's audit chain tell of this, if the transaction commits.

        Call it inside the writing transaction of the effect, whose last statement it becomes;
        outside of one it has a transaction of its own. `action` is the operation id; `details` are
        few and small, with no secret and no text that was sent.
        """
        caller = self.principal
        event = AuditEvent(
            action=action,
            object_type=object_type,
            object_id=object_id,
            outcome=outcome,
            actor=caller.key_id,
            role=caller.role,
            request_id=self.request_id,
            details=details or {},
        )
        with self.transaction() as transaction:
            record(transaction, event)

    @contextmanager
    def snapshot(self, classes: Iterable[RevisionClass]) -> Iterator[tuple[Transaction, Revisions]]:
        """A read-only transaction for all who ask for one, and the revisions that it sees."""
        tenant_id = self.principal.tenant_id
        with (
            snapshot_with_revisions(self.database, tenant_id, classes) as (transaction, seen),
            self._joined(transaction, read_only=True),
        ):
            yield transaction, seen

    @contextmanager
    def _joined(self, transaction: Transaction, *, read_only: bool) -> Iterator[None]:
        """Has nested calls join this transaction."""
        self._open, self._read_only = transaction, read_only
        try:
            yield
        except StatementTimeout as error:
            if read_only:
                raise QueryTooSlow from error
            raise
        finally:
            self._open = None
