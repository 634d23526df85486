"""Settings from environment variables, each also as `NAME_FILE`; every mistake is named at once.

Reads the environment and files only; connects to nothing.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from redis.asyncio import ConnectionPool
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from typing_extensions import override

from policies.rates import parse_rate
from service.s3_place import S3Place, mistakes_of, parse_place

# Their `_FILE` forms are settings of their own: the file is read again whenever it changes.
_OWN_FILE_SETTING = frozenset({"api_keys"})

LogLevel = Literal["debug", "info", "warning", "error"]


class SettingsError(Exception):
    """Settings that can't be used; the message lists each, by its variable's name."""


def default_home() -> Path:
    """Where the embedded default keeps its data: the usual place for an application's data."""
    if os.geteuid() == 0:
        return Path("/var/lib/collector")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "collector"


class _FileSource(PydanticBaseSettingsSource):
    """Values from the files that `NAME_FILE` variables name, for mounted secrets."""

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{field_name.upper()}_FILE")
        if path is None or field_name in _OWN_FILE_SETTING:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SettingsError(
                f"{field_name.upper()}_FILE: can't read the file: {reason}"
            ) from error
        except UnicodeDecodeError:
            # Not `from` it: the error holds the file's content.
            raise SettingsError(f"{field_name.upper()}_FILE: the file is not UTF-8 text") from None

    @override
    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self._fields()}
        return {name: value for name, value in found.items() if value is not None}

    def _fields(self) -> list[tuple[str, FieldInfo]]:
        return list(self.settings_cls.model_fields.items())


class Settings(BaseSettings):
    """What the service can be told. A field's description is what `collector settings` prints."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 picks one.")] = (
        9090
    )
    workers: Annotated[int, Field(ge=1, le=64, description="Server processes.")] = 1
    db_pool_size: Annotated[
        int,
        Field(
            ge=1,
            le=200,
            description="Running handlers a process, a database connection each, and one more.",
        ),
    ] = 8
    collector_home: Annotated[
        Path, Field(description="Data folder of the embedded database and of development keys.")
    ] = Field(default_factory=default_home)
    database_url: Annotated[
        SecretStr | None, Field(description="PostgreSQL to use, as the app login; none: embedded.")
    ] = None
    db_host: Annotated[str | None, Field(description="Host, where DATABASE_URL isn't set.")] = None
    db_port: Annotated[int, Field(ge=1, le=65535, description="Port, with DB_HOST.")] = 5432
    db_name: Annotated[str, Field(description="Database, with DB_HOST.")] = "collector"
    db_user: Annotated[str, Field(description="Login, with DB_HOST.")] = "collector_app"
    db_password: Annotated[SecretStr | None, Field(description="Password, with DB_HOST.")] = None
    migration_database_url: Annotated[
        SecretStr | None,
        Field(description="Login that `collector migrate` uses: owner or administrator."),
    ] = None
    maintenance_database_url: Annotated[
        SecretStr | None, Field(description="Login of the system's maintenance (collector_maint).")
    ] = None
    database_direct_url: Annotated[
        SecretStr | None,
        Field(
            description="The worker's collector_maint login past any pooler; "
            "none: MAINTENANCE_DATABASE_URL."
        ),
    ] = None
    worker_concurrency: Annotated[
        int, Field(ge=1, le=64, description="Jobs that one worker runs at once.")
    ] = 4
    worker_finish_seconds: Annotated[
        float,
        Field(ge=0, le=3600, description="After SIGTERM: how long a worker's jobs may go on."),
    ] = 25.0
    worker_lost_seconds: Annotated[
        float,
        Field(
            ge=3,
            le=120,
            description="Without a sign of life for so long, a worker's jobs go to others.",
        ),
    ] = 30.0
    job_stuck_seconds: Annotated[
        float,
        Field(
            ge=1,
            le=86_400,
            description="A job that is due or runs for so long is told of as stuck.",
        ),
    ] = 900.0
    metrics_port: Annotated[
        int,
        Field(ge=0, le=65535, description="A worker's Prometheus metrics, at HOST; 0 picks one."),
    ] = 9092
    api_keys: Annotated[
        SecretStr | None,
        Field(description="Keys, comma-separated: key_id:tenant:role:secret[:expires-on]."),
    ] = None
    api_keys_file: Annotated[
        Path | None, Field(description="File of API_KEYS entries, read again when it changes.")
    ] = None
    encryption_keys: Annotated[
        SecretStr | None, Field(description="Keyring, newest first: kid:base64 of 32 bytes, ….")
    ] = None
    encryption_key: Annotated[
        SecretStr | None,
        Field(description="Base64 of 32 bytes: a keyring of one, instead of ENCRYPTION_KEYS."),
    ] = None
    encryption_key_prev: Annotated[
        SecretStr | None, Field(description="The key before ENCRYPTION_KEY, still decrypted with.")
    ] = None
    signing_key: Annotated[
        SecretStr | None,
        Field(description="Ed25519 key that evidence is signed with: PKCS #8, PEM, no password."),
    ] = None
    signing_public_keys: Annotated[
        str | None, Field(description="Retired public keys: PEM, each after a line valid-until: ….")
    ] = None
    export_sign_secret: Annotated[
        SecretStr | None,
        Field(description="Secret of the links to bundles and exports, of 32 characters or more."),
    ] = None
    export_sign_secret_prev: Annotated[
        SecretStr | None,
        Field(description="The secret before EXPORT_SIGN_SECRET, whose links still work."),
    ] = None
    rate_limit_key_reads: Annotated[
        str, Field(description="What one API key may read: calls a second, minute or hour; or off.")
    ] = "6000/minute"
    rate_limit_key_writes: Annotated[
        str,
        Field(description="What one API key may write: a call counts once, and for each 64 KiB."),
    ] = "6000/minute"
    rate_limit_tenant_reads: Annotated[
        str, Field(description="What all keys of one tenant may read.")
    ] = "30000/minute"
    rate_limit_tenant_writes: Annotated[
        str, Field(description="What all keys of one tenant may write.")
    ] = "30000/minute"
    redis_url: Annotated[
        SecretStr | None,
        Field(description="Redis that counts for rate limits; none: each process for itself."),
    ] = None
    checkpoint_store: Annotated[
        Path | None,
        Field(description="Folder of audit checkpoints; none: checkpoints in COLLECTOR_HOME."),
    ] = None
    audit_retain_days: Annotated[
        int, Field(ge=1, le=36_500, description="How long audit entries and checkpoints are kept.")
    ] = 400
    aws_allow_http: Annotated[
        bool, Field(description="Whether S3 may be at an http:// address of another machine.")
    ] = False
    export_store: Annotated[
        str | None,
        Field(
            description="Folder of exports' files, or s3://bucket/prefix; "
            "none: exports in COLLECTOR_HOME."
        ),
    ] = None
    export_keep_days: Annotated[
        int, Field(ge=1, le=365, description="How long the file of an export is kept.")
    ] = 7
    retain_days: Annotated[
        int,
        Field(
            ge=1,
            le=36_500,
            description="Days that reports are kept, where the policy names no others.",
        ),
    ] = 30
    retention_policy: Annotated[
        Path | None,
        Field(
            description="File of days by tenant, and of warnings; none: policies/retention.yaml."
        ),
    ] = None
    drain_seconds: Annotated[
        float,
        Field(ge=0, le=60, description="After SIGTERM: how long readiness fails before closing."),
    ] = 5.0
    log_level: Annotated[LogLevel, Field(description="Least severity that is logged.")] = "info"

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileSource(settings_cls)

    @field_validator(
        "database_url",
        "migration_database_url",
        "maintenance_database_url",
        "database_direct_url",
    )
    @classmethod
    def _usable_url(cls, secret: SecretStr | None) -> SecretStr | None:
        secret_url(secret)
        return secret

    @field_validator(
        "rate_limit_key_reads",
        "rate_limit_key_writes",
        "rate_limit_tenant_reads",
        "rate_limit_tenant_writes",
    )
    @classmethod
    def _usable_rate(cls, text: str) -> str:
        parse_rate(text)
        return text

    @field_validator("redis_url")
    @classmethod
    def _usable_redis_url(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            _check_redis_url(secret.get_secret_value())
        return secret

    @field_validator("export_store")
    @classmethod
    def _usable_store(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is not None and "://" in text:
            parse_place(text)
            http_is_fine = bool(info.data.get("aws_allow_http"))
            mistakes = list(mistakes_of(os.environ, http_is_fine=http_is_fine))
            if mistakes:
                raise ValueError(f"s3:// can't be reached: {'; '.join(mistakes)}")
        return text or None

    @property
    def checkpoint_folder(self) -> Path:
        return self.checkpoint_store or self.collector_home / "checkpoints"

    @property
    def export_place(self) -> S3Place | Path:
        if self.export_store is None:
            return self.collector_home / "exports"
        is_url = "://" in self.export_store
        return parse_place(self.export_store) if is_url else Path(self.export_store)

    @property
    def embedded(self) -> bool:
        """Whether the service runs its own PostgreSQL."""
        return self.database_url is None and self.db_host is None

    def app_url(self) -> URL:
        """The app login's URL; only where an external database is configured."""
        if self.database_url is not None:
            return _parse_url(self.database_url.get_secret_value())
        return URL.create(
            "postgresql+psycopg2",
            username=self.db_user,
            password=self.db_password.get_secret_value() if self.db_password else None,
            host=self.db_host,
            port=self.db_port,
            database=self.db_name,
        )


def _parse_url(text: str) -> URL:
    """Raises ValueError, which repeats nothing of `text`: a password may stand in it."""
    try:
        url = make_url(text)
        if "\0" in unquote(text):
            raise ValueError("a NUL, which ends a text for the database's library")
    except (ArgumentError, ValueError) as error:
        raise ValueError("not a database URL; write postgresql://user@host:5432/name") from error
    if url.get_backend_name() != "postgresql":
        raise ValueError("only PostgreSQL (15 or newer) is supported")
    return url.set(drivername="postgresql+psycopg2")


def _check_redis_url(text: str) -> None:
    """Raises ValueError, which repeats nothing of `text`: a password may stand in it."""
    mistake = "not a Redis URL; write redis://:password@host:6379/0, rediss://… or unix:///path"
    try:
        parts = urlsplit(text)
        # The library finds what is wrong with options only as it makes a connection; this opens
        # none.
        ConnectionPool.from_url(text).make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise ValueError(mistake) from None
    database = parts.path.strip("/")
    is_place = parts.hostname and (database.isdigit() or not database)
    if "\0" in unquote(text) or not (parts.path if parts.scheme == "unix" else is_place):
        raise ValueError(mistake)


def secret_url(secret: SecretStr | None) -> URL | None:
    return None if secret is None else _parse_url(secret.get_secret_value())


def load_settings() -> Settings:
    """The settings of this process. Raises SettingsError that names every mistake."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [_sentence(entry) for entry in error.errors(include_input=False)]
        raise SettingsError("\n".join(lines)) from None


def _sentence(entry: Any) -> str:
    variable = ".".join(str(part) for part in entry["loc"]).upper()
    message = entry["msg"].removeprefix("Value error, ")
    return f"{variable}: {message}" if variable else message


def described(settings: Settings) -> list[tuple[str, str, str]]:
    """(variable, value shown, meaning) of each setting; secrets masked."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        secret = SecretStr in (field.annotation, *get_args(field.annotation))
        shown = "" if value is None else ("********" if secret else str(value))
        rows.append((name.upper(), shown, field.description or ""))
    return rows
