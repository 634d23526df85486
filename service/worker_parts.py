"""What a worker's tasks are given, made of its settings."""

import json
from datetime import timedelta
from importlib.resources import files

from db.session import Database
from handlers.export_writing import ExportWriter
from service.export_stores import configured_export_store
from service.keyring import keyring_text, parse_keyring
from service.sealing import Sealer
from service.settings import Settings
from service.signing import configured_signing
from service.tasks.task import WorkerParts


def worker_parts(settings: Settings, tenants: Database, maintenance: Database) -> WorkerParts:
    """`settings` hold keys in plain. Raises SettingsError."""
    keys = keyring_text(settings)
    exports = ExportWriter(
        tenants=tenants,
        store=configured_export_store(settings),
        signing=configured_signing(settings),
        sealer=None if keys is None else Sealer(parse_keyring(keys)),
        contract_version=_contract_version(),
        keep_for=timedelta(days=settings.export_keep_days),
    )
    return WorkerParts(settings=settings, tenants=tenants, maintenance=maintenance, exports=exports)


def _contract_version() -> str:
    text = files("generated").joinpath("openapi.json").read_bytes()
    version: str = json.loads(text)["info"]["version"]
    return version
