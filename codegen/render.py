"""The generator as one function: a contract in, every file of the package out. Writes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .bundle import ReadFile, bundle
from .cache import Cache
from .contract import Contract
from .diagnostics import ContractError, Diagnostic, Findings
from .emit_client import emit_client
from .emit_connexion import emit_connexion
from .emit_models import emit_models
from .emit_operations import emit_operations
from .emit_package import emit_package
from .emit_routes import emit_routes
from .emitted import Emitted, files_of
from .examples import check_samples
from .read import read_contract
from .spelling import check_spelling
from .structure import check_structure, is_known_version, is_readable
from .units import units_of

_EMITTERS: tuple[Callable[[Contract], dict[str, Emitted]], ...] = (
    emit_package,
    emit_operations,
    emit_connexion,
    emit_routes,
    emit_client,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """`files` maps paths in the output folder to content; `inputs` are the files that were read."""

    files: dict[str, bytes]
    inputs: tuple[Path, ...]
    warnings: tuple[Diagnostic, ...]


def render(
    spec: Path, name: str, read: ReadFile = Path.read_bytes, cache: Cache | None = None
) -> Rendered:
    """`name` is how messages call the contract. Raises ContractError with everything found.

    What comes out is the same with any cache.
    """
    cache = cache or Cache()
    findings = Findings()
    contract, inputs = load(spec, name, findings, read, cache)
    emitted = emit_models(contract, findings, cache)
    findings.stop_on_errors()
    for emit in _EMITTERS:
        emitted |= emit(contract)
    return Rendered(files_of(emitted, cache), inputs, tuple(findings.warnings))


def load(
    spec: Path,
    name: str,
    findings: Findings,
    read: ReadFile = Path.read_bytes,
    cache: Cache | None = None,
) -> tuple[Contract, tuple[Path, ...]]:
    """The contract, read and checked, and the files that it stands in."""
    found = bundle(spec, name, read, findings)
    if not is_known_version(found, findings):
        findings.stop_on_errors()
    broken = check_structure(found, findings) | found.dangling
    if not is_readable(broken):
        findings.stop_on_errors()
    cache = cache or Cache()
    units = units_of(found.document)
    check_spelling(found, units, findings, cache)
    try:
        misfits = check_samples(found, units, broken, findings, cache)
        contract = read_contract(found, broken, findings, misfits)
    except ContractError as error:
        # A part that nothing can be read behind: it is told together with all found before.
        raise ContractError(findings.found | set(error.findings)) from error
    findings.stop_on_errors()
    return contract, tuple(source.path for source in found.sources)
