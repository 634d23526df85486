"""A client that puts a page in an order of its own."""

from typing import Any


def by_severity(response: Any) -> list[Any]:
    items = list(response.json().get("items"))
    items.sort(key=lambda item: item["severity"])
    return sorted(response.json()["items"], key=lambda item: item["stream"])
