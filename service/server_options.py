"""The options by which commands name a running service, and the credentials that they give.

The API key is never an option itself, so that it does not show in the list of processes.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from generated.client import Credentials

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def server_options(command: CommandT) -> CommandT:
    """Adds what the command gets as `url`, `tenant` and `api_key_file`."""
    command = click.option(
        "--api-key-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="File that holds the API key; else the variable API_KEY.",
    )(command)
    command = click.option(
        "--tenant", envvar="TENANT_ID", required=True, help="Tenant, or TENANT_ID."
    )(command)
    return click.option(
        "--url", envvar="COLLECTOR_URL", default="http://127.0.0.1:9090", show_default=True
    )(command)


def credentials(tenant: str, file: Path | None) -> Credentials:
    """With the key in this file, else in API_KEY; ends the command if there is none."""
    context = click.get_current_context()
    key = (
        file.read_text(encoding="utf-8").strip() if file else os.environ.get("API_KEY", "").strip()
    )
    if not key or not key.isascii() or not key.isprintable():
        context.fail("No usable API key: set API_KEY, or name a file with --api-key-file.")
    return Credentials(api_key=key, tenant=tenant)
