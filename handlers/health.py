"""Whether the service runs, and what it promises."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from typing_extensions import override

from db.errors import DatabaseError, PoolTimeout
from db.jobs import worker_runs
from generated.models import DocsAsset, Liveness, SigningKeyList
from generated.models import Health as HealthBody
from generated.routes.health import (
    GetContract200,
    GetDocs200,
    GetDocsAsset200,
    GetHealth200,
    GetHealth503,
    GetLiveness200,
    GetSigningKeys200,
    HealthHandlers,
)
from handlers.context import Context
from policies.published_keys import PublishedKey, as_json

SERVICE = "collector"
DatabaseState = Literal["connected", "refuses_writes", "unreachable"]
WorkerState = Literal["running", "absent", "unknown"]


@dataclass(frozen=True, slots=True)
class PublicFiles:
    """What is served as it is: contract, documentation page, its policy (CSP) and its assets."""

    contract: bytes
    docs_page: bytes
    docs_policy: str
    docs_assets: Mapping[DocsAsset, bytes]


class Health(HealthHandlers[Context]):
    """`keys` are the public signing keys. `draining` tells whether the service is shutting down."""

    def __init__(
        self,
        *,
        version: str,
        contract_version: str,
        files: PublicFiles,
        keys: Sequence[PublishedKey],
        draining: Callable[[], bool],
    ) -> None:
        self._version = version
        self._contract_version = contract_version
        self._files = files
        self._keys = SigningKeyList.model_validate({"keys": [as_json(key) for key in keys]})
        self._draining = draining

    @override
    def get_health(self, context: Context, /) -> GetHealth200 | GetHealth503:
        found, worker = _states(context)
        draining = self._draining()
        body = self._body("degraded" if draining or found != "connected" else "ok", found, worker)
        # One that refuses writes is still ready: reading goes on, and would end if none were sent.
        return GetHealth503(body) if draining or found == "unreachable" else GetHealth200(body)

    def _body(
        self, status: Literal["ok", "degraded"], database: DatabaseState, worker: WorkerState
    ) -> HealthBody:
        return HealthBody(
            status=status,
            service=SERVICE,
            version=self._version,
            contract_version=self._contract_version,
            database=database,
            worker=worker,
        )

    @override
    def get_liveness(self, context: Context, /) -> GetLiveness200:
        return GetLiveness200(Liveness(status="alive"))

    @override
    def get_contract(self, context: Context, /) -> GetContract200:
        return GetContract200(self._files.contract)

    @override
    def get_signing_keys(self, context: Context, /) -> GetSigningKeys200:
        return GetSigningKeys200(self._keys)

    @override
    def get_docs(self, context: Context, /) -> GetDocs200:
        return GetDocs200(self._files.docs_page, content_security_policy=self._files.docs_policy)

    @override
    def get_docs_asset(self, context: Context, /, *, asset: DocsAsset) -> GetDocsAsset200:
        media_type = "text/css" if asset.endswith(".css") else "text/javascript"
        return GetDocsAsset200(self._files.docs_assets[asset], content_type=media_type)


def _states(context: Context) -> tuple[DatabaseState, WorkerState]:
    try:
        worker: WorkerState = "running" if worker_runs(context.database) else "absent"
    except PoolTimeout:
        # Every connection is at work, so the database answers.
        return "connected", "unknown"
    except DatabaseError:
        return "unreachable", "unknown"
    return "refuses_writes" if context.database.refuses_writes else "connected", worker
