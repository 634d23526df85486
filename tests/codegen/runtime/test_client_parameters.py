"""The client writes parameters as the table of styles in OpenAPI 3.1 (Style Examples) has them."""

from typing import Any

import pytest

from codegen.runtime.client_parameters import write_parameters
from codegen.runtime.operation import Parameter, ParameterLocation

from .contracts import operation_of

LIST = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}


def written(
    value: Any, location: ParameterLocation, style: str, explode: bool, required: bool = True
) -> str:
    parameter = Parameter("color", "color", location, required, "", style, explode)
    path = "/{color}" if location == "path" else "/"
    sent = write_parameters(operation_of([parameter]), path, {"color": value})
    if location == "path":
        return sent.path.removeprefix("/")
    return sent.query or "; ".join(
        f"{name}={text}" for name, text in {**sent.headers, **sent.cookies}.items()
    )


@pytest.mark.parametrize(
    ("style", "explode", "text", "listed", "object_"),
    [
        ("matrix", False, ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
        (
            "matrix",
            True,
            ";color=blue",
            ";color=blue;color=black;color=brown",
            ";R=100;G=200;B=150",
        ),
        ("label", False, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
        ("label", True, ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
        ("simple", False, "blue", "blue,black,brown", "R,100,G,200,B,150"),
        ("simple", True, "blue", "blue,black,brown", "R=100,G=200,B=150"),
    ],
)
def test_styles_of_a_path(style: str, explode: bool, text: str, listed: str, object_: str) -> None:
    assert written("blue", "path", style, explode) == text
    assert written(LIST, "path", style, explode) == listed
    assert written(OBJECT, "path", style, explode) == object_


@pytest.mark.parametrize(
    ("style", "explode", "listed", "object_"),
    [
        ("form", False, "color=blue,black,brown", "color=R,100,G,200,B,150"),
        ("form", True, "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
        (
            "spaceDelimited",
            False,
            "color=blue%20black%20brown",
            "color=R%20100%20G%20200%20B%20150",
        ),
        ("pipeDelimited", False, "color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
    ],
)
def test_styles_of_a_query(style: str, explode: bool, listed: str, object_: str) -> None:
    assert written("blue", "query", style, explode) == "color=blue"
    assert written(LIST, "query", style, explode) == listed
    assert written(OBJECT, "query", style, explode) == object_


def test_a_deep_object_has_its_keys_in_brackets() -> None:
    text = written({"R": [1, 2], "G": True}, "query", "deepObject", True)
    assert text == "color%5BR%5D=1&color%5BR%5D=2&color%5BG%5D=true"


def test_styles_of_headers_and_cookies() -> None:
    assert written(LIST, "header", "simple", False) == "color=blue,black,brown"
    assert written(OBJECT, "header", "simple", True) == "color=R=100,G=200,B=150"
    assert written(LIST, "cookie", "form", False) == "color=blue,black,brown"


@pytest.mark.parametrize("location", ["query", "header", "cookie"])
def test_none_leaves_a_parameter_out_unless_it_must_be_there(location: ParameterLocation) -> None:
    style = "simple" if location == "header" else "form"
    assert written(None, location, style, False, required=False) == ""
    assert written(None, location, style, False) == "color="


@pytest.mark.parametrize(
    ("value", "location", "style"),
    [
        (["a,b"], "query", "form"),
        (["a b"], "query", "spaceDelimited"),
        ([[1]], "query", "form"),
        ([], "query", "form"),
        ("", "path", "simple"),
        (["a,b"], "path", "simple"),
        ([" a"], "header", "simple"),
        ("a\r\nb: c", "header", "simple"),
        ("a; b=c", "cookie", "form"),
    ],
)
def test_what_a_server_would_read_otherwise_is_refused(
    value: Any, location: ParameterLocation, style: str
) -> None:
    with pytest.raises(ValueError, match="color"):
        written(value, location, style, explode=False)


def test_no_parameter_can_lead_to_another_path() -> None:
    assert written("../secret?x#y", "path", "simple", False) == "..%2Fsecret%3Fx%23y"
    for value in (".", ".."):
        with pytest.raises(ValueError, match="path"):
            written(value, "path", "simple", False)


@pytest.mark.parametrize("name", ["page", "filter", "filter[a]"])
def test_a_member_under_its_own_name_can_not_be_another_parameter(name: str) -> None:
    others = Parameter("others", "others", "query", False, "", "form", True)
    page = Parameter("page", "page", "query", False, "", "form", True)
    deep = Parameter("filter", "filter", "query", False, "", "deepObject", True)
    operation = operation_of([others, page, deep])
    sent = write_parameters(operation, "/", {"others": {"pages": 1, "filter]": 2}, "page": 3})
    assert sent.query == "pages=1&filter%5D=2&page=3"
    with pytest.raises(ValueError, match="others"):
        write_parameters(operation, "/", {"others": {name: 1}})
