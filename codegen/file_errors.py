"""What a command says of a file that it can't read or write. Ends nothing."""

import errno

from .diagnostics import ContractError, Place, one_error

_HINTS: dict[int | None, str] = {
    errno.ENOENT: "give the contract's path, by --spec or as `spec` in pyproject.toml",
    errno.EISDIR: "give a file",
    errno.EEXIST: "the package goes into a folder: give another name",
    errno.ENOTDIR: "the package goes into a folder: give another name",
    errno.EACCES: "you may not: change its permissions, or give another name",
    errno.EROFS: "nothing can be written there: give another name",
}


def file_error(error: OSError) -> ContractError:
    reason = error.strerror or "can't be read"
    hint = _HINTS.get(error.errno, "")
    return one_error(Place(str(error.filename)), "CG001", reason, hint)
