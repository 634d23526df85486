"""The one error of the embedded database; its message says what is wrong and what to do."""


class EmbeddedError(Exception):
    """The embedded database cannot be made, started, reached or ended as asked."""
