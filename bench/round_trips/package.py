"""A package generated from a contract, imported, beside what the generator knew of the contract."""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import TypeAdapter

from codegen.contract import Annotation, Contract
from codegen.diagnostics import Findings
from codegen.render import load
from codegen.run import generate
from codegen.runtime.document import pointer_to
from codegen.runtime.schemas import ContractSchemas


@dataclass(frozen=True)
class Package:
    """Its folder is on Python's path, so `name` must be one that no other package has."""

    name: str
    folder: Path
    contract: Contract

    def module(self, path: str) -> ModuleType:
        return importlib.import_module(f"{self.name}.{path}" if path else self.name)

    @cached_property
    def document(self) -> dict[str, Any]:
        return self._read("openapi.json")

    @cached_property
    def view(self) -> dict[str, Any]:
        """What Connexion routes by."""
        return self._read("connexion.json")

    def _read(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / self.name / name).read_bytes())
        return document

    @cached_property
    def words(self) -> str:
        """All that the package itself may say to a caller: the contract, and the runtime's text."""
        runtime = sorted((self.folder / self.name / "runtime").glob("*.py"))
        return json.dumps(self.document) + "".join(one.read_text("utf-8") for one in runtime)

    @cached_property
    def schemas(self) -> ContractSchemas:
        return ContractSchemas(self.document)

    def type_of(self, annotation: Annotation) -> Any:
        """The type that an emitted annotation stands for."""
        names: dict[str, Any] = {}
        for source, name in annotation.imports:
            if source == "..":
                names[name] = self.module(name)
            elif source.startswith(".."):
                names[name] = getattr(self.module(source.removeprefix("..")), name)
            elif source:
                names[name] = getattr(importlib.import_module(source), name)
            else:
                names[name] = importlib.import_module(name)
        # The generator's own text, which stands like this in the package.
        return eval(annotation.text, names)

    def component_types(self) -> Iterator[tuple[str, str]]:
        """JSON pointers of all named schemas, with the names of their types."""
        components = self.document.get("components", {}).get("schemas", {})
        # They come first, in the contract's order.
        for name, type_name in zip(components, self.contract.models, strict=False):
            yield pointer_to(["components", "schemas", name]), type_name

    def component_adapter(self, type_name: str) -> TypeAdapter[Any]:
        return TypeAdapter(getattr(self.module("models"), type_name))


def package_of(spec: Path, folder: Path, name: str) -> Package:
    """Generates `folder/name`. Raises ContractError where the contract has errors."""
    generate(spec, folder / name, full=True)
    return imported(spec, folder, name)


def imported(spec: Path, folder: Path, name: str) -> Package:
    """The package `folder/name`, which was generated from the contract."""
    contract, _ = load(spec, spec.name, Findings())
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
    return Package(name, folder, contract)
