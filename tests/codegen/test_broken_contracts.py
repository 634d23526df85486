"""However a contract is broken, what comes is findings with a place, never a traceback.

`mistakes/` holds contracts that people write wrong or oddly, each with all that is found in it;
what is odd and no more gives a package. UPDATE_EXPECTED=1 writes the findings anew; read the diff.
"""

import copy
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.bundle import ReadFile
from codegen.diagnostics import ContractError, Findings
from codegen.render import load, render

from .conftest import HERE, LIBRARY

MISTAKES = HERE / "mistakes"
PAGES = sorted(path.name for path in MISTAKES.glob("*.md"))
UPDATE = os.environ.get("UPDATE_EXPECTED") == "1"
SECTION = re.compile(r"^## (.+)\n", re.MULTILINE)
FENCE = re.compile(r"^```\w+ (\S.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOUND = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACED = re.compile(r"[^:\n]+:[1-9]\d*:[1-9]\d* CG\d{3} \S.*")

CONTRACTS = [
    yaml.safe_load((LIBRARY / "openapi.yaml").read_text()),
    json.loads((HERE / "contracts" / "petstore-expanded.json").read_text()),
]
SCALARS = [None, True, 0, -1, "", "x"]
CONTAINERS = [[], ["x"], {}, {"x": 1}, {"type": "object"}, {"type": []}, [{}], [[]], {"": {}}]
REFERENCES = [{"$ref": target} for target in ("#", "#/paths", "x.yaml", 1)]
JUNK = st.sampled_from([*SCALARS, *CONTAINERS, *REFERENCES])


def pointers(value: Any, inside: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    found = [(*inside, key) for key in keys]
    return found + [deeper for key in keys for deeper in pointers(value[key], (*inside, key))]


PLACES = [(which, place) for which, one in enumerate(CONTRACTS) for place in pointers(one)]


def broken(which: int, place: tuple[str | int, ...], junk: Any) -> bytes:
    contract = copy.deepcopy(CONTRACTS[which])
    holder = contract
    for token in place[:-1]:
        holder = holder[token]
    holder[place[-1]] = junk
    return json.dumps(contract, default=str).encode()


def reads_alone(data: bytes) -> ReadFile:
    """What reads a contract in `openapi.json`, beside which there is no other file."""

    def read(path: Path) -> bytes:
        if path.name == "openapi.json":
            return data
        raise FileNotFoundError(2, "No such file or directory", str(path))

    return read


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), JUNK)
def test_any_value_in_any_place_gives_a_contract_or_findings(
    spot: tuple[int, tuple[str | int, ...]], junk: Any
) -> None:
    read = reads_alone(broken(*spot, junk))
    with suppress(ContractError):
        load(Path("openapi.json"), "openapi.json", Findings(), read)


def test_reference_that_leads_back_to_itself_is_named() -> None:
    contract = copy.deepcopy(CONTRACTS[0])
    contract["components"]["parameters"] = {"A": {"$ref": "#/components/parameters/A"}}
    contract["paths"]["/books"]["get"]["parameters"].append({"$ref": "#/components/parameters/A"})
    data = json.dumps(contract, default=str).encode()
    with pytest.raises(ContractError, match="CG010 this \\$ref leads back to itself"):
        load(Path("openapi.json"), "openapi.json", Findings(), lambda path: data)


def sections(page: str) -> dict[str, str]:
    """The text below each heading of a page."""
    _, *parts = SECTION.split((MISTAKES / page).read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize(
    ("page", "title"), [(page, title) for page in PAGES for title in sections(page)]
)
def test_all_that_is_wrong_is_told_at_once_each_at_its_place(
    page: str, title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = sections(page)[title]
    files = dict(FENCE.findall(text))
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    found = found_in(next(iter(files)))
    assert all(PLACED.fullmatch(line) and line.split(":")[0] in files for line in found)
    if UPDATE:
        update(page, title, found)
    [expected] = FOUND.findall(sections(page)[title])
    assert "".join(f"{line}\n" for line in found) == expected


def found_in(spec: str) -> list[str]:
    """Errors, or warnings and a package whose every file is Python."""
    try:
        rendered = render(Path(spec), spec)
    except ContractError as error:
        return str(error).splitlines()
    for path, text in rendered.files.items():
        if path.endswith(".py"):
            compile(text, path, "exec")
    return [str(warning) for warning in rendered.warnings]


def update(page: str, title: str, found: list[str]) -> None:
    file = MISTAKES / page
    text = file.read_text(encoding="utf-8")
    old = sections(page)[title]
    lines = "".join(f"{line}\n" for line in found)
    new = f"{FOUND.sub('', old).rstrip()}\n\n```text\n{lines}```\n\n"
    file.write_text(text.replace(f"## {title}\n{old}", f"## {title}\n{new}").rstrip() + "\n")


def test_page_of_mistakes_has_no_two_of_one_title() -> None:
    titles = [
        title for page in PAGES for title in SECTION.findall((MISTAKES / page).read_text("utf-8"))
    ]
    assert len(titles) == len(set(titles))
