"""A service of the contract beside it, for the generated client to call.

With the folder of the generated package `post_office` on the path, `application()` makes it.
"""

import hashlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.resources import files
from typing import Any, Literal
from uuid import UUID, uuid4

from post_office import models
from post_office.operations import OPERATIONS
from post_office.routes import Handlers, routes
from post_office.routes.archive import ArchiveHandlers, GetArchive200, KeepArchive200
from post_office.routes.echo import (
    EchoBody200,
    EchoForm200,
    EchoHandlers,
    EchoName2XX,
    EchoParameters200,
)
from post_office.routes.parcels import (
    Close204,
    GetParcel200,
    GetPicture200,
    GetPicture204,
    ListParcelLines200,
    ListParcels200,
    ListParcelTable200,
    ParcelsHandlers,
    SendParcel201,
    SendParcel202,
    SendParcel409,
    SendParcels200,
    SetPicture204,
)
from post_office.runtime.application import Assembly, build_application
from post_office.runtime.dispatch import encode_body
from post_office.runtime.encoded_json import EncodedJson
from post_office.runtime.hooks import Answer, Call, NotModified, Page, PlainHooks, ResultT
from post_office.runtime.json_lines import JsonLines
from post_office.runtime.problems import not_found, unauthenticated
from post_office.runtime.security import Authenticator, Credential
from starlette.types import ASGIApp
from typing_extensions import override

NOW = "2026-01-02T03:04:05Z"
LIMIT_GRAMS = 10_000


class Hooks(PlainHooks):
    """A key's first answer is given again; an answer's tag is the digest of its body."""

    def __init__(self) -> None:
        self._answers: dict[str, Any] = {}

    @override
    def conditional(
        self, context: Call, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT] | NotModified:
        result: Any = handler()
        etag = f'"{hashlib.sha256(encode_body(result.body)).hexdigest()[:16]}"'
        if call.if_none_match == etag:
            return NotModified(etag)
        return Answer(result, {"ETag": etag})

    @override
    def idempotent(
        self, context: Call, call: Call, handler: Callable[[], ResultT]
    ) -> Answer[ResultT]:
        key = call.idempotency_key or ""
        if key not in self._answers:
            self._answers[key] = handler()
        return Answer(self._answers[key])


class Parcels(ParcelsHandlers[Call]):
    def __init__(self) -> None:
        self._parcels: dict[UUID, models.Parcel] = {}
        self._pictures: dict[UUID, tuple[str, bytes]] = {}

    @override
    def list_parcels(
        self, context: Call, /, *, to: str | None = None, page: Page
    ) -> ListParcels200:
        found = [one for one in self._parcels.values() if to is None or one.to == to]
        start = int(page.after or 0)
        end = start + page.limit
        following = page.token(str(end)) if end < len(found) else None
        body = models.ParcelPage(items=found[start:end], next=following)
        return ListParcels200(body, etag="", x_known=len(found))

    @override
    def send_parcel(
        self, context: Call, /, *, dry_run: bool = False, body: models.NewParcel
    ) -> SendParcel201 | SendParcel202 | SendParcel409:
        if body.grams > LIMIT_GRAMS:
            return SendParcel409(models.Overweight(limit_grams=LIMIT_GRAMS))
        if dry_run:
            return SendParcel202()
        parcel = self._add(body)
        return SendParcel201(parcel, location=f"/parcels/{parcel.id}")

    @override
    def send_parcels(
        self,
        context: Call,
        /,
        *,
        body: JsonLines[models.NewParcel] | list[models.NewParcel],
        content_type: str,
    ) -> SendParcels200:
        right = wrong = 0
        if isinstance(body, list):
            for each in body:
                self._add(each)
            return SendParcels200(models.Sorted(right=len(body), wrong=0))
        for line in body:
            if line.problem is None:
                self._add(body.model(line))
                right += 1
            else:
                wrong += 1
        return SendParcels200(models.Sorted(right=right, wrong=wrong))

    @override
    def list_parcel_lines(
        self, context: Call, /, *, count: int = 3, wrong_from: int | None = None
    ) -> ListParcelLines200:
        return ListParcelLines200(self._made_up(count, wrong_from))

    @override
    def list_parcel_table(self, context: Call, /, *, as_text: bool = False) -> ListParcelTable200:
        if as_text:
            return ListParcelTable200(b"to,grams\nEmma,0\n", content_type="text/csv")
        return ListParcelTable200(self._made_up(2, None), content_type="application/x-ndjson")

    def _made_up(self, count: int, wrong_from: int | None) -> Iterator[models.Parcel | EncodedJson]:
        for number in range(count):
            if wrong_from is not None and number >= wrong_from:
                yield EncodedJson(b'{"id":"secretmark"}')
            yield models.Parcel.model_validate(
                {"id": UUID(int=number), "to": "Emma", "grams": number, "sent_at": NOW}
            )

    @override
    def get_parcel(
        self, context: Call, /, *, parcel_id: UUID, hints: dict[str, str] | None = None
    ) -> GetParcel200:
        return GetParcel200(self._found(parcel_id))

    @override
    def close(self, context: Call, /, *, parcel_id: UUID) -> Close204:
        self._found(parcel_id)
        del self._parcels[parcel_id]
        return Close204()

    @override
    def get_picture(self, context: Call, /, *, parcel_id: UUID) -> GetPicture200 | GetPicture204:
        if parcel_id not in self._pictures:
            return GetPicture204()
        content_type, content = self._pictures[parcel_id]
        return GetPicture200(content, content_type, x_bytes=len(content))

    @override
    def set_picture(
        self, context: Call, /, *, parcel_id: UUID, body: bytes, content_type: str
    ) -> SetPicture204:
        self._pictures[parcel_id] = (content_type, body)
        return SetPicture204()

    def _add(self, new: models.NewParcel) -> models.Parcel:
        parcel = models.Parcel.model_validate(
            {"id": uuid4(), "to": new.to, "grams": new.grams, "sent_at": NOW}
        )
        self._parcels[parcel.id] = parcel
        return parcel

    def _found(self, parcel_id: UUID) -> models.Parcel:
        if parcel_id not in self._parcels:
            raise not_found()
        return self._parcels[parcel_id]


class Archive(ArchiveHandlers[Call]):
    """`closed` counts the sources that were let go of."""

    def __init__(self) -> None:
        self.closed = 0

    @override
    def get_archive(
        self,
        context: Call,
        /,
        *,
        size: int,
        source: Literal["file", "pieces", "awaited"] | None = None,
        breaks_at: int | None = None,
        range: str | None = None,
        if_range: str | None = None,
    ) -> GetArchive200:
        if source == "file":
            file = tempfile.TemporaryFile()  # noqa: SIM115  # the runtime closes it
            file.writelines(pieces(size))
            file.seek(0)
            return GetArchive200(file, etag=f'"{size}"')
        if source == "awaited":
            return GetArchive200(self._awaited(size, breaks_at))
        return GetArchive200(self._pieces(size, breaks_at))

    def _pieces(self, size: int, breaks_at: int | None) -> Iterator[bytes]:
        try:
            yield from pieces(size, breaks_at)
        finally:
            self.closed += 1

    async def _awaited(self, size: int, breaks_at: int | None) -> AsyncIterator[bytes]:
        try:
            for piece in pieces(size, breaks_at):
                yield piece
        finally:
            self.closed += 1

    @override
    def keep_archive(
        self, context: Call, /, *, body: models.KeepArchiveMultipart
    ) -> KeepArchive200:
        digest = hashlib.sha256()
        for piece in body.archive.pieces():
            digest.update(piece)
        return KeepArchive200(models.Kept(size=body.archive.size, sha256=digest.hexdigest()))


def pieces(size: int, breaks_at: int | None = None) -> Iterator[bytes]:
    """The same bytes for the same size, 64 KiB at a time."""
    whole = bytes(range(256)) * 256
    for start in range(0, size, len(whole)):
        if breaks_at is not None and start >= breaks_at:
            raise RuntimeError("the source broke")
        yield whole[: size - start]


class Echo(EchoHandlers[Call]):
    @override
    def echo_parameters(self, context: Call, /, **_: object) -> EchoParameters200:
        return EchoParameters200(json.dumps(dict(context.parameters)).encode())

    @override
    def echo_name(self, context: Call, /, *, name: str, is_plain: bool = False) -> EchoName2XX:
        if is_plain:
            return EchoName2XX(name.encode(), "text/csv", status=203)
        return EchoName2XX(models.Owner(name=name), "application/json", status=200)

    @override
    def echo_form(
        self,
        context: Call,
        /,
        *,
        body: models.Label | models.LabelWithFile,
        content_type: str,
    ) -> EchoForm200:
        file: dict[str, str] = {}
        if isinstance(body, models.LabelWithFile):
            part = body.picture
            digest = hashlib.sha256(part.read()).hexdigest()
            file = {"filename": part.filename or "", "type": part.content_type, "sha256": digest}
            body = models.LabelWithFile.model_validate({**dict(body), "picture": b""})
        told = {"form": body.model_dump(mode="json", by_alias=True), "file": file}
        return EchoForm200(json.dumps(told).encode())

    @override
    def echo_body(self, context: Call, /, *, body: models.Load) -> EchoBody200:
        return EchoBody200(body)


def only(secret: str) -> Authenticator:
    def authenticate(credential: Credential) -> str:
        if credential.value != secret:
            raise unauthenticated("Counter", "This is not the one.")
        return "known"

    return authenticate


def application(secret: str, archive: Archive | None = None) -> ASGIApp:
    """One secret opens everything."""
    package = files("post_office")
    handlers = Handlers(parcels=Parcels(), archive=archive or Archive(), echo=Echo())
    return build_application(
        Assembly(
            document=json.loads(package.joinpath("openapi.json").read_bytes()),
            view=json.loads(package.joinpath("connexion.json").read_bytes()),
            operations=OPERATIONS,
            routes=routes(handlers, Hooks()),
            authenticators=dict.fromkeys(("Counter", "Slot", "Stamp", "Clerk"), only(secret)),
        )
    )
