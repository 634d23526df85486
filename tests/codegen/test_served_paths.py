"""Which operation of a generated service takes a URL that several paths match, over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.round_trips.echo import echoing
from bench.round_trips.package import package_of

from .conftest import HERE, generated, serving

CONTRACT = HERE / "cases" / "crossing_paths" / "openapi.yaml"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = generated(CONTRACT, tmp_path_factory.mktemp("generated") / "crossing_paths")
    with serving(folder, str(HERE / "stub_service.py"), "crossing_paths") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/a/b/c", "get_leaf(shelf: str, book: str, leaf: str)"),
        ("GET", "/a/b/cover", "get_cover(shelf: str, book: str)"),
        ("GET", "/a/latest/c", "get_latest_leaf(shelf: str, leaf: str)"),
        # The first segment where they differ decides: `latest` goes before `{book}`.
        ("GET", "/a/latest/cover", "get_latest_leaf(shelf: str, leaf: str)"),
        ("GET", "/oak/b/c", "get_oak_leaf(book: str, leaf: str)"),
        ("GET", "/oak/b/cover", "get_oak_cover(book: str)"),
        ("GET", "/oak/latest/c", "get_latest_oak_leaf(leaf: str)"),
        ("GET", "/oak/latest/cover", "get_latest_oak_cover()"),
        ("PUT", "/a/b/c", "put_leaf(shelf: str, book: str, leaf: str)"),
        ("GET", "/files/a", "get_file(name: str)"),
        ("GET", "/files/a.gz", "get_packed(name: str)"),
        ("GET", "/files/a.tar.gz", "get_archive(name: str)"),
        ("GET", "/files/all.tar.gz", "get_all()"),
        # A `/` or a line break that was sent encoded is a character of its segment.
        ("GET", "/files/a%2Fb", "get_file(name: str)"),
        ("GET", "/files/a%2fb.tar.gz", "get_archive(name: str)"),
        ("GET", "/oak%2Fash/b/c", "get_leaf(shelf: str, book: str, leaf: str)"),
        ("GET", "/oak/latest%0A/cover", "get_oak_cover(book: str)"),
        ("GET", "/oak/latest/%0A", "get_latest_oak_leaf(leaf: str)"),
        # Templated both, so that a method that only one has finds it.
        ("DELETE", "/files/a.tar.gz", "drop_file(name: str)"),
    ],
)
def test_the_most_concrete_path_takes_it(
    service: httpx.Client, method: str, path: str, found: str
) -> None:
    answer = service.request(method, path)
    assert (answer.status_code, answer.json()["detail"]) == (501, found)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/oak/latest/c", "DELETE, GET, HEAD"),
        ("DELETE", "/oak/latest/cover", "GET, HEAD"),
        ("PUT", "/a/b/cover", "GET, HEAD"),
        ("DELETE", "/files/all.tar.gz", "GET, HEAD"),
        # Templated both: GET finds one of them and DELETE the other.
        ("OPTIONS", "/files/a.tar.gz", "DELETE, GET, HEAD"),
        ("PATCH", "/files/a.gz", "DELETE, GET, HEAD"),
        ("OPTIONS", "/oak/b%2Fc/cover", "GET, HEAD"),
    ],
)
def test_a_method_that_the_url_lacks_is_a_405_that_names_those_it_has(
    service: httpx.Client, method: str, path: str, allow: str
) -> None:
    answer = service.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("order", [("get", "head"), ("head", "get")])
def test_head_is_an_operation_of_its_own_where_a_path_has_it(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    ended = {"description": "All is said by the header.", "headers": {"X-Size": {"schema": {}}}}

    def operation(name: str) -> dict[str, Any]:
        return {"operationId": name, "responses": {"200": ended}}

    contract = {
        "openapi": "3.1.0",
        "info": {"title": "Files", "version": "1"},
        "paths": {
            "/files/{name}": {
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": {}}],
                **{method: operation(f"{method}_file") for method in order},
            },
            "/files/last": {"get": operation("get_last")},
        },
    }
    spec = tmp_path / "openapi.json"
    spec.write_text(json.dumps(contract))
    package = package_of(spec, tmp_path, f"headed_{order[0]}_first")
    result = package.module("routes.default").HeadFile200
    with echoing(package) as echo, httpx.Client(base_url=echo.url) as client:
        for method, path, size in [("HEAD", "/files/a", "7"), ("GET", "/files/a", "8")]:
            echo.answer = result(x_size=size)
            assert client.request(method, path).headers["x-size"] == size
        # Where a path has none GET answers it, and no less concrete path.
        assert client.head("/files/last").status_code == 200
    assert [name for name, _ in echo.calls] == ["head_file", "get_file", "get_last"]


@pytest.mark.parametrize("path", ["/files%2Fa", "/oak%2Flatest%2Fcover", "/oak/latest/b%2fcover/c"])
def test_an_encoded_slash_ends_no_segment(service: httpx.Client, path: str) -> None:
    assert service.get(path).status_code == 404
