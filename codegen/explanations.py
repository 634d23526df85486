"""The page of each code: what it means, why, a wrong and a right example. Files in `codes/`.

A page is Markdown. Its first line is `# CODE severity: title`; its examples are whole contracts, in
fences that name their file. A new code, of whichever command, gets a page and is explained.
"""

import re
from functools import cache
from importlib.resources import files

_HEAD = re.compile(r"# ([A-Z]+[0-9]+) (error|warning): (.+)")


def explanation(code: str) -> str | None:
    """The page of a code; None for a code that there isn't."""
    return _pages().get(code)


@cache
def titles() -> dict[str, str]:
    return {code: title for code, _, title in heads()}


def heads() -> list[tuple[str, str, str]]:
    """Code, severity and title of each page, by code."""
    found = [_HEAD.match(page) for page in _pages().values()]
    return [(head[1], head[2], head[3]) for head in found if head]


@cache
def _pages() -> dict[str, str]:
    pages = {
        page.name.removesuffix(".md"): page.read_text(encoding="utf-8")
        for page in files(__package__).joinpath("codes").iterdir()
        if page.name.endswith(".md")
    }
    return dict(sorted(pages.items()))
