"""How many files, and so connections, this process may have open.

Every connection takes a file descriptor, and without one nothing works: no probe is answered, no
database connection made, no key file read.
"""

import resource
from functools import cache
from typing import Final

_WANTED: Final = 65_536
_MOST_CONNECTIONS: Final = 10_000
# For the listener, the database's connections, files, and the interpreter itself.
_OTHER_FILES: Final = 256
_LEAST_CONNECTIONS: Final = 16


def raise_limit() -> None:
    """Raise the soft limit as far as the hard one lets any process do (RLIMIT_NOFILE)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@cache
def most_connections() -> int:
    """How many clients' connections may be open at a time. The limit is looked at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(_LEAST_CONNECTIONS, min(_MOST_CONNECTIONS, soft - _OTHER_FILES))
