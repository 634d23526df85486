"""A client that shows what the server answered, as it came."""

from collections.abc import Iterator
from typing import Any


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


def newest(page: dict[str, Any]) -> Any:
    return page["items"][0]


def every_page(client: Any) -> Iterator[Any]:
    token = None
    while True:
        page = client.get("/reports", params={"severity": "block", "page_token": token}).json()
        yield from page["items"]
        token = page["next_page_token"]
        if token is None:
            return


def own_data(files: list[str], counts: dict[str, int]) -> list[str]:
    # Sorting and filtering what isn't a list answer is nobody's concern.
    return sorted(name for name in files if counts.items() and counts.get(name))


def names_used_again(page: dict[str, Any]) -> int:
    found = page["items"]
    found = ["a", "b"]
    return len(found)
