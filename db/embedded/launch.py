"""Becomes one PostgreSQL program: drops root, ties its life to the parent's, then executes it.

Run as a script by `spawn.py`, never imported: a fresh single-threaded interpreter is the only safe
place between fork and exec for this work while the collector runs threads.
Arguments: death signal, parent pid, uid, gid, program, its arguments.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CANNOT_EXECUTE = 126  # the shells' exit code for a program that can't be executed


def main(arguments: list[str]) -> None:
    death_signal, parent, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    # Python's own handler would only note an early death signal, and lose it at execv.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.umask(0o077)
    os.chdir("/")
    # After the change of user, because the kernel clears the death signal with it.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG) failed: {os.strerror(ctypes.get_errno())}")
    # A parent that died before prctl can't send the signal any more.
    if os.getppid() != parent:
        sys.exit("the collector ended while PostgreSQL was being started")
    try:
        os.execv(program[0], program)  # noqa: S606 - a list from our own spawn.py, and no shell wanted
    except OSError as error:
        sys.stderr.write(f"cannot execute {program[0]} as user id {uid}: {error.strerror}\n")
        sys.exit(CANNOT_EXECUTE)


if __name__ == "__main__":
    main(sys.argv[1:])
