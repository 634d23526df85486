"""The stores that exports' files may be kept in, and which one settings ask for."""

from handlers.export_store import ExportStore
from service.export_stores.folder import FolderStore
from service.settings import Settings


def configured_export_store(settings: Settings) -> ExportStore:
    return FolderStore(settings.export_folder)
