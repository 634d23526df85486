"""The `collector` command. Loads of each command's module only the one that is called."""

from importlib import import_module
from typing import Final

import click
from typing_extensions import override

from service import VERSION

_EPILOG: Final = "Settings come from environment variables; `collector settings` lists them."
# The module below `service` that has the command, and what the list of commands says of it.
_COMMANDS: Final = {
    "audit": ("audit_command", "The audit log: export a chain, verify it, declare a restore."),
    "export": ("export_command", "Have reports exported to a file, and verify it."),
    "jobs": ("jobs_command", "Background jobs: see what waits, runs and failed; try again."),
    "keys": ("keys_command", "Keys: make and wrap them, see which are used, encrypt anew."),
    "migrate": ("server_commands", "Bring the database's schema to this version."),
    "push": ("push_command", "Send report files to a collector."),
    "retention": ("retention_command", "Delete reports that are older than they are kept."),
    "serve": ("server_commands", "Serve the API on a database that is there and migrated."),
    "settings": ("server_commands", "Print every setting with its value and meaning."),
    "up": ("server_commands", "Bring up database, schema, API and worker, and serve."),
    "verify": ("verify_command", "Check a bundle, an attestation or an export, offline."),
    "worker": ("worker_command", "Run background jobs until SIGTERM or Ctrl-C."),
}


class _Commands(click.Group):
    """Those of the table. All together take seconds to load, which `push` need not wait for."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"service.{module}"), cmd_name)
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in _COMMANDS.items()])


@click.group(
    cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(VERSION, prog_name="collector")
def main() -> None:
    """Collects quality-check reports of CI pipelines.

    \b
    Try it on this machine, with nothing set:
      collector up                          database, schema, API and worker in one go
      collector push report.sarif           send a tool's output (API_KEY, TENANT_ID)
      collector export --since 7d           have reports in a file (an auditor's or admin's key)
      collector verify bundle.zip           check what somebody has sent you
    """
