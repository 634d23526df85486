"""`EXPORT_STORE=s3://…` and the variables beside it: every mistake is named, and no login shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.export_stores import configured_export_store
from service.export_stores.folder import FolderStore
from service.export_stores.s3 import S3Store
from service.s3_place import S3Place, mistakes_of, parse_place
from service.settings import SettingsError, load_settings
from tests.support.s3 import s3_variables

_SECRET = "s3cret-value"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXPORT_STORE", "AWS_ALLOW_HTTP", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in s3_variables(1):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3://bucket", S3Place("bucket", "")),
        ("s3://bucket/", S3Place("bucket", "")),
        ("s3://my.bucket-1/exports", S3Place("my.bucket-1", "exports/")),
        ("s3://bucket/a/B_c/", S3Place("bucket", "a/B_c/")),
    ],
)
def test_place_is_a_bucket_and_what_names_begin_with(text: str, place: S3Place) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///exports",
        "s3://Bucket/x",
        "s3://b/x",
        "s3://a..b/x",
        f"s3://key:{_SECRET}@bucket/x",
        "s3://bucket:9000/x",
        "s3://bucket?region=x",
        "s3://bucket/a//b",
        "s3://bucket/a/../b",
        "s3://bucket/a b",
        "s3://bucket/é",
        f"s3://bucket/{'a' * 513}",
        f"https://{_SECRET}/bucket",
        f"gs://bucket/{_SECRET}",
        f"S3://bucket/{_SECRET}",
    ],
)
def test_any_other_place_is_refused_at_start_and_not_repeated(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_STORE", text)
    with pytest.raises(SettingsError, match=r"^EXPORT_STORE: ") as raised:
        load_settings()
    assert _SECRET not in str(raised.value)


@given(st.text())
def test_what_is_taken_for_a_place_has_names_that_lead_nowhere_else(text: str) -> None:
    try:
        place = parse_place(f"s3://{text}")
    except ValueError:
        return
    assert "/" not in place.bucket
    assert place.prefix == "" or place.prefix.endswith("/")
    assert not {"", ".", ".."} & set(place.prefix.split("/")[:-1])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AWS_ENDPOINT_URL_S3", f"http://u:{_SECRET}@host", "is no address"),
        ("AWS_ENDPOINT_URL_S3", "host:9000", "is no address"),
        ("AWS_ENDPOINT_URL_S3", "https://", "is no address"),
        ("AWS_ENDPOINT_URL", "https://host:port", "is no address"),
        ("AWS_ENDPOINT_URL", "ftp://host", "is no address"),
        ("AWS_ENDPOINT_URL", f"https://host/?{_SECRET}", "has more than an address"),
        ("AWS_ENDPOINT_URL", "http://store.internal:9000", "by which everyone on the way reads"),
        ("AWS_ENDPOINT_URL", "http://10.0.0.1", "set AWS_ALLOW_HTTP=true"),
        ("AWS_ACCESS_KEY_ID", _SECRET, "is set without AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", _SECRET, "is set without AWS_ACCESS_KEY_ID"),
        ("AWS_REGION", f"eu central {_SECRET}", "is no region"),
        ("AWS_DEFAULT_REGION", "EU", "is no region"),
    ],
)
def test_mistakes_in_the_variables_of_the_store_are_named_at_start(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    load_settings()
    monkeypatch.setenv("EXPORT_STORE", "s3://bucket")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert f"EXPORT_STORE: s3:// can't be reached: {name} {said}" in str(raised.value) or (
        name in str(raised.value) and said in str(raised.value)
    )
    assert _SECRET not in str(raised.value)


def test_all_mistakes_of_the_store_are_named_at_once_and_with_those_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {
        "EXPORT_STORE": "s3://bucket",
        "AWS_ENDPOINT_URL": "http://store.internal",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_REGION": "?",
        "DRAIN_SECONDS": "61",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert all(name in str(raised.value) for name in wrong)


@pytest.mark.parametrize(
    ("url", "allowed", "fine"),
    [
        ("http://127.0.0.1:9000", False, True),
        ("http://[::1]:9000", False, True),
        ("http://localhost:9000", False, True),
        ("https://store.internal", False, True),
        ("http://localhost.example.org", False, False),
        ("http://store.internal", False, False),
        ("http://store.internal", True, True),
    ],
)
def test_reports_leave_the_machine_in_plain_only_where_that_is_allowed(
    url: str, allowed: bool, fine: bool
) -> None:
    found = list(mistakes_of({"AWS_ENDPOINT_URL": url}, http_is_fine=allowed))
    assert (found == []) is fine


def test_the_narrower_address_counts() -> None:
    both = {"AWS_ENDPOINT_URL_S3": "https://one", "AWS_ENDPOINT_URL": "http://other"}
    assert list(mistakes_of(both, http_is_fine=False)) == []


def test_settings_choose_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLLECTOR_HOME", str(tmp_path))
    assert load_settings().export_place == tmp_path / "exports"
    monkeypatch.setenv("EXPORT_STORE", str(tmp_path / "elsewhere"))
    assert load_settings().export_place == tmp_path / "elsewhere"
    assert isinstance(configured_export_store(load_settings()), FolderStore)
    monkeypatch.setenv("EXPORT_STORE", "s3://bucket/x")
    assert isinstance(configured_export_store(load_settings()), S3Store)


@pytest.mark.parametrize(
    ("name", "value"),
    [("AWS_PROFILE", "no-such-profile"), ("AWS_MAX_ATTEMPTS", "many")],
)
def test_what_the_library_can_not_use_ends_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_STORE", "s3://bucket/x")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=r"^EXPORT_STORE: the AWS_\* variables can't be used"):
        configured_export_store(load_settings())
