"""The two things the generator does, `generate` and `check`: one path for both, and for tests.

Loads the renderer only where the contract has to be read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path

from .cache import FOLDER, Cache
from .diagnostics import Diagnostic, Findings, Place, one_error
from .manifest import Manifest, digest, generator_digest, input_name, is_current, load_manifest
from .write import Drift, apply, compare


@dataclass(frozen=True, slots=True)
class Outcome:
    """`count` is of the wanted files. `read` is False if the manifest said that nothing changed."""

    drifts: tuple[Drift, ...]
    count: int
    read: bool
    warnings: tuple[Diagnostic, ...] = ()


def generate(spec: Path, out: Path, full: bool) -> Outcome:
    """Raises ContractError; nothing has been written then."""
    cache = _cache(out, full)
    outcome, files, manifest = _compare(spec, out, full, cache)
    _refuse_foreign(out, outcome.drifts)
    if outcome.read:
        apply(out, files, list(outcome.drifts), manifest)
        cache.save()
    return outcome


def check(spec: Path, out: Path, full: bool) -> Outcome:
    """Writes nothing. Raises ContractError where the contract can't be generated from."""
    return _compare(spec, out, full, _cache(out, full))[0]


def _refuse_unnameable(out: Path) -> None:
    """Not a package that is there already: whoever has it has a way to import it."""
    name = out.resolve().name
    if not name.isidentifier() or iskeyword(name):
        hint = (
            "the folder is the package: name it with letters, digits and _, and no word of Python's"
        )
        message = f"no import statement can name a package {name!r}"
        raise one_error(Place(str(out)), "CG090", message, hint)


def _cache(out: Path, full: bool) -> Cache:
    return Cache(out / FOLDER, generator_digest(), read=not full)


def _compare(
    spec: Path, out: Path, full: bool, cache: Cache
) -> tuple[Outcome, Mapping[str, bytes], Manifest]:
    manifest = load_manifest(out)
    # That a file is in the way is told when the folder is to be read.
    if not manifest.outputs and not out.is_file():
        _refuse_unnameable(out)
    if not full and is_current(manifest, spec, out):
        drifts = compare(out, manifest.outputs, manifest)
        if not drifts:
            return Outcome((), len(manifest.outputs), read=False), {}, manifest
    return _compare_rendered(spec, out, manifest, cache)


def _compare_rendered(
    spec: Path, out: Path, manifest: Manifest, cache: Cache
) -> tuple[Outcome, Mapping[str, bytes], Manifest]:
    from .render import render

    inputs: dict[str, str] = {}

    def read(path: Path) -> bytes:
        data = path.read_bytes()
        inputs[input_name(path, out)] = digest(data)
        return data

    rendered = render(spec, str(spec), read, cache)
    wanted = {name: digest(content) for name, content in rendered.files.items()}
    drifts = compare(out, wanted, manifest)
    outcome = Outcome(tuple(drifts), len(wanted), True, rendered.warnings)
    return outcome, rendered.files, Manifest(generator_digest(), inputs, wanted)


def differences(out: Path, drifts: Iterable[Drift]) -> list[Diagnostic]:
    """The same as findings: of the files that are not as the contract has them."""
    findings = Findings()
    for drift in drifts:
        place = Place(str(out / drift.path))
        if drift.kind == "foreign":
            hint = "move it elsewhere: this folder is for generated files alone"
            message = "this file is not the generator's, so it is left alone and nothing is written"
            findings.add(place, "CG091", message, hint)
        else:
            message = f"this generated file is {_DIFFERENCES[drift.kind]}"
            findings.add(place, "CG092", message, "run: codegen generate")
    return findings.errors


_DIFFERENCES = {
    "stale": "stale: the contract says something else now",
    "edited": "edited by hand",
    "missing": "missing",
    "orphaned": "orphaned: the contract doesn't ask for it any more",
}


def _refuse_foreign(out: Path, drifts: tuple[Drift, ...]) -> None:
    findings = Findings()
    findings.found |= set(differences(out, [each for each in drifts if each.kind == "foreign"]))
    findings.stop_on_errors()
