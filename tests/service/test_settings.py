"""Settings: from variables or files, every mistake at once, no secret in any message."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from service.settings import Settings, SettingsError, default_home, described, load_settings

_SECRET = "s3cret-value"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)


def test_nothing_set_is_a_development_start_on_this_machine_alone() -> None:
    settings = load_settings()
    assert settings.embedded
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 9090, 1)
    assert settings.api_keys is None
    assert settings.encryption_keys is None


def test_every_mistake_is_named_at_once_and_no_value_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {
        "PORT": f"70000{_SECRET}",
        "WORKERS": "0",
        "DB_POOL_SIZE": "201",
        "LOG_LEVEL": f"loud-{_SECRET}",
        "DATABASE_URL": f"mysql://u:{_SECRET}@h/d",
        "MAINTENANCE_DATABASE_URL": _SECRET,
        "RATE_LIMIT_KEY_READS": f"many-{_SECRET}",
        "RATE_LIMIT_TENANT_WRITES": "0/minute",
        "REDIS_URL": f"http://:{_SECRET}@h",
        "DRAIN_SECONDS": "61",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    lines = str(raised.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        name.upper() for name in Settings.model_fields if name.upper() in wrong
    ]
    assert _SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"not a url {_SECRET}", "DATABASE_URL: not a database URL"),
        (f"mysql://u:{_SECRET}@h/d", "DATABASE_URL: only PostgreSQL"),
        (f"sqlite:///{_SECRET}", "DATABASE_URL: only PostgreSQL"),
        (f"postgresql://u:{_SECRET}@h:port/d", "DATABASE_URL: not a database URL"),
    ],
)
def test_url_that_is_no_postgresql_url_is_named_but_not_repeated(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert str(raised.value).startswith(said)
    assert _SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        f"http://:{_SECRET}@h:6379",
        f"redis://:{_SECRET}@",
        f"redis://:{_SECRET}@h:port",
        f"redis://:{_SECRET}@h/name",
        f"redis://[{_SECRET}",
        f"redis://h?option={_SECRET}",
        f"redis://h?socket_timeout={_SECRET}",
        "redis://h%00",
        "unix://",
    ],
)
def test_url_that_is_no_redis_url_is_named_but_not_repeated(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SettingsError, match=r"^REDIS_URL: not a Redis URL; write") as raised:
        load_settings()
    assert _SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["redis://h", f"rediss://u:{_SECRET}@h:6380/3", f"unix://:{_SECRET}@/run/redis.sock?db=2"],
)
def test_redis_can_be_named_by_host_or_socket(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    found = load_settings().redis_url
    assert found is not None
    assert found.get_secret_value() == url


def test_each_setting_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("port", "9191"), ("database_url", f"postgresql://u:{_SECRET}@h/d")):
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / name))
    settings = load_settings()
    assert settings.port == 9191
    assert settings.app_url().password == _SECRET


def test_variable_wins_over_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("9191")
    monkeypatch.setenv("PORT_FILE", str(tmp_path / "port"))
    monkeypatch.setenv("PORT", "9192")
    assert load_settings().port == 9192


def test_missing_file_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DB_PASSWORD_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match=r"^DB_PASSWORD_FILE: can't read the file: No such"):
        load_settings()


def test_key_file_stays_a_path_that_is_watched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    path.write_text(f"k:t:admin:{_SECRET}")
    monkeypatch.setenv("API_KEYS_FILE", str(path))
    settings = load_settings()
    assert settings.api_keys is None
    assert settings.api_keys_file == path


def test_database_can_be_given_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "db.example")
    monkeypatch.setenv("DB_PASSWORD", _SECRET)
    settings = load_settings()
    assert not settings.embedded
    url = settings.app_url()
    assert (url.host, url.port, url.database) == ("db.example", 5432, "collector")
    assert (url.username, url.password) == ("collector_app", _SECRET)


def test_shown_settings_have_a_meaning_each_and_mask_every_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"postgresql://u:{_SECRET}@h/d"
    secrets = [
        name
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    ]
    for name in secrets:
        monkeypatch.setenv(name.upper(), url)
    monkeypatch.setenv("REDIS_URL", f"redis://:{_SECRET}@h")
    rows = described(load_settings())
    assert [name for name, _, _ in rows] == [name.upper() for name in Settings.model_fields]
    assert all(meaning for _, _, meaning in rows)
    assert _SECRET not in str(rows)
    assert {name for name, shown, _ in rows if shown == "********"} == {
        name.upper() for name in secrets
    }


def test_settings_printed_by_accident_show_no_secret() -> None:
    settings = Settings(api_keys=SecretStr(_SECRET), encryption_keys=SecretStr(_SECRET))
    assert _SECRET not in f"{settings} {settings!r}"


def test_home_is_where_applications_keep_their_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_home() == Path("/data/collector")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_home() == Path("/home/somebody/.local/share/collector")


def test_file_that_is_no_text_is_named_and_its_content_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "url").write_bytes(_SECRET.encode() + b"\xff")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match="DATABASE_URL_FILE: the file is not UTF-8") as found:
        load_settings()
    assert found.value.__cause__ is None
    assert _SECRET not in str(found.value)


def test_url_with_an_escaped_nul_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p%00w@h/d")
    with pytest.raises(SettingsError, match="DATABASE_URL: not a database URL"):
        load_settings()
