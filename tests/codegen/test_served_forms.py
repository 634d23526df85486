"""Forms, files and other media types of a generated service, over HTTP through Connexion."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import GALLERY, HERE, generated, serving

XML_BESIDE_JSON = """
openapi: 3.0.3
info: {title: Pets, version: '1'}
paths:
  /pets:
    post:
      operationId: add_pet
      tags: [pets]
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Pet'}}
          application/xml: {schema: {$ref: '#/components/schemas/Pet'}}
          text/plain: {schema: {type: string}}
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Pet'}}
      responses: {'204': {description: Added.}}
components:
  schemas:
    Pet: {type: object, properties: {name: {type: string}}}
"""


@pytest.fixture(scope="module")
def service(gallery: Path) -> Iterator[httpx.Client]:
    with serving(gallery, str(GALLERY / "service.py")) as client:
        yield client


def test_one_operation_takes_json_forms_files_and_pictures(service: httpx.Client) -> None:
    as_json = service.post("/pictures", json={"title": "a", "size": {"width": 3}})
    assert as_json.json() == {"title": "a", "kind": "application/json 3xNone"}
    form = service.post("/pictures", data={"title": "a", "size[width]": "3", "size[height]": "4"})
    kind = "application/x-www-form-urlencoded 3x4"
    assert (form.status_code, form.json()) == (201, {"title": "a", "kind": kind})
    files = [
        ("file", ("a.png", b"\x89PNG", "image/png")),
        ("layers", ("1", b"1", "image/png")),
        ("layers", ("2", b"2", "image/png")),
    ]
    parts = service.post("/pictures", data={"title": "a"}, files=files)
    told = {"title": "a", "kind": "a.png image/png 2", "bytes": [0x89, 0x50, 0x4E, 0x47]}
    assert (parts.status_code, parts.json()) == (201, told)
    raw = service.post("/pictures", content=b"\x01", headers={"Content-Type": "image/webp"})
    assert raw.json() == {"title": "", "kind": "image/webp", "bytes": [1]}
    assert (raw.headers["x-count"], raw.headers["x.count"]) == ("1", "2")


def test_form_that_breaks_the_contract_is_a_problem(service: httpx.Client) -> None:
    wrong = [
        service.post("/pictures", data={"title": "a" * 21}),
        service.post("/pictures", data={"title": "a", "size[width]": "0"}),
        service.post("/pictures", data={"title": "a"}, files={"layers": b"1"}),
        service.post("/pictures", data={"title": "a"}, files={"file": ("a", b"1" * 101)}),
        service.put("/pictures/1", data={"title": "a", "other": "b"}),
        service.put("/pictures/1", data={"title": ""}),
    ]
    for answer in wrong:
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert service.post("/pictures", content=b"--b", headers=kind).status_code == 400
    assert (
        service.post("/pictures", content=b"a", headers={"Content-Type": "a/b"}).status_code == 415
    )
    assert service.put("/pictures/1", json={"title": "a"}).status_code == 415


def test_optional_form_may_be_absent_and_has_its_defaults(service: httpx.Client) -> None:
    absent = service.put("/pictures/7?id=x")
    assert (absent.status_code, absent.json()) == (202, None)
    form = service.put("/pictures/7?id=x", data={"title": "b", "keywords": ["c", "d"]})
    assert (form.status_code, form.json()) == (200, "7 x b ['c', 'd'] False")


def test_names_that_clash_arrive_each_as_an_argument_of_its_own(service: httpx.Client) -> None:
    query = "taken%3C=2026-01-01&taken=2026-01-02&taken%3E=2026-01-03&class=a&x.class=b"
    headers = {"Cookie": "Class=c", "X-Class": "d"}
    answer = service.get(f"/pictures?{query}", headers=headers)
    days = ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert (answer.status_code, answer.json()) == (203, [*days, "a", "c", "d", "b"])


def test_names_in_the_query_that_nothing_else_has_are_the_free_form_objects(
    service: httpx.Client,
) -> None:
    answer = service.get("/pictures?class=a&width=3&colour=red&taken%5Ba%5D=%26")
    labels = '{"width":3,"colour":"red","taken[a]":"&"}'
    assert (answer.status_code, answer.json()) == (203, [*["None"] * 3, "a", *["None"] * 3, labels])
    for query in ("width=0", f"colour={'r' * 21}", "colour=red&colour=blue"):
        assert service.get(f"/pictures?class=a&{query}").status_code == 422


def test_bytes_pass_through_and_an_answer_has_one_of_several_types(service: httpx.Client) -> None:
    kind = {"Content-Type": "application/octet-stream"}
    picture = service.patch("/pictures/1", content=b"\x00\xff", headers=kind)
    assert (picture.content, picture.headers["content-type"]) == (b"\x00\xff", "image/webp")
    text = {"Content-Type": "text/plain; charset=utf-8"}
    told = service.patch("/pictures/1", content="öld".encode(), headers=text)
    assert told.json() == {"title": "öld", "kind": "text/plain"}
    assert service.patch("/pictures/1", content=b"0123456789", headers=text).status_code == 422
    assert service.patch("/pictures/1", content=b"\xff", headers=text).status_code == 400
    latin = {"Content-Type": "text/plain; charset=latin-1"}
    assert service.patch("/pictures/1", content=b"a", headers=latin).status_code == 415


def test_answer_that_is_not_of_its_type_is_never_sent(service: httpx.Client) -> None:
    text = {"Content-Type": "text/plain"}
    assert service.patch("/pictures/0", content=b"old", headers=text).status_code == 500


def test_a_schema_of_several_media_types_is_a_model_where_it_is_checked_and_else_bytes(
    tmp_path: Path,
) -> None:
    spec = tmp_path / "openapi.yaml"
    spec.write_text(XML_BESIDE_JSON, encoding="utf-8")
    folder = generated(spec, tmp_path / "pets")
    kinds = {
        "application/json": (b"{}", "Pet"),
        "application/xml": (b"<pet/>", "bytes"),
        "text/plain": (b"a", "str"),
        "application/x-www-form-urlencoded": (b"name=a", "Pet"),
    }
    with serving(folder, str(HERE / "stub_service.py"), "pets") as client:
        for kind, (body, type_) in kinds.items():
            answer = client.post("/pets", content=body, headers={"Content-Type": kind})
            assert answer.json()["detail"] == f"add_pet(body: {type_}, content_type: str)"
