"""Seals and writes checkpoints without a pause, until it is killed: `audit_worker URL FOLDER`."""

import sys
from pathlib import Path

from db.audit_upkeep import seal_journal
from db.session import Database
from service.checkpoint_folder import CheckpointFolder
from service.checkpoints import write_checkpoint
from tests.support.service import SIGNING


def main(url: str, folder: str) -> None:
    database = Database(url, pool_size=1, statement_timeout_ms=60_000)
    kept = CheckpointFolder(Path(folder))
    while True:
        seal_journal(database, about=40)
        write_checkpoint(database, kept, SIGNING)


if __name__ == "__main__":
    main(*sys.argv[1:])
