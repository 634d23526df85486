"""A file whose text is only made where what it is made of has changed is what it always would be.

Edits are of places that files of operations depend on without these standing in them.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.cache import FOLDER, Cache
from codegen.emitted import Made, files_of

from .contract import Contract, Edit, contract, operation, reference
from .test_incremental import files_in, run, same_as_from_nothing

LEAVES = st.sampled_from([None, True, 1, 1.0, "1", "", "ä", "\ud800", 2**70])
VALUES = st.frozensets(st.sampled_from("abcdef")) | st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)


def written(*values: Any) -> str:
    return "".join(f"# {value!a}\n" for value in map(in_order, values))


def in_order(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def as_bytes(*values: Any) -> bytes:
    return written(*values).encode()


def emitted(package: Path, write: Callable[..., str | bytes], values: list[Any]) -> bytes:
    """As a run does it that finds the cache of the one before, and leaves its own."""
    cache = Cache(package / FOLDER)
    files = files_of({"a.txt": Made(write, tuple(values))}, cache)
    (package / "a.txt").write_bytes(files["a.txt"])
    cache.save()
    return files["a.txt"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([written, as_bytes]), st.lists(VALUES)), max_size=4))
def test_file_is_what_is_written_of_what_it_is_made_of(
    runs: list[tuple[Callable[..., str | bytes], list[Any]]],
) -> None:
    with TemporaryDirectory() as folder:
        for write, values in runs:
            assert emitted(Path(folder), write, values) == as_bytes(*values)


def test_file_is_not_made_where_what_it_is_made_of_is_known(tmp_path: Path) -> None:
    made = []

    def write(value: str) -> str:
        made.append(value)
        return value

    for value in ("a", "a", "b", "b", "a"):
        assert emitted(tmp_path, write, [value]) == value.encode()
    assert made == ["a", "b", "a"]


def test_file_that_somebody_changed_is_made_anew(tmp_path: Path) -> None:
    emitted(tmp_path, written, ["a"])
    (tmp_path / "a.txt").write_text("# mine\n")
    assert emitted(tmp_path, written, ["a"]) == as_bytes("a")


def paged_contract() -> Contract:
    """With a form, a body that names its schema alone, and an operation in pages."""
    document = contract()
    found = operation(0)
    found["operationId"] = "list_things"
    found["parameters"] += [{"name": "token", "in": "query", "schema": {"type": "string"}}]
    found["x-page"] = {"limit": "limit", "token": "token", "next": "next"}
    document["paths"]["/pages"] = {"get": found}
    document["paths"]["/bodies"] = {"post": taking("json_body", "application/json")}
    form = taking("form_body", "application/x-www-form-urlencoded")
    document["paths"]["/forms"] = {"post": form}
    document["components"]["schemas"]["Fields"] = {
        "type": "object",
        "properties": {"some": {"type": "array", "items": {"type": "string"}}},
    }
    key = {"type": "apiKey", "in": "header", "name": "key"}
    document["components"]["securitySchemes"] = {"Key": key}
    return document


def taking(name: str, media_type: str) -> dict[str, Any]:
    body = {"required": True, "content": {media_type: {"schema": reference("Fields")}}}
    return operation(0) | {"operationId": name, "tags": ["tag1"], "requestBody": body}


def admit_null(document: Contract) -> None:
    document["paths"].pop("/forms")
    document["components"]["schemas"]["Fields"]["type"] = ["object", "null"]


def separate_fields(document: Contract) -> None:
    body = document["paths"]["/forms"]["post"]["requestBody"]
    [media] = body["content"].values()
    media["encoding"] = {"some": {"style": "form", "explode": False}}


def take_name_of_pages(document: Contract) -> None:
    document["paths"]["/things/2"]["get"]["operationId"] = "list_things_pages"


def call_otherwise(document: Contract) -> None:
    document["info"]["title"] = "Other things"


def move_key(document: Contract) -> None:
    document["components"]["securitySchemes"]["Key"]["in"] = "query"


def tell_of_tag(document: Contract) -> None:
    document["tags"] = [{"name": "tag1", "description": "Of one kind."}]


@pytest.mark.parametrize(
    "edit",
    [admit_null, separate_fields, take_name_of_pages, call_otherwise, move_key, tell_of_tag],
)
def test_what_operations_depend_on_elsewhere_comes_out_as_from_nothing(
    tmp_path: Path, edit: Edit
) -> None:
    before = paged_contract()
    assert run(tmp_path, before, "edited") is not None
    files = files_in(tmp_path / "edited")
    same_as_from_nothing(tmp_path, [lambda document: document.update(before), edit])
    assert any(
        content != files.get(name)
        for name, content in files_in(tmp_path / "edited").items()
        if name.startswith(("client/", "connexion.json", "routes/"))
    )
