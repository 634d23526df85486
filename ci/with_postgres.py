"""Runs a command beside a new PostgreSQL: `python -m ci.with_postgres [--pooled] FOLDER COMMAND …`.

FOLDER holds the program `postgres`. The command finds its administrator's URL in
TEST_DATABASE_ADMIN_URL, and FOLDER in TEST_POSTGRES_BIN for tests that want a server of their own.
With --pooled the app login goes through a PgBouncer, whose port is in TEST_DATABASE_POOLER_PORT.
The command's exit code is ours.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.external_postgres import external_postgres
from tests.e2e.pooler import pooler
from tests.e2e.service_process import short_folder


def main(arguments: list[str]) -> int:
    pooled = arguments[:1] == ["--pooled"]
    folder_and_command = arguments[1:] if pooled else arguments
    if len(folder_and_command) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    binaries, *command = folder_and_command
    with ExitStack() as running:
        folder = running.enter_context(short_folder())
        postgres = running.enter_context(external_postgres(folder, Path(binaries)))
        environment = {
            **os.environ,
            "TEST_DATABASE_ADMIN_URL": postgres.server_url,
            "TEST_POSTGRES_BIN": binaries,
        }
        if pooled:
            port = running.enter_context(pooler(folder, postgres))
            environment["TEST_DATABASE_POOLER_PORT"] = str(port)
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
