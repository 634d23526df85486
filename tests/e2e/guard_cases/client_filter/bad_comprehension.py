"""A client that picks reports out of a page by itself."""

from typing import Any


def blocked(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"] if item["severity"] == "block"]
