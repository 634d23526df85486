"""A small service of the contract beside it, to be served and type-checked as it is.

Run with the folder of the generated package `library` on the path: `service.py PORT`.
"""

import json
import sys
from importlib.resources import files
from uuid import UUID, uuid4

import uvicorn
from library import models
from library.operations import OPERATIONS
from library.routes import Handlers, routes
from library.routes.books import (
    AddBook201,
    AddBook202,
    AddBook409,
    AnnotateBook200,
    BooksHandlers,
    DeliverBooks200,
    GetBook200,
    GetLatestBook302,
    GetPageImage200,
    ListBooks200,
    ReplaceCover204,
)
from library.routes.opening_hours import GetOpeningHours200, OpeningHoursHandlers
from library.runtime.application import Assembly, build_application
from library.runtime.hooks import Call, Page, PlainHooks
from library.runtime.json_lines import JsonLines
from library.runtime.problems import forbidden, not_found, unauthenticated
from library.runtime.security import Credential
from starlette.types import ASGIApp
from typing_extensions import override

NOW = "2026-01-02T03:04:05Z"


class Books(BooksHandlers[Call]):
    def __init__(self) -> None:
        self._books: dict[UUID, models.Book] = {}
        self._covers: dict[UUID, bytes] = {}

    @override
    def list_books(self, context: Call, /, *, page: Page, **_: object) -> ListBooks200:
        """Answers with what it was asked, so that a test sees how arguments arrive."""
        asked = ", ".join(f"{name}={value!r}" for name, value in sorted(context.parameters.items()))
        items = list(self._books.values())[: page.limit]
        return ListBooks200(models.ListBooksResponse200(items=items), etag=f'"{asked}"')

    @override
    def add_book(
        self, context: Call, /, *, dry_run: bool = False, body: models.NewBook
    ) -> AddBook201 | AddBook202 | AddBook409:
        if dry_run:
            return AddBook202()
        if len(self._books) >= 2:
            return AddBook409({"full": len(self._books)})
        book = models.Book.model_validate(
            {
                "id": uuid4(),
                "title": body.title,
                "genre": body.genre,
                "added_at": NOW,
                "sequel": None,
            }
        )
        self._books[book.id] = book
        return AddBook201(book, location=f"/books/{book.id}", x_shelf_count=len(self._books))

    @override
    def deliver_books(
        self, context: Call, /, *, body: JsonLines[models.NewBook]
    ) -> DeliverBooks200:
        told: list[list[str | int]] = [
            [line.number, line.problem.slug if line.problem else body.model(line).title]
            for line in body
        ]
        return DeliverBooks200(told)

    @override
    def get_latest_book(self, context: Call, /) -> GetLatestBook302:
        return GetLatestBook302(location=f"/books/{list(self._books)[-1]}")

    @override
    def get_book(self, context: Call, /, *, book_id: UUID) -> GetBook200:
        if book_id not in self._books:
            raise not_found()
        return GetBook200(self._books[book_id])

    @override
    def replace_cover(
        self, context: Call, /, *, book_id: UUID, body: bytes = b"", content_type: str
    ) -> ReplaceCover204:
        self._covers[book_id] = content_type.encode() + b":" + body
        return ReplaceCover204()

    @override
    def annotate_book(
        self, context: Call, /, *, book_id: UUID, body: list[str] | None = None
    ) -> AnnotateBook200:
        return AnnotateBook200(json.dumps(body).encode())

    @override
    def get_page_image(
        self, context: Call, /, *, book_id: UUID, page_number: int
    ) -> GetPageImage200:
        return GetPageImage200(self._covers[book_id] * page_number, content_type="image/webp")


class OpeningHours(OpeningHoursHandlers[Call]):
    @override
    def get_opening_hours(self, context: Call, /) -> GetOpeningHours200:
        return GetOpeningHours200({"monday": [9, 17]})


def member(credential: Credential) -> str:
    """A card is written `role:number`; the role must be one that the operation admits."""
    role, _, number = credential.value.partition(":")
    if not number:
        raise unauthenticated("Card", "This is no card.")
    if role not in credential.roles:
        raise forbidden("The card does not allow this.")
    return number


def application() -> ASGIApp:
    package = files("library")
    handlers = Handlers(books=Books(), opening_hours=OpeningHours())
    return build_application(
        Assembly(
            document=json.loads(package.joinpath("openapi.json").read_bytes()),
            view=json.loads(package.joinpath("connexion.json").read_bytes()),
            operations=OPERATIONS,
            routes=routes(handlers, PlainHooks()),
            authenticators={"Card": member, "Branch": lambda credential: credential.value},
        )
    )


if __name__ == "__main__":
    uvicorn.run(application(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
