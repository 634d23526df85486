"""The stores that exports' files may be kept in, and which one settings ask for."""

from handlers.export_store import ExportStore
from service.export_stores.folder import FolderStore
from service.s3_place import S3Place
from service.settings import Settings, SettingsError


def configured_export_store(settings: Settings) -> ExportStore:
    """Connects to nothing. Raises SettingsError."""
    place = settings.export_place
    return _s3_store(place) if isinstance(place, S3Place) else FolderStore(place)


def _s3_store(place: S3Place) -> ExportStore:
    try:
        # Most installations have no use for it, and its library takes time and memory.
        from service.export_stores.s3 import S3Store
    except ImportError:
        raise SettingsError(
            "EXPORT_STORE: s3:// needs the package boto3; install it with "
            "`pip install 'collector[s3]'`"
        ) from None
    return S3Store(place)
