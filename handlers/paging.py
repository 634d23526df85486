"""Where a page of things with ids begins."""

from uuid import UUID

from generated.runtime.hooks import Page
from handlers.errors import ForeignCursor


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
