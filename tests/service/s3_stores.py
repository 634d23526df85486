"""S3 stores for tests behind a proxy that can fail, and what their errors may say."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from service.export_stores.s3 import PART_BYTES, S3Store
from service.export_stores.s3_client import Patience
from service.s3_place import S3Place
from tests.support.fault_proxy import (
    Asked,
    FaultProxy,
)
from tests.support.s3 import (
    BUCKET,
    SERVICE,
    S3Server,
    s3_variables,
)

# A machine that is busy with other tests is no fault.
PATIENT: Final = Patience(connect=20, silence=20, piece=20)
IMPATIENT: Final = Patience(connect=2, silence=1, piece=2)
LARGE = bytes(2 * PART_BYTES + 5)


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with s3.behind_proxy() as made:
        for name, value in s3_variables(made.port).items():
            monkeypatch.setenv(name, value)
        yield made
    s3.clear()


def store_at(bucket: str = BUCKET, prefix: str = "", patience: Patience = PATIENT) -> S3Store:
    return S3Store(S3Place(bucket, prefix), patience)


@pytest.fixture
def store(proxy: FaultProxy) -> S3Store:
    return store_at()


def is_for(operation: str) -> Callable[[Asked], bool]:
    """Requests of S3's operations by what tells them apart."""
    tests: dict[str, Callable[[Asked], bool]] = {
        "part": lambda asked: "partNumber=" in asked.target,
        "second part": lambda asked: "partNumber=2" in asked.target,
        "complete": lambda asked: asked.method == "POST" and "uploadId=" in asked.target,
        "abort": lambda asked: asked.method == "DELETE" and "uploadId=" in asked.target,
        "get": lambda asked: asked.method == "GET" and "/file" in asked.target,
    }
    return tests[operation]


def told(raised: pytest.ExceptionInfo[Exception]) -> str:
    """What a person is told, after seeing that it gives nothing away; nor do its causes."""
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None or raised.value.__suppress_context__
    shown = str(raised.value)
    for secret in (SERVICE.secret, SERVICE.key, "LEAKED", "Signature", "127.0.0.1"):
        assert secret not in shown
    assert shown.startswith(f"The store of exports (S3, bucket {BUCKET}) ")
    assert shown.endswith(".")
    return shown


def link_of(store: S3Store, seconds: int = 300) -> str:
    url = store.link("a/file", file_name="qc.ndjson.gz", media_type="a/b", seconds=seconds)
    assert url is not None
    return url
