"""A client that filters with a function, through a name and a mapping."""

from typing import Any


def ids(page: dict[str, Any]) -> list[str]:
    found = [item["id"] for item in page["items"]]
    return list(filter(None, found))
