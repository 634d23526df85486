"""What the last run read and wrote, as digests in `.codegen.json` beside the generated files.

Lets a run with nothing changed end without reading the contract. Deciding what to write isn't here.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

FILE_NAME = ".codegen.json"
# Libraries whose version shows in the generated text.
_TOOLS = ("datamodel-code-generator", "ruff")


@dataclass(frozen=True, slots=True)
class Manifest:
    """`inputs` are by path from the output folder, the contract first; `outputs` by path in it."""

    generator: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    def as_text(self) -> str:
        content = {
            "generator": self.generator,
            "inputs": dict(self.inputs),
            "outputs": dict(sorted(self.outputs.items())),
        }
        return json.dumps(content, indent=2) + "\n"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def load_manifest(out: Path) -> Manifest:
    """An empty manifest where there is none, or none that can be read: all is done anew then."""
    try:
        content = json.loads((out / FILE_NAME).read_bytes())
        return Manifest(
            str(content["generator"]), _texts(content["inputs"]), _texts(content["outputs"])
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Manifest()


def _texts(content: Mapping[str, str]) -> dict[str, str]:
    return {str(key): str(value) for key, value in content.items()}


def input_name(path: Path, out: Path) -> str:
    return Path(os.path.relpath(path, out)).as_posix()


def is_current(manifest: Manifest, spec: Path, out: Path) -> bool:
    """Whether a run would read what the last one read, with the same generator."""
    if not manifest.inputs or next(iter(manifest.inputs)) != input_name(spec, out):
        return False
    if manifest.generator != generator_digest():
        return False
    return all(_digest_of(out / name) == known for name, known in manifest.inputs.items())


def _digest_of(path: Path) -> str | None:
    try:
        return digest(path.read_bytes())
    except OSError:
        return None


@cache
def generator_digest() -> str:
    """Of the generator's own source and the libraries it writes with."""
    seen = hashlib.sha256()
    for tool in _TOOLS:
        seen.update(f"{tool} {version(tool)}\n".encode())
    for name, data in sorted(_sources(files(__package__), "")):
        seen.update(f"{name} {digest(data)}\n".encode())
    return seen.hexdigest()


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".py"):
            found.append((prefix + entry.name, entry.read_bytes()))
    return found
