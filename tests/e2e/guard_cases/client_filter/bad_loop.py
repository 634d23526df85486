"""A client that passes over some reports of a page."""

from typing import Any


def show(page: dict[str, Any]) -> None:
    reports = page["items"]
    for report in reports:
        if report["stream"] != "main":
            continue
        print(report["id"])
