"""How long `codegen generate` takes: beside its library alone, after an edit, with nothing changed.

The four take turns, so that what else the machine does falls on all of them. Their ratios are of
processor time, which others on the machine change least.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.contracts.step import Step, run
from codegen.diagnostics import Findings
from codegen.source import Source, read_source

# As `codegen/model_library.py` asks for, with the same formatter and all schemas of operations.
ALONE = [
    "--input-file-type=openapi",
    "--openapi-scopes", "schemas", "paths", "parameters",
    "--output-model-type=pydantic_v2.BaseModel",
    "--target-python-version=3.11",
    "--formatters", "ruff-check", "ruff-format",
    "--naming-strategy=parent-prefixed",
    "--enum-field-as-literal=all",
    "--output-datetime-class=AwareDatetime",
    *(
        f"--{name}"
        for name in (
            "disable-timestamp", "no-treat-dot-as-module", "use-annotated", "field-constraints",
            "use-union-operator", "use-standard-collections", "use-schema-description",
            "use-field-description", "use-single-line-docstring", "use-type-alias",
            "snake-case-field", "allow-population-by-field-name",
        )
    ),
]  # fmt: skip
_ADDED = "added_by_an_edit"


@dataclass(frozen=True, slots=True)
class Speed:
    """A step a round of each kind."""

    generated: list[Step]
    alone: list[Step]
    edited: list[Step]
    unchanged: list[Step]

    @property
    def cells(self) -> list[str]:
        full = _processor(self.generated)
        alone = _processor(self.alone)
        is_alone_right = all(step.code == 0 for step in self.alone)
        return [
            _middle(self.generated),
            _middle(self.alone),
            f"{full / alone:.2f}" if is_alone_right else "fails",
            _middle(self.edited),
            f"{_processor(self.edited) / full:.2f}",
            _middle(self.unchanged),
        ]


def _processor(steps: Iterable[Step]) -> float:
    return median(step.processor for step in steps)


def _middle(steps: list[Step]) -> str:
    return str(sorted(steps, key=lambda step: step.processor)[len(steps) // 2])


def measure(spec: Path, folder: Path, rounds: int) -> Speed:
    """Leaves `package` in the folder, generated from the contract as it is."""
    speed = Speed([], [], [], [])
    contract = folder / spec.name
    for _ in range(rounds):
        shutil.rmtree(folder / "package", ignore_errors=True)
        shutil.copy(spec, contract)
        speed.generated.append(_generate(folder, contract))
        if speed.generated[-1].code:
            break
        output = str(folder / "alone.py")
        library = ["-m", "datamodel_code_generator", "--input", str(contract)]
        speed.alone.append(run(folder, *library, "--output", output, *ALONE))
        contract.write_text(edited(spec))
        speed.edited.append(_generate(folder, contract))
        speed.unchanged.append(_generate(folder, contract))
        shutil.copy(spec, contract)
        _generate(folder, contract)
    return speed


def _generate(folder: Path, contract: Path) -> Step:
    return run(folder, "-m", "codegen", "generate", "--spec", str(contract), "--out", "package")


def schemas_of(source: Source) -> dict[str, Any]:
    found = source.value.get("components", {}).get("schemas", {})
    return found if isinstance(found, dict) else {}


def source_of(spec: Path) -> Source:
    return read_source(spec, spec.name, spec.read_bytes(), Findings())


def edited(spec: Path) -> str:
    """The contract with one property more, in the middle one of the schemas that have any."""
    source = source_of(spec)
    schemas = schemas_of(source)
    having = [name for name, schema in schemas.items() if schema.get("properties")]
    name = having[len(having) // 2]
    if spec.suffix == ".json":
        schemas[name]["properties"][_ADDED] = {"type": "string"}
        return json.dumps(source.value, indent=1, ensure_ascii=False)
    first = next(iter(schemas[name]["properties"]))
    place = source.place(("components", "schemas", name, "properties", first))
    lines = spec.read_text().splitlines(keepends=True)
    before = "".join(lines[: place.line - 1]) + lines[place.line - 1][: place.column - 1]
    # In braces, as in JSON, members are parted by commas; else each begins a line.
    is_in_braces = before.rstrip().endswith("{")
    parted = ", " if is_in_braces else "\n" + " " * (place.column - 1)
    behind = "".join(lines)[len(before) :]
    return f"{before}{_ADDED}: {{type: string}}{parted}{behind}"
