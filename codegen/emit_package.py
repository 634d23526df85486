"""Writes what every package has: its head, the runtime, the bundled contract."""

from importlib.resources import files

from .contract import Contract
from .emitted import Emitted, Made
from .json_text import indented
from .python_text import header


def emit_package(contract: Contract) -> dict[str, Emitted]:
    text = f'{header(contract.name)}\n\n"""Everything that the contract says, as Python."""\n'
    return {
        "__init__.py": text,
        "py.typed": "",
        # By one space, which keeps a large contract small.
        "openapi.json": indented(contract.document, 1) + b"\n",
        **_runtime(contract),
    }


def _runtime(contract: Contract) -> dict[str, Emitted]:
    names = [file.name for file in files(__package__).joinpath("runtime").iterdir()]
    return {
        f"runtime/{name}": Made(_copied, (contract.name, name))
        for name in sorted(names)
        if name.endswith(".py")
    }


def _copied(contract: str, name: str) -> str:
    text = files(__package__).joinpath("runtime", name).read_text(encoding="utf-8")
    return f"{header(contract)}\n{text}"
