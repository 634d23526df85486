"""What of a contract's security schemes gets into the package: wherever each of them is written."""

import json
from pathlib import Path
from typing import Any

from connexion.spec import Specification

from codegen.render import render

REAL = {"type": "http", "scheme": "digest", "description": "prose", "x-basicInfoFunc": "os.abort"}


def package(schemes: dict[str, Any], **others: Any) -> dict[str, bytes]:
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        "security": [{"Key": []}],
        "paths": {"/pets": {"get": {"responses": {"200": {"description": "OK"}}}}},
        "components": {"securitySchemes": schemes},
    }
    texts = {"openapi.json": contract, **others}
    read = {name: json.dumps(value).encode() for name, value in texts.items()}
    return render(Path("openapi.json"), "openapi.json", lambda path: read[path.name]).files


def test_scheme_behind_a_reference_is_what_it_refers_to() -> None:
    reference = {"$ref": "#/components/securitySchemes/Real"}
    files = package({"Key": reference, "Real": REAL})
    view = json.loads(files["connexion.json"])["components"]["securitySchemes"]
    assert view["Key"] == view["Real"] == {"type": "http", "scheme": "digest"}
    assert '"Key": Scheme("key", "authorization", "Digest")' in files["client/__init__.py"].decode()


def test_scheme_in_another_file_is_what_stands_there() -> None:
    files = package({"Key": {"$ref": "schemes.json#/Real"}}, **{"schemes.json": {"Real": REAL}})
    view = json.loads(files["connexion.json"])["components"]["securitySchemes"]
    assert view["Key"] == {"type": "http", "scheme": "digest"}


def test_no_extension_of_a_scheme_reaches_connexion_which_would_ask_another_than_the_service() -> (
    None
):
    scheme = {"type": "apiKey", "in": "header", "name": "K", "x-authentication-scheme": "Bearer"}
    view = json.loads(package({"Key": scheme})["connexion.json"])["components"]["securitySchemes"]
    assert view == {"Key": {"type": "apiKey", "in": "header", "name": "K"}}


def test_name_of_an_http_scheme_reaches_connexion_in_small_letters_as_it_takes_no_others() -> None:
    scheme = {"type": "http", "scheme": "Bearer", "bearerFormat": "JWT"}
    view = json.loads(package({"Key": scheme})["connexion.json"])
    assert view["components"]["securitySchemes"] == {"Key": scheme | {"scheme": "bearer"}}
    assert Specification.load(view).security_schemes == view["components"]["securitySchemes"]
