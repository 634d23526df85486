"""Forms are read by what the contract says of their fields, within limits, or are refused."""

import json
import os
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from codegen.runtime.admission import LARGE_BYTES
from codegen.runtime.client_forms import Multipart, urlencoded
from codegen.runtime.encoded_json import EncodedJson
from codegen.runtime.file_part import FilePart
from codegen.runtime.form_fields import MAX_NAME_BYTES, without_files
from codegen.runtime.form_rules import MAX_FIELDS
from codegen.runtime.hooks import Call
from codegen.runtime.multipart import MAX_TEXT_BYTES
from codegen.runtime.operation import Media, RequestBody

from .small_service import Caller, Service, operation, result, slug

ORDER = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "maxLength": 9},
        "count": {"type": "integer", "minimum": 1},
        "gift": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"sku": {"type": "integer"}}},
        },
        "note": {"type": ["string", "null"]},
        "filter": {"type": "object", "properties": {"from": {"type": "integer"}}},
        "parent": {"oneOf": [{"type": "null"}, {"type": "object", "required": ["sku"]}]},
        "gifts": {"type": ["array", "null"], "items": {"type": ["object", "null"]}},
        "rest": {"type": ["object", "string", "null"]},
    },
}
UPLOAD = {
    "type": "object",
    "required": ["picture"],
    "properties": {
        "picture": {"type": "string", "format": "binary", "minLength": 2, "maxLength": 600_000},
        "icon": {"type": "string", "contentMediaType": "image/png"},
        "more": {
            "type": "array",
            "items": {"type": "string", "contentEncoding": "binary"},
            "maxItems": 2,
        },
        "about": {"$ref": "#/components/schemas/Order"},
        "more_lines": {"type": ["array", "null"], "items": {"type": "object"}},
        "title": {"type": "string", "maxLength": 9},
    },
}
URLENCODED = "application/x-www-form-urlencoded"
ENCODED = {
    "content": {
        URLENCODED: {
            "schema": {"$ref": "#/components/schemas/Order"},
            "encoding": {
                "sizes": {"style": "pipeDelimited", "explode": False},
                "filter": {"style": "deepObject"},
            },
        },
        "multipart/form-data": {
            "schema": {"$ref": "#/components/schemas/Upload"},
            "encoding": {"icon": {"contentType": "image/png, image/svg+xml"}},
        },
        "application/json": {"schema": {"$ref": "#/components/schemas/Order"}},
        "image/*": {},
    }
}
WHERE = "/components/requestBodies/Sent/content"
CONTENT = (
    Media(URLENCODED, f"{WHERE}/application~1x-www-form-urlencoded/schema"),
    Media("multipart/form-data", f"{WHERE}/multipart~1form-data/schema"),
    Media("application/json", f"{WHERE}/application~1json/schema"),
    Media("image/*", None),
)
OPERATION = operation(
    "send",
    "POST",
    "/send",
    request_body=RequestBody(True, CONTENT),
    extensions={"x-max-body": 4_000_000},
)


def echo(call: Call) -> Any:
    """What arrived; of each file its name, its type and its bytes."""

    def told(file: FilePart) -> list[Any]:
        with file.open() as opened:
            opened.seek(-1, os.SEEK_END)
            assert opened.read() == file.read()[-1:]
        assert b"".join(file.pieces(7)) == file.read()
        return [file.filename, file.content_type, file.read().decode("latin-1")]

    value = without_files(call.json_body, told)
    media = [call.content_type, call.media_type]
    return result(EncodedJson(json.dumps({"value": value, "media": media}).encode()))


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    service = Service(
        [OPERATION],
        {"send": echo},
        schemas={"Order": ORDER, "Upload": UPLOAD},
        more={"requestBodies": {"Sent": ENCODED}},
    )
    with Caller(service) as caller:
        yield caller


def send(caller: Caller, body: bytes, content_type: str = URLENCODED) -> httpx2.Response:
    return caller.ask("POST", "/send", content=body, headers={"Content-Type": content_type})


def upload(caller: Caller, *parts: tuple[str, bytes]) -> httpx2.Response:
    """Parts as (headers after the disposition's `form-data; `, content)."""
    pieces = [
        f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    ]
    return send(caller, b"".join(pieces) + b"--b--\r\n", "multipart/form-data; boundary=b")


PICTURE = ('name="picture"; filename="a.png"\r\nContent-Type: image/png', b"\x89PNG\r\n--\xff")


def errors(answer: httpx2.Response) -> list[tuple[str, str, str | None]]:
    assert slug(answer) == "invalid-input"
    return [(one["pointer"], one["keyword"], one.get("limit")) for one in answer.json()["errors"]]


def test_fields_become_the_types_that_the_contract_gives_them(caller: Caller) -> None:
    body = urlencode(
        [
            ("name", "1"), ("count", "3"), ("gift", "true"), ("tags", "a,b"), ("tags", "ü"),
            ("sizes", "4|5"), ("address", '{"city":"Ulm"}'), ("lines", '{"sku":7}'),
            ("lines", '{"sku":8}'), ("note", ""), ("filter[from]", "6"),
        ]
    )  # fmt: skip
    answer = send(caller, body.encode())
    assert answer.status_code == 200, answer.text
    assert answer.json()["value"] == {
        "name": "1",
        "count": 3,
        "gift": True,
        "tags": ["a,b", "ü"],
        "sizes": [4, 5],
        "address": {"city": "Ulm"},
        "lines": [{"sku": 7}, {"sku": 8}],
        "note": "",
        "filter": {"from": 6},
    }


def test_whole_array_of_objects_may_come_in_one_field(caller: Caller) -> None:
    answer = send(caller, urlencode({"name": "a", "lines": '[{"sku":7},{"sku":8}]'}).encode())
    assert answer.json()["value"]["lines"] == [{"sku": 7}, {"sku": 8}]


def test_a_list_without_items_has_no_field_in_whichever_style(caller: Caller) -> None:
    written = urlencoded({"name": "a", "tags": [], "sizes": []}, {"sizes": "|"})
    assert written == b"name=a"
    assert send(caller, written).json()["value"] == {"name": "a"}
    assert urlencoded({"sizes": [4, 5]}, {"sizes": "|"}) == b"sizes=4%7C5"


class Shirt(BaseModel):
    sizes: Annotated[list[int], Field(alias="sizes[]")]
    colors: list[str] = []
    filter: dict[str, int] = {}


@pytest.mark.parametrize("style", [None, "|"])
def test_a_required_list_without_items_is_refused_before_it_is_sent(style: str | None) -> None:
    styles = {"sizes[]": style} if style else {}
    empty = Shirt.model_validate({"sizes[]": []})
    for write in (urlencoded, Multipart):
        with pytest.raises(ValueError, match=r"the field sizes\[\] is required and can't be empty"):
            write(empty, styles)
    whole = Shirt.model_validate({"sizes[]": [4]})
    # Of the others the server can tell by itself what they are where they are absent.
    assert urlencoded(whole, {**styles, "filter": "deepObject"}) == b"sizes%5B%5D=4"


def test_null_is_written_as_json_in_fields_that_are_json(caller: Caller) -> None:
    fields = [("name", "a"), ("parent", "null"), ("gifts", "null"), ("rest", "null")]
    answer = send(caller, urlencode(fields).encode())
    assert answer.status_code == 200, answer.text
    # Where a text is admitted too it is that text.
    expected = {"name": "a", "parent": None, "gifts": None, "rest": "null"}
    assert answer.json()["value"] == expected
    two = [("name", "a"), ("gifts", "null"), ("gifts", "{}")]
    assert send(caller, urlencode(two).encode()).json()["value"]["gifts"] == [None, {}]
    wrong = send(caller, urlencode([("name", "a"), ("address", "null")]).encode())
    assert errors(wrong) == [("/address", "type", '"object"')]


def test_null_may_be_a_part_of_json_in_the_place_of_a_list(caller: Caller) -> None:
    head = 'name="more_lines"\r\nContent-Type: application/json'
    answer = upload(caller, PICTURE, (head, b"null"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["value"]["more_lines"] is None


def test_wrong_fields_are_told_as_those_of_json_are(caller: Caller) -> None:
    body = b"name=0123456789&count=0&gift=yes&tags=a&tags=b&tags=c&tags=d&sizes=x&address=%7B"
    assert sorted(errors(send(caller, body))) == [
        ("/address", "type", '"object"'),
        ("/count", "minimum", "1"),
        ("/gift", "type", '"boolean"'),
        ("/name", "maxLength", "9"),
        ("/sizes/0", "type", '"integer"'),
        ("/tags", "maxItems", "3"),
    ]
    assert errors(send(caller, b"count=1"))[0][1] == "required"
    assert errors(send(caller, b"name=a&name=b")) == [("/name", "repeated", "1")]
    assert errors(send(caller, b"name=a&s3cret=1"))[0][1] == "additionalProperties"
    assert "s3cret" not in send(caller, b"name=a&s3cret=1").text


@pytest.mark.parametrize("body", [b"name=%zz", b"name=\xff", b"name=%ff", b"na me=%"])
def test_form_that_cannot_be_decoded_is_malformed(caller: Caller, body: bytes) -> None:
    answer = send(caller, body)
    assert (answer.status_code, slug(answer)) == (400, "malformed-request")


def test_number_and_names_of_fields_are_limited(caller: Caller) -> None:
    # Its list may have three items.
    most = MAX_FIELDS + 3
    many = send(caller, b"&".join([b"name=a"] * (most + 1)))
    assert errors(many) == [("", "maxFields", str(most))]
    assert errors(send(caller, b"&".join([b"name=a"] * most))) == [("/name", "repeated", "1")]
    long = send(caller, b"n" * (MAX_NAME_BYTES + 1) + b"=a")
    assert errors(long) == [("", "maxNameBytes", str(MAX_NAME_BYTES))]
    part = ('name="title"', b"")
    assert errors(upload(caller, *[part] * (MAX_FIELDS + 3)))[0][1] == "maxFields"
    name = "n" * (MAX_NAME_BYTES + 1)
    assert errors(upload(caller, (f'name="{name}"', b"")))[0][1] == "maxNameBytes"


def test_parts_become_files_text_and_json(caller: Caller) -> None:
    answer = upload(
        caller,
        PICTURE,
        ('name="more"; filename="C:\\x\\b.txt"', b"b"),
        ('name="more"', b"c"),
        ('name="about"\r\nContent-Type: application/json', b'{"name":"a","count":2}'),
        ('name="title"\r\nContent-Type: text/plain; charset=UTF-8', "ü".encode()),
        ('name="other"; filename="o.bin"', b"\xfe"),
    )
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "media": ["multipart/form-data", "multipart/form-data"],
        "value": {
            "picture": ["a.png", "image/png", "\x89PNG\r\n--\xff"],
            "more": [
                ["b.txt", "application/octet-stream", "b"],
                [None, "application/octet-stream", "c"],
            ],
            "about": {"name": "a", "count": 2},
            "title": "ü",
            "other": ["o.bin", "application/octet-stream", "\xfe"],
        },
    }


def test_large_files_are_read_from_where_they_were_put_down(caller: Caller) -> None:
    large = bytes(range(256)) * (LARGE_BYTES // 128)
    head = 'name="more"; filename="m"'
    answer = upload(caller, PICTURE, (head, large), (head, b"last"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["value"]["more"][0][2].encode("latin-1") == large
    assert answer.json()["value"]["more"][1][2] == "last"


def test_wrong_parts_are_told_by_the_rules_of_the_contract(caller: Caller) -> None:
    picture = 'name="picture"; filename="p"'
    assert errors(upload(caller, (picture, b"x"))) == [("/picture", "minLength", "2")]
    long = upload(caller, (picture, b"x" * 600_001))
    assert errors(long) == [("/picture", "maxLength", "600000")]
    assert errors(upload(caller, ('name="title"', b"0123456789"), PICTURE)) == [
        ("/title", "maxLength", "9")
    ]
    assert errors(upload(caller, ('name="title"', b"a")))[0][1] == "required"
    icon = ('name="icon"; filename="i"\r\nContent-Type: image/gif', b"GIF")
    assert errors(upload(caller, PICTURE, icon)) == [
        ("/icon", "contentType", "image/png, image/svg+xml")
    ]
    assert errors(upload(caller, PICTURE, PICTURE)) == [("/picture", "repeated", "1")]


@pytest.mark.parametrize(
    ("head", "content"),
    [
        ("filename=a", b"x"),
        ('name="title"', b"\xff"),
        ('name="title"\r\nContent-Type: text/plain; charset=latin-1', b"a"),
        ('name="title"\r\nContent-Transfer-Encoding: base64', b"YQ=="),
        ('name="about"\r\nContent-Type: application/json', b"{"),
        (f'name="picture"; filename="{"f" * 256}"', b"xx"),
        ('name="title"\r\n' + "X: y\r\n" * 20 + "Z: z", b"a"),
    ],
)
def test_part_that_cannot_be_read_is_malformed(caller: Caller, head: str, content: bytes) -> None:
    answer = upload(caller, (head, content), PICTURE)
    assert (answer.status_code, slug(answer)) == (400, "malformed-request")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--b--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 300, b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b"nothing of the kind"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n'),
    ],
)
def test_body_that_is_no_multipart_is_malformed(
    caller: Caller, content_type: str, body: bytes
) -> None:
    answer = send(caller, body, content_type)
    assert (answer.status_code, slug(answer)) == (400, "malformed-request")


def test_text_of_a_form_is_limited_on_its_own(caller: Caller) -> None:
    answer = upload(caller, ('name="title"', b"a" * (MAX_TEXT_BYTES + 1)))
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")
    assert str(MAX_TEXT_BYTES) in answer.json()["detail"]


def test_media_type_decides_how_a_body_is_read(caller: Caller) -> None:
    json_answer = send(caller, b'{"name":"a"}', "application/json").json()
    assert json_answer == {"value": {"name": "a"}, "media": ["application/json"] * 2}
    raw = send(caller, b"\xff", "Image/WEBP; x=1").json()
    assert raw == {"value": None, "media": ["image/webp", "image/*"]}
    for content_type in ("text/plain", "multipart/mixed; boundary=b", f"{URLENCODED};charset=x"):
        assert send(caller, b"name=a", content_type).status_code == 415


def test_retried_form_is_the_same_request_whatever_its_boundary() -> None:
    prints: list[bytes] = []

    def note(call: Call) -> Any:
        prints.append(call.fingerprint())
        return result(b"{}")

    service = Service(
        [OPERATION],
        {"send": note},
        schemas={"Order": ORDER, "Upload": UPLOAD},
        more={"requestBodies": {"Sent": ENCODED}},
    )
    with Caller(service) as caller:
        for boundary, content in ((b"b", b"xx"), (b"c", b"xx"), (b"c", b"xy")):
            body = (
                b"--%s\r\nContent-Disposition: form-data; name=picture\r\n\r\n%s\r\n--%s--\r\n"
                % (boundary, content, boundary)
            )
            kind = f"multipart/form-data; boundary={boundary.decode()}"
            assert send(caller, body, kind).status_code == 200
    assert prints[0] == prints[1] != prints[2]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.binary(max_size=300), max_size=2),
    st.binary(min_size=2, max_size=300),
    st.integers(min_value=1, max_value=40),
)
def test_whatever_bytes_a_file_has_and_however_they_come_they_are_what_arrives(
    caller: Caller, more: list[bytes], picture: bytes, step: int
) -> None:
    parts = [("picture", picture), *(("more", content) for content in more)]
    body = b"".join(
        b'--bound\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\n\r\n%s\r\n'
        % (name.encode(), content)
        for name, content in parts
    )
    body += b"--bound--\r\n"
    messages = [
        {"type": "http.request", "body": body[at : at + step], "more_body": at + step < len(body)}
        for at in range(0, len(body), step)
    ]
    kind = b"multipart/form-data; boundary=bound"
    sent = caller.exchange(messages, method="POST", path="/send", headers=[(b"content-type", kind)])
    told = json.loads(b"".join(message.get("body", b"") for message in sent))["value"]
    assert told["picture"][2].encode("latin-1") == picture
    assert [one[2].encode("latin-1") for one in told.get("more", [])] == more
