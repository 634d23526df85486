"""The stored form of a report of this benchmark: its text without raw, but for the number that
tells it from others, and bytes as many as its raw comes to when encrypted.
"""

import json
from typing import Final

from bench.workload import REPORT

_TEXT: Final = json.dumps(
    {**REPORT, "notes": [*REPORT["notes"], "Report NUMBER"], "raw": None},
    sort_keys=True,
    separators=(",", ":"),
)
DOCUMENT_START: Final = _TEXT.partition("NUMBER")[0]
DOCUMENT_END: Final = _TEXT.partition("NUMBER")[2]
# A nonce and a tag around the value.
SEALED_BYTES: Final = 12 + len(json.dumps(REPORT["raw"], separators=(",", ":"))) + 16
