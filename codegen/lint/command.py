"""The command `codegen lint`. Prints and sets exit codes; what is done stands in `run`."""

import sys
from pathlib import Path

import click

from ..config import read_settings
from ..diagnostics import ContractError, Diagnostic
from ..display import Format, format_option, show
from ..file_errors import file_error

EXIT_ERROR = 1
_SETTINGS = Path("pyproject.toml")


@click.command("lint", short_help="Say where the contract could be better.")
@click.option(
    "--spec", type=click.Path(path_type=Path), help="The contract, instead of the settings' one."
)
@click.option("--strict", is_flag=True, help="End with 1 where there are warnings alone, too.")
@format_option
def lint_command(spec: Path | None, strict: bool, form: Format) -> None:
    """Say where the contract could be better: names, bounds, patterns, security, errors.

    Which rules there are, and why, stands in docs/codegen/lint.md. [tool.codegen.lint] of
    ./pyproject.toml turns them off and on; a contract suppresses one, with a reason, by

    \b
    x-lint-ignore: {unbounded-string: what is read is cut to 80 characters}

    Ends with 0 where there is no error, with 1 where there is one, or where the contract or the
    settings can't be read.
    """
    found = _found(spec)
    show(found, form, _reasons())
    errors = sum(finding.severity == "error" for finding in found)
    warnings = len(found) - errors
    counted = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    click.echo(counted, err=True)
    if errors or (strict and found):
        sys.exit(EXIT_ERROR)


def _reasons() -> dict[str, str]:
    from .rules import RULES

    return {rule.name: rule.reason for rule in RULES.values()}


def _found(spec: Path | None) -> tuple[Diagnostic, ...]:
    # Loaded here: no other command needs the rules.
    from .run import lint
    from .settings import read_lint_settings

    try:
        contract = spec or read_settings(_SETTINGS).spec
        return lint(contract, str(contract), read_lint_settings(_SETTINGS))
    except ContractError as error:
        return error.findings
    except OSError as error:
        return file_error(error).findings
