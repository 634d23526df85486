"""Runs a command beside a new PostgreSQL: `python -m ci.with_postgres FOLDER COMMAND …`.

FOLDER holds the program `postgres`. The command finds its administrator's URL in
TEST_DATABASE_ADMIN_URL; its exit code is ours.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.external_postgres import external_postgres
from tests.e2e.service_process import short_folder


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    with short_folder() as folder, external_postgres(folder, Path(arguments[0])) as postgres:
        environment = {**os.environ, "TEST_DATABASE_ADMIN_URL": postgres.server_url}
        return subprocess.run(arguments[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
