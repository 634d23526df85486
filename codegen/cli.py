"""The command `codegen`. Prints and sets exit codes; what is done stands in `run`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from .config import Settings, read_settings
from .diagnostics import ContractError, Place, one_error
from .lint.command import lint_command
from .run import Outcome, check, generate

EXIT_ERROR = 1
EXIT_STALE = 4

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Python from an OpenAPI 3.0 or 3.1 contract: models, handler protocols, routes.

    \b
    codegen generate    write what differs
    codegen check       write nothing; say which files are not as the contract has them
    codegen lint        say where the contract could be better

    Which contract, and where its package goes, stands in ./pyproject.toml:

    \b
    [tool.codegen]
    spec = "openapi.yaml"
    out = "generated"

    For any other contract give both --spec and --out. The output folder is a package under any
    name and needs no codegen at run time.

    \b
    Exit codes: 0 all is as the contract has it; 1 the contract or the settings have errors, each
    shown as file:line:column CODE message (hint); 2 wrong usage; 4 check found files that differ.
    """


def _options(command: CommandT) -> CommandT:
    command = click.option(
        "--full", is_flag=True, help="Read the contract even if it is unchanged."
    )(command)
    command = click.option(
        "--out", type=click.Path(path_type=Path), help="Folder of the package. With --spec."
    )(command)
    return click.option(
        "--spec", type=click.Path(path_type=Path), help="The contract, YAML or JSON. With --out."
    )(command)


@main.command("generate")
@_options
def generate_command(spec: Path | None, out: Path | None, full: bool) -> None:
    """Write the package; a file that is right already isn't touched.

    Orphaned files are removed if the generator wrote them. With a file in the folder that it
    didn't write, it writes nothing and ends with 1.
    """
    outcome = _run(generate, spec, out, full)
    written = sum(drift.kind != "orphaned" for drift in outcome.drifts)
    removed = len(outcome.drifts) - written
    _say(f"{outcome.count} files: {written} written, {removed} removed")


@main.command("check")
@_options
def check_command(spec: Path | None, out: Path | None, full: bool) -> None:
    """Say which files are stale, edited by hand, missing, orphaned or foreign; exit 4 if any is."""
    outcome = _run(check, spec, out, full)
    folder = _settings(spec, out).out
    for drift in outcome.drifts:
        click.echo(f"{drift.kind} {folder / drift.path}")
    if outcome.drifts:
        _say(f"{len(outcome.drifts)} of {outcome.count} files differ; run: codegen generate")
        sys.exit(EXIT_STALE)
    _say(f"{outcome.count} files are as the contract has them")


main.add_command(lint_command)


def _run(
    work: Callable[[Path, Path, bool], Outcome], spec: Path | None, out: Path | None, full: bool
) -> Outcome:
    try:
        settings = _settings(spec, out)
        outcome = work(settings.spec, settings.out, full)
    except ContractError as error:
        _fail(error)
    except OSError as error:
        _fail(one_error(Place(str(error.filename)), "CG001", error.strerror or "can't be read"))
    for warning in outcome.warnings:
        _say(str(warning))
    return outcome


def _settings(spec: Path | None, out: Path | None) -> Settings:
    if (spec is None) != (out is None):
        raise click.UsageError("--spec and --out go together: give both, or neither")
    if spec is None or out is None:
        return read_settings(Path("pyproject.toml"))
    return Settings(spec, out)


def _fail(error: ContractError) -> NoReturn:
    for finding in error.findings:
        _say(str(finding))
    errors = sum(finding.severity == "error" for finding in error.findings)
    _say(f"{errors} error{'s' * (errors != 1)}; nothing was written")
    sys.exit(EXIT_ERROR)


def _say(line: str) -> None:
    click.echo(line, err=True)
