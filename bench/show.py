"""How a show at scale begins and ends: a home for its database, progress, nothing left behind."""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import BenchError


def say(line: str) -> None:
    """Tell, beside the results, what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


@contextmanager
def show(name: str, folder: Path | None) -> Iterator[Path]:
    """The home of a show of this name, in `folder` if given. A BenchError ends the process."""
    # Leaving through every `with` block on the way out ends servers and database, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # A short path: a unix socket's has at most 107 bytes.
    home = Path(tempfile.mkdtemp(prefix=f"qc-{name}-", dir=folder))
    home.chmod(0o711)
    try:
        yield home
    except BenchError as error:
        sys.exit(f"bench.{name}: {error}")
    finally:
        shutil.rmtree(home, ignore_errors=True)
