"""What an advisory lock of PostgreSQL is called: a number that stands for what it is about."""

import hashlib
import json
from typing import Final

# What deletes a tenant's reports takes this lock for itself, by `collector_delete_reports`. Whoever
# makes something that must not lose its report takes it beside others, and looks at the reports in
# a later statement, whose snapshot is younger than the lock.
KEEP_REPORTS: Final = "SELECT pg_advisory_xact_lock_shared(1668246630, hashtext(%(tenant_id)s))"


def lock_number(*about: str) -> int:
    """Return the signed 64 bits that stand for these words; other words, another number."""
    digest = hashlib.sha256(json.dumps(about).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
