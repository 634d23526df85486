"""Files that the owner alone can read, for what a development start makes up and keeps."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Writes a file of ASCII text as a whole or not at all, and onto the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
