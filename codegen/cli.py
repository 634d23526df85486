"""The command `codegen`. Prints and sets exit codes; what is done stands in `run`."""

import atexit
import gc
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from typing_extensions import override

from .breaking.command import breaking_command
from .config import Settings, read_settings
from .diagnostics import ContractError, Diagnostic
from .display import Format, format_option, show
from .explain import explain_command
from .file_errors import file_error
from .init import InitError, write_service
from .lint.command import lint_command
from .run import Outcome, check, differences, generate

EXIT_ERROR = 1
EXIT_STALE = 4

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class _InOrderOfUse(click.Group):
    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrderOfUse,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="contract-codegen", message="codegen %(version)s")
def main() -> None:
    """Python from an OpenAPI 3.0 or 3.1 contract: models, handler protocols, routes, a client.

    Which contract, and where its package goes, stands in ./pyproject.toml:

    \b
    [tool.codegen]
    spec = "openapi.yaml"
    out = "generated"

    For any other contract give both --spec and --out. The output folder is a package under any
    name that an import statement takes, and needs no codegen at run time.

    \b
    Exit codes: 0 all is as the contract has it; 1 the contract or the settings have errors, each
    shown as file:line:column CODE message (hint); 2 wrong usage; 4 check found files that differ;
    5 breaking found a change that breaks clients, and no version that says so.
    """
    # A contract is one large tree without circles: to walk it for garbage finds none, neither while
    # a command runs nor when it ends. Where some comes up, when models are made, it is collected.
    gc.disable()
    atexit.register(gc.freeze)


def _options(command: CommandT) -> CommandT:
    command = format_option(command)
    command = click.option(
        "--full", is_flag=True, help="Read the contract even if it is unchanged."
    )(command)
    command = click.option(
        "--out", type=click.Path(path_type=Path), help="Folder of the package. With --spec."
    )(command)
    return click.option(
        "--spec", type=click.Path(path_type=Path), help="The contract, YAML or JSON. With --out."
    )(command)


@main.command("init", short_help="Make a new service: contract, handlers, tests.")
@click.argument("name")
def init_command(name: str) -> None:
    """Make a new service in the folder NAME: contract, handlers, tests, and the package `api`.

    It runs, type-checks, tests and fuzzes at once; its README.md has the commands.
    """
    try:
        folder = write_service(name, Path())
    except InitError as error:
        raise click.ClickException(str(error)) from error
    outcome = _run(generate, folder / "openapi.yaml", folder / "api", False, "text")
    _say(f"{folder}/ holds a new service, {outcome.count} files of it generated into {folder}/api/")
    _say(f"Next: cd {folder}, and read README.md")


@main.command("generate", short_help="Write what differs from the contract.")
@_options
def generate_command(spec: Path | None, out: Path | None, full: bool, form: Format) -> None:
    """Write the package; a file that is right already isn't touched.

    Orphaned files are removed if the generator wrote them. With a file in the folder that it
    didn't write, it writes nothing and ends with 1.
    """
    outcome = _run(generate, spec, out, full, form)
    show(outcome.warnings, form, folds=True)
    written = sum(drift.kind != "orphaned" for drift in outcome.drifts)
    removed = len(outcome.drifts) - written
    _say(f"{outcome.count} files: {written} written, {removed} removed")


@main.command("check", short_help="Write nothing; say which files differ from the contract.")
@_options
def check_command(spec: Path | None, out: Path | None, full: bool, form: Format) -> None:
    """Say which files are stale, edited by hand, missing, orphaned or foreign; exit 4 if any is."""
    outcome = _run(check, spec, out, full, form)
    folder = _settings(spec, out).out
    if form == "text":
        show(outcome.warnings, form, folds=True)
        for drift in outcome.drifts:
            click.echo(f"{drift.kind} {folder / drift.path}")
    else:
        show([*outcome.warnings, *differences(folder, outcome.drifts)], form)
    if outcome.drifts:
        _say(f"{len(outcome.drifts)} of {outcome.count} files differ; run: codegen generate")
        sys.exit(EXIT_STALE)
    _say(f"{outcome.count} files are as the contract has them")


main.add_command(lint_command)
main.add_command(breaking_command)
main.add_command(explain_command)


def _run(
    work: Callable[[Path, Path, bool], Outcome],
    spec: Path | None,
    out: Path | None,
    full: bool,
    form: Format,
) -> Outcome:
    """What is shown to a machine has to be whole, so the contract is read for it in any case."""
    try:
        settings = _settings(spec, out)
        return work(settings.spec, settings.out, full or form != "text")
    except ContractError as error:
        _fail(error.findings, form)
    except OSError as error:
        mended = "run again once that is mended: each file is whole or as before"
        _fail(file_error(error).findings, form, mended)


def _settings(spec: Path | None, out: Path | None) -> Settings:
    if (spec is None) != (out is None):
        raise click.UsageError("--spec and --out go together: give both, or neither")
    if spec is None or out is None:
        return read_settings(Path("pyproject.toml"))
    return Settings(spec, out)


def _fail(
    findings: Iterable[Diagnostic], form: Format, consequence: str = "nothing was written"
) -> NoReturn:
    found = list(findings)
    show(found, form, folds=True)
    errors = [finding for finding in found if finding.severity == "error"]
    if form == "text":
        _say(f"codegen explain {errors[0].code} says more, with a wrong and a right example")
    _say(f"{len(errors)} error{'s' * (len(errors) != 1)}; {consequence}")
    sys.exit(EXIT_ERROR)


def _say(line: str) -> None:
    click.echo(line, err=True)
