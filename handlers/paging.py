"""Where a page of a list begins, what it shows, and how it tells of the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

from generated.runtime.hooks import Page
from handlers.errors import ForeignCursor

COUNTED_AT_MOST: Final = 1000
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Shown(Generic[RowT]):
    """`next_token` leads to the next page, and is None on the last."""

    rows: Sequence[RowT]
    next_token: str | None


def uuid_cursor(page: Page) -> UUID | None:
    """The id that the page comes after. Raises ForeignCursor.

    Tokens are bound to their query but no secret: anyone can make one.
    """
    if page.after is None:
        return None
    try:
        return UUID(page.after)
    except ValueError as error:
        raise ForeignCursor from error


def page_of(rows: Sequence[RowT], page: Page, cursor: Callable[[RowT], object]) -> Shown[RowT]:
    """What a page shows of `rows`, one more than its limit if there is another page."""
    shown = rows[: page.limit]
    token = page.token(str(cursor(shown[-1]))) if len(rows) > page.limit else None
    return Shown(shown, token)


def total_of(counted: tuple[int, bool]) -> dict[str, object]:
    """A list's `total`, of how many were counted and whether these are all."""
    count, exact = counted
    return {"count": count, "exact": exact}
