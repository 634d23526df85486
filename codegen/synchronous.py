"""Makes the blocking client of the awaiting one, word by word, so that no twin is kept by hand."""

import re

_DOCSTRING = '''"""The client that blocks: input and output for `client_core`, and no decisions.

Made of the text of `client_async`.
"""'''
_WORDS = {
    "AsyncBaseTransport": "BaseTransport",
    "AsyncByteStream": "ByteStream",
    "AsyncIterator": "Iterator",
    "AsyncLineStream": "LineStream",
    "AsyncOptions": "Options",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "anyio": "time",
    "aread": "read",
    "asynccontextmanager": "contextmanager",
    "each_async": "each",
    "Tasks": "Threads",
}
_WORD = re.compile(r"\b(" + "|".join(map(re.escape, _WORDS)) + r")\b")


def synchronous(text: str) -> str:
    """The text of `client_sync`, given that of `client_async`."""
    text = re.sub(r'""".*?"""', lambda _: _DOCSTRING, text, count=1, flags=re.DOTALL)
    text = re.sub(r"\basync (?=def |with\b|for )|\bawait ", "", text)
    text = re.sub(r"for (\w+) in (.+):\n +yield \1\n", r"yield from \2\n", text)
    text = text.replace("AsyncClient", "Client").replace("AsyncCalls", "SyncCalls")
    return _WORD.sub(lambda match: _WORDS[match[1]], text)
