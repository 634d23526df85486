"""Whether the service runs, and what it promises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from typing_extensions import override

from db.errors import DatabaseError, PoolTimeout
from generated.models import DocsAsset, Liveness
from generated.models import Health as HealthBody
from generated.routes.health import (
    GetContract200,
    GetDocs200,
    GetDocsAsset200,
    GetHealth200,
    GetHealth503,
    GetLiveness200,
    HealthHandlers,
)
from handlers.context import Context

SERVICE = "collector"


@dataclass(frozen=True, slots=True)
class PublicFiles:
    """What is served as it is: contract, documentation page, its policy (CSP) and its assets."""

    contract: bytes
    docs_page: bytes
    docs_policy: str
    docs_assets: Mapping[DocsAsset, bytes]


class Health(HealthHandlers[Context]):
    """`draining` tells whether the service is shutting down."""

    def __init__(
        self,
        *,
        version: str,
        contract_version: str,
        files: PublicFiles,
        draining: Callable[[], bool],
    ) -> None:
        self._version = version
        self._contract_version = contract_version
        self._files = files
        self._draining = draining

    @override
    def get_health(self, context: Context, /) -> GetHealth200 | GetHealth503:
        connected = True
        try:
            context.database.ping()
        except PoolTimeout:
            # Every connection is at work, so the database answers.
            connected = True
        except DatabaseError:
            connected = False
        if connected and not self._draining():
            return GetHealth200(self._body("ok", "connected"))
        return GetHealth503(self._body("degraded", "connected" if connected else "unreachable"))

    def _body(
        self, status: Literal["ok", "degraded"], database: Literal["connected", "unreachable"]
    ) -> HealthBody:
        return HealthBody(
            status=status,
            service=SERVICE,
            version=self._version,
            contract_version=self._contract_version,
            database=database,
        )

    @override
    def get_liveness(self, context: Context, /) -> GetLiveness200:
        return GetLiveness200(Liveness(status="alive"))

    @override
    def get_contract(self, context: Context, /) -> GetContract200:
        return GetContract200(self._files.contract)

    @override
    def get_docs(self, context: Context, /) -> GetDocs200:
        return GetDocs200(self._files.docs_page, content_security_policy=self._files.docs_policy)

    @override
    def get_docs_asset(self, context: Context, /, *, asset: DocsAsset) -> GetDocsAsset200:
        media_type = "text/css" if asset.endswith(".css") else "text/javascript"
        return GetDocsAsset200(self._files.docs_assets[asset], content_type=media_type)
