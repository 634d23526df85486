"""What may stand in no log: keys, canaries, and anything that the neighbour tenant sent."""

from collections.abc import Iterable, Mapping
from pathlib import Path


def log_findings(logs: Mapping[str, str], hidden: Iterable[str]) -> list[str]:
    """One line for each log line that holds a hidden string or tells of a failure of ours.

    The line itself is not repeated where it holds a secret; its number leads to it.
    """
    secrets = list(hidden)
    findings = []
    for name, text in logs.items():
        for number, line in enumerate(text.splitlines(), 1):
            if any(secret in line for secret in secrets):
                findings.append(
                    f"{name}, line {number}: holds a key, a canary or a neighbour's text"
                )
            elif '"level": "error"' in line or '"level":"error"' in line:
                findings.append(f"{name}, line {number}: {line}")
    return findings


def logs_below(folder: Path) -> dict[str, str]:
    """Every log of a service that lives in the folder: its own and the database's."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8", errors="replace")
        for path in [folder / "log", *sorted((folder / "home").rglob("*.log"))]
    }
