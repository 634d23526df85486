"""Writes what every package has: its head, the runtime, the bundled contract."""

from importlib.resources import files

from .contract import Contract
from .json_text import indented
from .python_text import header


def emit_package(contract: Contract) -> dict[str, str]:
    text = f'{header(contract.name)}\n\n"""Everything that the contract says, as Python."""\n'
    return {
        "__init__.py": text,
        "py.typed": "",
        # By one space, which keeps a large contract small.
        "openapi.json": indented(contract.document, 1) + "\n",
        **_runtime(contract),
    }


def _runtime(contract: Contract) -> dict[str, str]:
    copied = {}
    for file in files(__package__).joinpath("runtime").iterdir():
        if file.name.endswith(".py"):
            text = file.read_text(encoding="utf-8")
            copied[f"runtime/{file.name}"] = f"{header(contract.name)}\n{text}"
    return dict(sorted(copied.items()))
