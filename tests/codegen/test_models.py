"""What the models are called, in which order they stand, and that pieces make a whole."""

import ast
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from datamodel_code_generator.parser.jsonschema import json_schema_data_formats
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.cache import Cache
from codegen.components import strong_components
from codegen.model_pieces import pieces_of
from codegen.model_renaming import renamed
from codegen.model_statements import statements_of
from codegen.model_text import models_module

TEXT = {"type": "string"}


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def module_of(models: dict[str, Any]) -> dict[str, ast.stmt]:
    parts, _ = models_module(models, "3.1", "things.yaml", Cache())
    found = [
        each
        for each in ast.parse("\n".join(parts)).body
        if isinstance(each, ast.ClassDef | ast.Assign)
    ]
    return {name_of(each): each for each in found}


def name_of(statement: ast.ClassDef | ast.Assign) -> str:
    return (
        statement.name if isinstance(statement, ast.ClassDef) else ast.unparse(statement.targets[0])
    )


def inner(name: str) -> dict[str, Any]:
    """A schema with a class inside that wants to be called `Metadata`."""
    inside = {"type": "object", "properties": {name: TEXT}}
    return {"allOf": [reference("Base"), {"properties": {"metadata": inside}}]}


def test_model_has_the_name_of_its_schema_whatever_a_class_inside_another_is_called() -> None:
    models = {
        "Base": {"type": "object", "properties": {"id": TEXT}},
        "First": inner("of_first"),
        "Metadata": {"type": "object", "properties": {"of_its_own": TEXT}},
        "Second": {"type": "object", "properties": {"data": reference("Metadata")}},
    }
    found = module_of(models)
    assert "of_its_own" in ast.unparse(found["Metadata"])
    assert "data: Metadata | None" in ast.unparse(found["Second"])
    assert "of_first" not in ast.unparse(found["Metadata"])


def test_classes_of_one_name_in_different_pieces_are_told_apart() -> None:
    heirs = {f"Heir{number}": inner(f"of_{number}") for number in range(60)}
    models = {"Base": {"type": "object", "properties": {"id": TEXT}}, **heirs}
    assert len(pieces_of(models)) > 1
    found = module_of(models)
    for number in range(60):
        heir = found[f"Heir{number}"]
        [field] = [each for each in ast.walk(heir) if isinstance(each, ast.AnnAssign)][:1]
        inside = ast.unparse(field.annotation).removesuffix(" | None")
        assert f"of_{number}:" in ast.unparse(found[inside])


def test_models_that_lead_to_each_other_can_be_imported_and_used(tmp_path: Path) -> None:
    models = {
        "Tree": {"type": "object", "properties": {"twigs": reference("Twigs")}},
        "Twigs": {"type": "array", "items": reference("Twig")},
        "Twig": {"type": "object", "properties": {"of": reference("Tree")}},
    }
    parts, _ = models_module(models, "3.1", "things.yaml", Cache())
    namespace: dict[str, Any] = {"__name__": "models_of_a_tree"}
    # The base class comes from the package, which isn't there.
    exec("\n".join(parts).replace("from .contract_model import ContractModel", BASE), namespace)
    tree = namespace["Tree"].model_validate({"twigs": [{"of": {"twigs": []}}]})
    assert tree.twigs[0].of.twigs == []


def test_values_of_any_format_but_four_stay_what_they_are_in_json() -> None:
    """Whatever types of its own the library learns of: they change what came, or refuse it."""
    formats = {kind: json_schema_data_formats[kind] for kind in ("string", "number", "integer")}
    properties = {
        f"{kind} {name}": {"type": kind, "format": name}
        for kind in formats
        for name in formats[kind]
    }
    parts, _ = models_module(
        {"Values": {"type": "object", "properties": properties}}, "3.1", "things.yaml", Cache()
    )
    types = re.findall(r"(?:\[| )(\w+) \| None", "\n".join(parts))
    assert Counter(types) == {
        "str": len(formats["string"]) - 4,
        "float": len(formats["number"]),
        "int": len(formats["integer"]),
        **dict.fromkeys(("AwareDatetime", "date", "UUID", "bytes"), 1),
    }


def test_prose_of_a_line_stands_on_one_and_settings_that_say_nothing_nowhere() -> None:
    config = "    model_config = ConfigDict(\n        {}populate_by_name=True,\n    )\n"
    _, [pet, kind] = statements_of(
        f'class Pet(Own):\n    """\n    A pet.\n\n    """\n\n{config.format("")}'
        '    name: str\n    """\n    What it\n    hears.\n\n    """\n    age: int\n'
        'Kind = TypeAliasType("Kind", str)\n"""\nSays "kind"\n\n"""\n'
    )
    assert pet.text == (
        'class Pet(Own):\n    """A pet."""\n\n'
        '    name: str\n    """\n    What it\n    hears.\n    """\n    age: int'
    )
    assert "ConfigDict" not in pet.needs
    assert kind.text == 'Kind = TypeAliasType("Kind", str)\n"""\nSays "kind"\n"""'
    _, [named] = statements_of(
        f"class Pet(Own):\n{config.format('extra=1, ')}    a: Annotated[int, Field(alias='b')]\n"
    )
    assert "    model_config = ConfigDict(extra=1, populate_by_name=True)\n" in named.text


BASE = "from pydantic import BaseModel as ContractModel"


def test_renaming_changes_types_and_leaves_text_alone() -> None:
    _, [statement] = statements_of(
        'class Ä(Own):\n    """Own."""\n\n    own: Annotated[Own | None, Field(examples=["Own"])]'
        ' = "Own"\n    Own: Own\n'
    )
    new = renamed(statement, {"Own": "Own1"})
    assert new.text == (
        'class Ä(Own1):\n    """Own."""\n\n    own: Annotated[Own1 | None, Field(examples=["Own"])]'
        ' = "Own"\n    Own: Own1'
    )
    _, [alias] = statements_of('Own = TypeAliasType("Own", list["Own"] | Literal["Own"])\n')
    assert renamed(alias, {"Own": "Own1"}).text == (
        'Own1 = TypeAliasType("Own1", list["Own1"] | Literal["Own"])'
    )


GRAPHS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=4), max_size=8
)


@settings(max_examples=100, deadline=None)
@given(GRAPHS)
def test_strong_components_are_what_can_be_reached_both_ways(graph: dict[str, list[str]]) -> None:
    def reached(start: str) -> set[str]:
        found, todo = set[str](), [start]
        while todo:
            node = todo.pop()
            if node in graph and node not in found:
                found.add(node)
                todo += graph[node]
        return found

    components = strong_components(graph)
    assert sorted(name for each in components for name in each) == sorted(graph)
    position = {name: index for index, each in enumerate(components) for name in each}
    for one in graph:
        for other in graph:
            together = one in reached(other) and other in reached(one)
            assert together == (position[one] == position[other])
            if other in reached(one):
                assert position[other] <= position[one]


@pytest.mark.parametrize("edit", ["Heir3", "Base"])
def test_piece_has_another_key_if_and_only_if_something_that_it_leans_on_changed(edit: str) -> None:
    heirs = {f"Heir{number}": inner(f"of_{number}") for number in range(60)}
    others = {f"Other{number}": {"type": "object", "properties": {"heir": reference("Base")}}
              for number in range(30)}  # fmt: skip
    models = {"Base": {"type": "object", "properties": {"id": TEXT}}, **heirs, **others}
    before = {piece.own: piece.key for piece in pieces_of(models)}
    changed = json.loads(json.dumps(models))
    changed[edit]["description"] = "Changed."
    moved = {piece.own for piece in pieces_of(changed) if before[piece.own] != piece.key}
    leaning = {own for own in before if edit in own or (edit == "Base" and "Heir" in "".join(own))}
    assert moved == leaning
