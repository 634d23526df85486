"""The one error a translator raises: input that can't become a QC report, told to its sender.

Its text must never repeat a value of the input, only names the format itself defines.
"""


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
