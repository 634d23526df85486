"""A client that counts what the server could have counted."""

from collections import Counter
from typing import Any


def totals(timeline: Any, page: Any) -> tuple[int, int, Counter[str]]:
    blocks = sum(bucket["block"] for bucket in timeline["buckets"])
    shown = 0
    for _ in page.items:
        shown += 1
    return blocks, shown, Counter(item["severity"] for item in page["items"])
