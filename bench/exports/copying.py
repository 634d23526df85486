"""The peer: `psql \\copy … | gzip`, of the same rows and columns, by the tables' owner."""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.deployment import Deployment
from bench.processes import BenchError
from bench.workload import TENANT
from db.access import OWNER

# What an export's CSV has of a report, as the table has it.
_ROWS = f"""
SELECT id, created_at, severity, policy_version, source, stream, pass_count, warn_count,
  block_count, inconsistencies, duplicate_of, encode(sha256, 'hex'), original_digest, key_id,
  request_id, document
  FROM reports WHERE tenant_id = '{TENANT}' ORDER BY id LIMIT {{limit}}
"""


@dataclass(frozen=True, slots=True)
class Copied:
    seconds: float
    size: int


def copied(deployment: Deployment, reports: int, target: Path) -> Copied:
    """Time from the first byte asked for to the last written. Raises BenchError."""
    gzip = shutil.which("gzip")
    if gzip is None:
        raise BenchError("gzip is not installed")
    query = " ".join(_ROWS.format(limit=reports).split())
    psql = [
        str(deployment.embedded.bin_dir / "psql"),
        deployment.embedded.libpq_dsn(OWNER, deployment.size.database),
        "--no-psqlrc",
        "--quiet",
        "--command",
        f"\\copy ({query}) TO STDOUT (FORMAT csv, HEADER)",
    ]
    begun = time.monotonic()
    with (
        target.open("wb") as out,
        subprocess.Popen(psql, stdout=subprocess.PIPE) as reading,
        subprocess.Popen([gzip, "--stdout"], stdin=reading.stdout, stdout=out) as packing,
    ):
        if reading.stdout is not None:
            reading.stdout.close()
        if packing.wait() or reading.wait():
            raise BenchError("psql and gzip did not copy the rows")
    return Copied(time.monotonic() - begun, target.stat().st_size)
