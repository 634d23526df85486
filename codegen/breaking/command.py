"""The command `codegen breaking`. Prints and sets exit codes; what is done stands in `run`."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..config import read_settings
from ..diagnostics import ContractError
from ..display import Format, format_option, show
from ..file_errors import file_error

if TYPE_CHECKING:
    from .run import Outcome

EXIT_ERROR = 1
EXIT_BREAKING = 5
_SETTINGS = Path("pyproject.toml")


@click.command("breaking", short_help="Say how the contract changed, and whom that breaks.")
@click.argument("base")
@click.option(
    "--spec", type=click.Path(path_type=Path), help="The contract, instead of the settings' one."
)
@click.option("--all", "with_safe", is_flag=True, help="List safe changes too.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day that sunsets and accepted changes are held against, in place of today (UTC).",
)
@format_option
def breaking_command(
    base: str, spec: Path | None, with_safe: bool, today: datetime | None, form: Format
) -> None:
    """Say how the contract changed since BASE, whom that breaks, and which version it needs.

    BASE is a file, or a revision of git (origin/main, v1.2.0, HEAD~3), of which the contract is
    read without checking anything out. Each change is breaking, dangerous or safe, for requests
    and for answers; [tool.codegen.breaking] of ./pyproject.toml accepts some for a time. Forms for
    machines hold what is breaking (errors) and dangerous (warnings).

    Ends with 0, with 1 where one of the contracts or the settings can't be read, and with 5 where
    a change breaks clients and info.version doesn't say so.
    """
    outcome = _compared(base, spec, today.date() if today else datetime.now(UTC).date(), form)
    from .rules import RULES
    from .summary import summary

    show(outcome.malformed, "text")
    if outcome.malformed:
        click.echo("What is malformed was passed over.", err=True)
    if form == "text":
        for line in summary(outcome, with_safe):
            click.echo(line)
    else:
        show(outcome.findings, form, {name: rule.text for name, rule in RULES.items()})
    if outcome.is_broken:
        sys.exit(EXIT_BREAKING)


def _compared(base: str, spec: Path | None, today: date, form: Format) -> "Outcome":
    # Loaded here: no other command needs it.
    from .accepted import read_accepted
    from .revision import find_base
    from .run import compare

    try:
        contract = spec or read_settings(_SETTINGS).spec
        return compare(find_base(base, contract), contract, read_accepted(_SETTINGS), today)
    except ContractError as error:
        found = error.findings
    except OSError as error:
        found = file_error(error).findings
    show(found, form)
    sys.exit(EXIT_ERROR)
