"""Builds the ASGI application from its parts; opens no connection and reads no setting itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from starlette.types import ASGIApp

from db.session import Database
from generated.operations import OPERATIONS
from generated.routes import Handlers, routes
from generated.runtime.application import Assembly, build_application
from generated.runtime.exchange import RequestRecord
from handlers.admin import Admin
from handlers.auditing import Checkpoints
from handlers.evidence import Evidence
from handlers.export_store import ExportStore
from handlers.exports import Exports
from handlers.health import Health
from handlers.holds import Holds
from handlers.ingest import Ingest
from handlers.links import Links
from handlers.preparation import Preparation
from handlers.reports import Reports
from handlers.retention import Retention
from handlers.signing import Signing
from handlers.timeline import Timeline
from policies.link_tokens import LinkTokens
from policies.retention_rules import RetentionRules
from service import VERSION
from service.auth import Authentication, KeyTable
from service.denials import Denials
from service.docs_page import public_files
from service.hooks import ServiceHooks
from service.keyring import Keyring
from service.problems import problem_of
from service.rate_limits import RateLimits
from service.redaction import report_redactor
from service.sealing import Sealer
from service.telemetry import log_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an application is made of. `places` is how many handlers run at once.

    Without `links` there are no links to bundles.

    Without `rate_limits` callers may ask as much as they like; without `denials` the audit log
    doesn't tell of whom was refused, and without `checkpoints` it is verified by itself alone.
    """

    database: Database
    keys: Callable[[], KeyTable]
    keyring: Keyring | None
    signing: Signing
    links: LinkTokens | None
    export_store: ExportStore
    retention: RetentionRules
    places: int
    rate_limits: RateLimits | None = None
    checkpoints: Checkpoints | None = None
    denials: Denials | None = None


def contract() -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    """The bundled contract as bytes and parsed, and its view for Connexion."""
    package = files("generated")
    text = package.joinpath("openapi.json").read_bytes()
    view = json.loads(package.joinpath("connexion.json").read_bytes())
    return text, json.loads(text), view


def create_app(parts: Parts, draining: Callable[[], bool] = lambda: False) -> ASGIApp:
    """The collector as an ASGI application. `draining` makes readiness fail."""
    text, document, view = contract()
    contract_version = document["info"]["version"]
    keyring = parts.keyring
    sealer = Sealer(keyring) if keyring else None
    preparation = Preparation(report_redactor(document))
    links = Links(parts.links)
    handlers = Handlers(
        admin=Admin(parts.checkpoints, parts.signing.published),
        health=Health(
            version=VERSION,
            contract_version=contract_version,
            files=public_files(text),
            keys=parts.signing.published,
            draining=draining,
        ),
        ingest=Ingest(preparation, keyring.digest if keyring else None, sealer),
        reports=Reports(sealer),
        evidence=Evidence(sealer, parts.signing, links),
        exports=Exports(parts.export_store, parts.signing, links),
        holds=Holds(preparation),
        retention=Retention(parts.retention),
        timeline=Timeline(),
    )
    hooks = ServiceHooks(parts.database, contract_version, preparation)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        if parts.denials is not None:
            parts.denials.start()
        yield
        if parts.denials is not None:
            # In a thread, as it waits for the database; the loop has nothing else left to do.
            await asyncio.to_thread(parts.denials.close)
        parts.database.close()
        if parts.rate_limits is not None:
            await parts.rate_limits.close()

    return build_application(
        Assembly(
            document=document,
            view=view,
            operations=OPERATIONS,
            routes=routes(handlers, hooks),
            authenticators=Authentication(parts.keys, links=parts.links).authenticators(),
            problem_table=problem_of,
            observer=_observer(parts.denials),
            places=parts.places,
            quota=parts.rate_limits,
            keeps_request_id=preparation.is_harmless,
            lifespan=lifespan,
        )
    )


def _observer(denials: Denials | None) -> Callable[[RequestRecord], None]:
    if denials is None:
        return log_request

    def observe(record: RequestRecord) -> None:
        denials.note(record)
        log_request(record)

    return observe
