"""What an advisory lock of PostgreSQL is called: a number that stands for what it is about."""

import hashlib
import json


def lock_number(*about: str) -> int:
    """Return the signed 64 bits that stand for these words; other words, another number."""
    digest = hashlib.sha256(json.dumps(about).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
