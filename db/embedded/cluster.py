"""Makes a cluster's data folder and writes its configuration; starts no lasting server.

The configuration lies beside the data folder, so that root never writes where another user could
plant a symbolic link.
"""

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path

from db.embedded.errors import EmbeddedError
from db.embedded.leftovers import DataFolder, end_processes
from db.embedded.place import PORT, Place, caller_name, sync_folder, write_file
from db.embedded.roles import ADMINISTRATOR, ROLES
from db.embedded.spawn import spawn

_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No input value may reach the server log. Errors quote values in their message, so they go to
    # the client only (`log` ranks above `error`); terse drops the detail line of a crash, which
    # repeats the whole statement; the other four silence statements and parameters.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}
_SHARED_MEMORY = Path("/dev", "shm")  # where glibc keeps POSIX shared memory
_SMALLEST_SHARED_MEMORY = 64 * 1024 * 1024  # bytes; PostgreSQL's parallel queries need some
_SETTING_NAME = re.compile(r"[a-z_][a-z0-9_.]*")


def make_data_folder(place: Place, binaries: Path) -> None:
    """Make the data folder if missing: complete, or not there at all."""
    for leftover in place.cluster.glob("init.*"):
        end_processes(DataFolder(leftover, place.user, "none"))
        shutil.rmtree(leftover, ignore_errors=True)
    if place.data.exists():
        return
    temporary = Path(tempfile.mkdtemp(prefix="init.", dir=place.cluster))
    if os.geteuid() == 0:
        os.chown(temporary, place.user.uid, place.user.gid)
    _run_initdb(place, binaries, temporary)
    temporary.rename(place.data)
    sync_folder(place.cluster)


def _run_initdb(place: Place, binaries: Path, folder: Path) -> None:
    program = [str(binaries / "initdb"), "-D", str(folder), "-U", ADMINISTRATOR]
    options = ["--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"]
    access = ["--auth-local=peer", "--auth-host=reject"]
    with tempfile.TemporaryFile() as output:
        initdb = spawn(
            [*program, *options, *access],
            place.user,
            death_signal=signal.SIGKILL,
            output=output.fileno(),
        )
        try:
            exit_code = initdb.wait()
        except BaseException:
            initdb.kill()
            initdb.wait()
            raise
        if exit_code != 0:
            output.seek(0)
            told = output.read().decode("utf-8", "replace")[-2000:].strip()
            raise EmbeddedError(f"initdb failed with exit code {exit_code}: {told}")


def write_configuration(place: Place, settings: Mapping[str, str]) -> None:
    """Write settings and access rules; the callers' user may have changed since the last start."""
    chosen = {**_SETTINGS, "dynamic_shared_memory_type": _shared_memory_type(), **settings}
    mode = 0o644 if os.geteuid() == 0 else 0o600
    write_file(place.config / "postgresql.conf", _configuration(chosen, place), mode)
    write_file(place.config / "pg_hba.conf", "local all all peer map=collector\n", mode)
    write_file(place.config / "pg_ident.conf", _user_map({caller_name(), place.user.name}), mode)


def server_command(place: Place, binaries: Path) -> list[str]:
    """The command line; what stands here overrides both the files and ALTER SYSTEM."""
    pairs = _fixed_settings(place).items()
    options = [part for name, value in pairs for part in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(place.data), *options]


def _fixed_settings(place: Place) -> dict[str, str]:
    return {
        "config_file": str(place.config / "postgresql.conf"),
        "hba_file": str(place.config / "pg_hba.conf"),
        "ident_file": str(place.config / "pg_ident.conf"),
        "listen_addresses": "",
        "unix_socket_directories": str(place.sockets),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "cluster_name": place.folder.cluster_name,
        "logging_collector": "off",
    }


def _configuration(settings: Mapping[str, str], place: Place) -> str:
    for name in settings:
        if name in _fixed_settings(place) or not _SETTING_NAME.fullmatch(name):
            raise EmbeddedError(f"the embedded database's setting {name!r} can't be chosen")
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"


def _user_map(users: set[str]) -> str:
    """Each of the operating system's users to each of our roles, and to no other."""
    lines = [
        f'collector "{user}" "{role}"\n'
        for user in sorted(users)
        for role in (ADMINISTRATOR, *ROLES)
    ]
    return "".join(lines)


def _shared_memory_type() -> str:
    """POSIX shared memory, unless /dev/shm is missing or as small as some containers make it."""
    try:
        found = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return "mmap"
    large_enough = found.f_blocks * found.f_frsize >= _SMALLEST_SHARED_MEMORY
    return "posix" if large_enough else "mmap"
