"""The one error a translator raises: input that can't become a QC report, told to its sender.

Its text must never repeat a value of the input, only names the format itself defines.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class TranslationError(Exception):
    """Input that can't be translated.

    `detail` is safe to send to an API client. `pointer` says where: a JSON pointer for JSON,
    an element path for XML, empty for the whole document. `limit` and `actual` are set when a
    bound was passed, in the unit `detail` names.
    """

    def __init__(
        self,
        detail: str,
        *,
        pointer: str = "",
        limit: int | None = None,
        actual: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.limit = limit
        self.actual = actual


@contextmanager
def errors_at(pointer: str) -> Iterator[None]:
    """Say of errors in the block that they are at `pointer`.

    For what lies below keys that are the sender's own: a pointer through them would repeat them.
    """
    try:
        yield
    except TranslationError as error:
        raise TranslationError(
            error.detail, pointer=pointer, limit=error.limit, actual=error.actual
        ) from None
