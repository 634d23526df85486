"""Serves the collector without its journal of ingest, to be measured beside the one that has it.

All else is the same; it is no way to run the service.
"""

from db.transaction import Transaction
from service.cli import main


def _keep_no_journal(*_: object) -> None:
    """In the place of `Transaction.journal_at_commit`."""


if __name__ == "__main__":
    Transaction.journal_at_commit = _keep_no_journal  # type: ignore[assignment, method-assign]  # its purpose
    main(["serve"])
