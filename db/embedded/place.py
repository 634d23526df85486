"""Decides where an embedded database lies and which user runs it, and makes those folders.

It changes the permissions of no folder that it hasn't made itself.
"""

import hashlib
import json
import logging
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from db.embedded.errors import EmbeddedError
from db.embedded.leftovers import DataFolder
from db.embedded.spawn import ServerUser

logger = logging.getLogger(__name__)

PORT = 5432  # only names the socket file; nothing listens on the network
_SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un.sun_path, less the closing NUL
_MEMORY = "postgres.json"


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one embedded database. `cluster` holds all but the owner lock and sockets."""

    home: Path
    cluster: Path
    sockets: Path
    user: ServerUser

    @property
    def data(self) -> Path:
        return self.cluster / "data"

    @property
    def config(self) -> Path:
        return self.cluster / "config"

    @property
    def log(self) -> Path:
        return self.cluster / "server.log"

    @property
    def folder(self) -> DataFolder:
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()
        return DataFolder(self.data, self.user, f"collector-{digest[:12]}")


@dataclass(frozen=True, slots=True)
class _Memory:
    """What home remembers of a place; None stands for the usual folder inside it."""

    cluster: Path | None
    sockets: Path | None


def system_folder() -> Path:
    """Where root keeps what the server's user can't reach elsewhere."""
    return Path(os.environ.get("COLLECTOR_POSTGRES_DIR", "/var/lib/collector"))


def make_folder(path: Path, mode: int, owner: ServerUser | None = None) -> None:
    """Make a folder with exactly this mode, whatever the umask; leave an existing one as it is."""
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    path.chmod(mode)
    if owner is not None and os.geteuid() == 0:
        os.chown(path, owner.uid, owner.gid)


def write_file(path: Path, text: str, mode: int) -> None:
    """Replace a file in one step that survives a crash."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    Path(temporary).replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make renames and new names in a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reachable(path: Path, user: ServerUser) -> bool:
    """Whether `user` may pass through every folder down to and including `path`."""
    resolved = path.resolve()
    return all(_may_pass(folder.stat(), user) for folder in (resolved, *resolved.parents))


def _may_pass(folder: os.stat_result, user: ServerUser) -> bool:
    if folder.st_uid == user.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == user.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)


def make_place(home: Path) -> Place:
    """Choose, make and remember the folders for an owner. The caller holds home's owner lock."""
    memory = _read_memory(home)
    cluster = _remembered_cluster(home, memory) or home / "postgres"
    user = _server_user(cluster / "data")
    if memory.cluster is None and os.geteuid() == 0 and not reachable(home, user):
        cluster = _cluster_outside(home, user)
    as_root = os.geteuid() == 0
    make_folder(cluster, 0o711 if as_root else 0o700)
    make_folder(cluster / "config", 0o755 if as_root else 0o700)
    sockets = _make_sockets(cluster, memory, user)
    place = Place(home, cluster, sockets, user)
    _remember(place)
    return place


def find_place(home: Path) -> Place:
    """The folders of a database that another process owns; makes nothing."""
    memory = _read_memory(home)
    cluster = _remembered_cluster(home, memory) or home / "postgres"
    if not (cluster / "data").exists():
        raise EmbeddedError(f"no embedded database in {home}: `collector up` makes one")
    return Place(
        home, cluster, memory.sockets or cluster / "sockets", _server_user(cluster / "data")
    )


def caller_name() -> str:
    return _user_of(os.geteuid()).name


def _user_of(uid: int) -> ServerUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(
            f"user id {uid} has no name on this machine, and PostgreSQL needs one: add the user "
            "to /etc/passwd, or set DATABASE_URL to a PostgreSQL that runs elsewhere"
        ) from None
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _server_user(data: Path) -> ServerUser:
    """The caller; or, as root, COLLECTOR_POSTGRES_USER, the data's owner, or nobody."""
    owner = data.stat().st_uid if data.exists() else None
    wanted = os.environ.get("COLLECTOR_POSTGRES_USER")
    if os.geteuid() != 0:
        user = _user_of(os.geteuid())
    elif wanted is None and owner is not None:
        user = _user_of(owner)
    else:
        user = _user_named(wanted or "nobody")
    if user.uid == 0:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root: set COLLECTOR_POSTGRES_USER to another user"
        )
    if owner is not None and owner != user.uid:
        raise EmbeddedError(
            f"the database in {data} belongs to user id {owner}, not to {user.name}: start the "
            "collector as that user, or, as root, without COLLECTOR_POSTGRES_USER"
        )
    return user


def _user_named(name: str) -> ServerUser:
    try:
        return _user_of(pwd.getpwnam(name).pw_uid)
    except KeyError:
        raise EmbeddedError(
            f"there is no user {name} to run PostgreSQL as (it refuses root): set "
            "COLLECTOR_POSTGRES_USER to an existing unprivileged user"
        ) from None


def _read_memory(home: Path) -> _Memory:
    try:
        text = (home / _MEMORY).read_text(encoding="utf-8")
    except FileNotFoundError:
        return _Memory(None, None)
    try:
        values = json.loads(text)
        paths = [Path(values[key]) if values[key] else None for key in ("cluster", "sockets")]
    except (ValueError, KeyError, TypeError) as error:
        raise EmbeddedError(f"{home / _MEMORY} is damaged: restore it from a backup") from error
    return _Memory(*paths)


def _remember(place: Place) -> None:
    inside = place.home / "postgres"
    memory = _Memory(
        place.cluster if place.cluster != inside else None,
        place.sockets if place.sockets != place.cluster / "sockets" else None,
    )
    if memory != _read_memory(place.home):
        values = {
            "cluster": str(memory.cluster) if memory.cluster else None,
            "sockets": str(memory.sockets) if memory.sockets else None,
        }
        write_file(place.home / _MEMORY, json.dumps(values) + "\n", 0o600)


def _remembered_cluster(home: Path, memory: _Memory) -> Path | None:
    if memory.cluster is not None and not memory.cluster.is_dir():
        # Making an empty database in its stead would look like the loss of every report.
        raise EmbeddedError(
            f"the database of {home} was kept in {memory.cluster}, which is gone: put that folder "
            f"back, or delete {home / _MEMORY} to begin with an empty database"
        )
    return memory.cluster


def _cluster_outside(home: Path, user: ServerUser) -> Path:
    if (home / "postgres" / "data").exists():
        raise EmbeddedError(
            f"user {user.name}, who runs PostgreSQL, can no longer reach the database in {home}: "
            "let that user pass through it and its parent folders (chmod o+x)"
        )
    system = system_folder()
    make_folder(system, 0o755)
    cluster = system / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    logger.warning(
        "user %s, who runs PostgreSQL, can't reach %s: the database is kept in %s",
        user.name,
        home,
        cluster,
    )
    return cluster


def _make_sockets(cluster: Path, memory: _Memory, user: ServerUser) -> Path:
    """A folder short enough for a socket's address, in the cluster unless that is too deep."""
    inside = cluster / "sockets"
    # A comma separates folders both in PostgreSQL's setting and in libpq's host.
    if len(os.fsencode(socket_file(inside))) <= _SOCKET_PATH_LIMIT and "," not in str(inside):
        make_folder(inside, 0o700, user)
        return inside
    if memory.sockets is not None and _is_private(memory.sockets, user):
        return memory.sockets
    # Not the TMPDIR, which may be as deep as home is.
    sockets = Path(tempfile.mkdtemp(prefix="collector-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(sockets, user.uid, user.gid)
    return sockets


def socket_file(sockets: Path) -> Path:
    return sockets / f".s.PGSQL.{PORT}"


def _is_private(path: Path, user: ServerUser) -> bool:
    """Whether a remembered folder in /tmp is still ours and not a stranger's of the same name."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    return private and found.st_uid == user.uid
