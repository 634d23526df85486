"""Counts refused calls in memory, and has the audit log tell who was refused what, and how often.

No call waits for the database, and a flood of them makes a few entries a minute. What is counted
but not yet written is lost if the process is killed.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Final

import structlog

from db.audit import SYSTEM_TENANT, AuditEvent, record
from db.errors import DatabaseError
from db.ids import TenantId
from db.session import Database
from generated.runtime.exchange import RequestRecord
from service.auth import Denied, Refusal, principal_of

FLUSH_SECONDS: Final = 5.0
MOST_SOURCES: Final = 500
"""Sources counted by themselves at a time; those beyond are counted together."""

_AUTHENTICATE: Final = "authenticate"
_OTHERS: Final = "others"
_IPV6_NETWORK_BITS: Final = 64

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Source:
    """Who was refused what, in which minute since 1970; all of it the same entry."""

    minute: int
    tenant: TenantId
    reason: str
    action: str
    source: str | None
    actor: str | None
    role: str | None


@dataclass(slots=True)
class _Count:
    """`first` calls of a source are told soon, the rest when their minute is over."""

    new: int = 0
    told: bool = False
    request_id: str | None = None


class Denials:
    """One of a process. `start` it before calls come, `close` it after the last."""

    def __init__(
        self,
        database: Database,
        *,
        every_seconds: float = FLUSH_SECONDS,
        most_sources: int = MOST_SOURCES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._every_seconds = every_seconds
        self._most_sources = most_sources
        self._clock = clock
        self._counts: dict[_Source, _Count] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="denials", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def note(self, request: RequestRecord) -> None:
        """Counts a finished request, if it was refused. Runs on the event loop: waits for nothing
        but another thread's few instructions.
        """
        if request.status not in (401, 403):
            return
        key = self._source(request)
        with self._lock:
            if key not in self._counts and len(self._counts) >= self._most_sources:
                key = _Source(
                    key.minute, TenantId(SYSTEM_TENANT), _OTHERS, _AUTHENTICATE, None, None, None
                )
            count = self._counts.setdefault(key, _Count())
            count.new += 1
            count.request_id = request.request_id

    def close(self) -> None:
        """Writes what is left."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._every_seconds + 5)
        self.flush(all_of_them=True)

    def flush(self, *, all_of_them: bool = False) -> None:
        """Writes sources that are new, and the rest of those whose minute is over.

        What can't be written now stays for the next time.
        """
        with self._writing:
            due = self._due(all_of_them=all_of_them)
            by_tenant: dict[TenantId, list[tuple[_Source, int, str | None]]] = {}
            for entry in due:
                by_tenant.setdefault(entry[0].tenant, []).append(entry)
            for tenant, entries in by_tenant.items():
                self._write(tenant, entries)

    def _run(self) -> None:
        while not self._ended.wait(self._every_seconds):
            self.flush()

    def _source(self, request: RequestRecord) -> _Source:
        minute = int(self._clock() // 60)
        failure = request.failure
        if isinstance(failure, Denied) and failure.refusal is Refusal.ROLE:
            operation = request.operation_id or _AUTHENTICATE
            return _Source(
                minute,
                TenantId(failure.tenant_id),
                failure.refusal.value,
                operation,
                None,
                failure.key_id,
                failure.role,
            )
        bearer = principal_of(request.identities)
        if bearer is not None and bearer.role == "bearer":
            # The link was given out here once, so that its tenant is to know of it.
            operation = request.operation_id or _AUTHENTICATE
            reason, tenant = Refusal.LINK.value, bearer.tenant_id
            return _Source(minute, tenant, reason, operation, None, bearer.key_id, bearer.role)
        system = TenantId(SYSTEM_TENANT)
        peer = _network(request.peer)
        if isinstance(failure, Denied):
            reason, actor = failure.refusal.value, failure.key_id
        else:
            reason, actor = Refusal.UNAUTHENTICATED.value, None
        return _Source(minute, system, reason, _AUTHENTICATE, peer, actor, None)

    def _due(self, *, all_of_them: bool) -> list[tuple[_Source, int, str | None]]:
        minute = int(self._clock() // 60)
        due = []
        with self._lock:
            for source, count in list(self._counts.items()):
                is_over = source.minute < minute
                if count.new and (all_of_them or is_over or not count.told):
                    due.append((source, count.new, count.request_id))
                    count.new = 0
                    count.told = True
                if is_over and not count.new:
                    del self._counts[source]
        return due

    def _write(self, tenant: TenantId, entries: Iterable[tuple[_Source, int, str | None]]) -> None:
        entries = list(entries)
        try:
            with self._database.tenant_transaction(tenant) as transaction:
                for source, calls, request_id in entries:
                    record(transaction, _event(source, calls, request_id))
        except DatabaseError as error:
            _log.error("denials_not_recorded", reason=str(error), sources=len(entries))
            self._take_back(entries)

    def _take_back(self, entries: Iterable[tuple[_Source, int, str | None]]) -> None:
        with self._lock:
            for source, calls, request_id in entries:
                count = self._counts.setdefault(source, _Count(request_id=request_id))
                count.new += calls


def _event(source: _Source, calls: int, request_id: str | None) -> AuditEvent:
    begun = datetime.fromtimestamp(source.minute * 60, UTC)
    details = {"reason": source.reason, "calls": calls, "minute": f"{begun:%Y-%m-%dT%H:%MZ}"}
    if source.source is not None:
        details["source"] = source.source
    return AuditEvent(
        action=source.action,
        outcome="denied",
        actor=source.actor,
        role=source.role,
        request_id=request_id,
        details=details,
    )


def _network(peer: str | None) -> str | None:
    """The address as one source: who has an IPv6 address mostly has all of its network's."""
    if peer is None:
        return None
    try:
        address = ip_address(peer)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        prefix = int(address) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS
        return f"{IPv6Address(prefix)}/{_IPV6_NETWORK_BITS}"
    return str(address)
