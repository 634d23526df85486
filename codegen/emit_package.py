"""Writes what every package has: its head, the runtime, the bundled contract."""

from collections.abc import Mapping
from importlib.resources import files

from .contract import Contract
from .json_text import indented
from .python_text import header


def emit_package(contract: Contract) -> dict[str, str]:
    text = f'{header(contract.name)}\n\n"""Everything that the contract says, as Python."""\n'
    return {
        "__init__.py": text,
        "py.typed": "",
        "openapi.json": _json(contract.document),
        **_runtime(contract),
    }


def _runtime(contract: Contract) -> dict[str, str]:
    copied = {}
    for file in files(__package__).joinpath("runtime").iterdir():
        if file.name.endswith(".py"):
            text = file.read_text(encoding="utf-8")
            copied[f"runtime/{file.name}"] = f"{header(contract.name)}\n{text}"
    return dict(sorted(copied.items()))


def _json(document: Mapping[str, object]) -> str:
    """Indented by one space, which keeps a large contract small."""
    lines = indented(document).split("\n")
    return "\n".join(line[(len(line) - len(line.lstrip(" "))) // 2 :] for line in lines) + "\n"
