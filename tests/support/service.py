"""The real application over a real PostgreSQL, served by uvicorn at a free port of 127.0.0.1.

One for a whole test session: each test calls with tenants and keys of its own.
"""

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typing_extensions import override

from db.exports import AT_WORK, list_exports
from db.ids import TenantId
from db.session import Database
from handlers.auditing import Checkpoints
from handlers.export_store import ExportStore
from handlers.export_writing import ExportWriter
from handlers.signing import Signing
from policies.access import ROLES
from policies.link_tokens import LinkTokens
from policies.published_keys import PublishedKey
from policies.retention_rules import RetentionRules, WarningRules
from service.app import Parts, create_app
from service.auth import KeyEntry, KeyTable, parse_api_keys
from service.denials import Denials
from service.export_stores.folder import FolderStore
from service.keyring import Keyring, keyring_entry, parse_keyring
from service.rate_limits import RateLimits
from service.sealing import Sealer
from service.serve import listen
from service.signing import KeyInMemory
from tests.support.contract import document

KEYRING_TEXT: Final = keyring_entry(bytes(range(32)), "test1")
KEYRING: Final = parse_keyring(KEYRING_TEXT)
"""Of all that start a service on the shared database: it refuses others, once this is in use."""

SIGNING_KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNING: Final = Signing(KeyInMemory(SIGNING_KEY), (PublishedKey(SIGNING_KEY.public_key()),))
LINK_SECRET: Final = "secret of the links of all tests"
LINKS: Final = LinkTokens([LINK_SECRET])

RETENTION: Final = RetentionRules(30, {}, WarningRules(1000, 0.5, 3))

SECRET_MARK: Final = "secretmark-"
TENANT_MARK: Final = "tenantmark-"


class IssuedKeys(KeyTable):
    """Keys that tests issue while the service runs."""

    def __init__(self) -> None:
        super().__init__(())
        self._issued: dict[str, KeyTable] = {}

    def issue(self, key_id: str, tenant: str, role: str, expires_on: str = "") -> str:
        """Issues a key and returns its secret."""
        return self.issue_for(key_id, {tenant: role}, expires_on)

    def issue_for(self, key_id: str, roles: Mapping[str, str], expires_on: str = "") -> str:
        """Issues one key with a role in each of several tenants, and returns its secret."""
        secret = SECRET_MARK + secrets.token_hex(16)
        expiry = [expires_on] if expires_on else []
        entries = [
            ":".join([key_id, tenant, role, secret, *expiry]) for tenant, role in roles.items()
        ]
        self._issued[secret] = KeyTable(parse_api_keys(",".join(entries)))
        return secret

    def adopt(self, others: "IssuedKeys") -> None:
        """Takes the keys of a service that ran before."""
        self._issued.update(others._issued)

    @override
    def find(self, secret: str) -> Mapping[str, KeyEntry] | None:
        issued = self._issued.get(secret)
        return issued.find(secret) if issued else None


class RunningService:
    """A service that answers at `url`. `database` is the one its handlers use."""

    def __init__(
        self,
        url: str,
        database: Database,
        keys: IssuedKeys,
        denials: Denials,
        exports: ExportWriter,
        export_folder: Path,
    ) -> None:
        self.url = url
        self.export_folder = export_folder
        self.exports = exports
        self.denials = denials
        self.http = httpx2.Client(base_url=url, timeout=30, trust_env=False, verify=False)
        self.database = database
        self.keys = keys

    def have_work_done(self, tenant: str) -> None:
        """Does in this thread what a worker would do of the tenant's exports."""
        with self.database.tenant_transaction(TenantId(tenant), read_only=True) as tx:
            exports = list_exports(tx, before=None, limit=100)
        for export in exports:
            if export.status in AT_WORK or export.files_deleted_at is None:
                self.exports.write(TenantId(tenant), export.id)

    def new_tenant(self) -> tuple[str, dict[str, str]]:
        """A tenant that nobody else has, and the secret of a key for each role."""
        tenant = TENANT_MARK + secrets.token_hex(8)
        return tenant, {role: self.keys.issue(f"key-{role}", tenant, role) for role in ROLES}

    @contextmanager
    def counted_statements(self) -> Iterator[list[str]]:
        """The SQL of each round trip to the database while the block runs."""
        seen: list[str] = []
        self.database.on_statement = seen.append
        try:
            yield seen
        finally:
            self.database.on_statement = None


@contextmanager
def running_service(
    database: Database,
    *,
    places: int = 8,
    keyring: Keyring | None = KEYRING,
    signing: Signing = SIGNING,
    links: LinkTokens | None = LINKS,
    draining: Callable[[], bool] = lambda: False,
    rate_limits: RateLimits | None = None,
    checkpoints: Checkpoints | None = None,
    export_store: ExportStore | None = None,
    retention: RetentionRules = RETENTION,
) -> Iterator[RunningService]:
    """Serves until the block ends, then closes the database. Exports go to a folder of its own.

    Whom it refused, the audit log tells at the end, or when a test has `denials` flushed.
    """
    keys = IssuedKeys()
    denials = Denials(database, every_seconds=3600)
    folder = Path(tempfile.mkdtemp(prefix="collector-exports-"))
    store = export_store or FolderStore(folder)
    parts = Parts(
        database=database,
        keys=lambda: keys,
        keyring=keyring,
        signing=signing,
        links=links,
        export_store=store,
        retention=retention,
        places=places,
        rate_limits=rate_limits,
        checkpoints=checkpoints,
        denials=denials,
    )
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(parts, draining), log_config=None, access_log=False, lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="service-under-test")
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the service under test did not start")
            time.sleep(0.01)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        exports = export_writer(database, store, keyring, signing)
        running = RunningService(url, database, keys, denials, exports, folder)
        with running.http:
            yield running
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listener.close()
        shutil.rmtree(folder)


def export_writer(
    database: Database,
    store: ExportStore,
    keyring: Keyring | None = KEYRING,
    signing: Signing = SIGNING,
) -> ExportWriter:
    """What a worker writes exports with."""
    return ExportWriter(
        tenants=database,
        store=store,
        signing=signing,
        sealer=None if keyring is None else Sealer(keyring),
        contract_version=document()["info"]["version"],
        keep_for=timedelta(days=7),
    )
