"""A small service of the contract beside it: it answers with what it was given.

Run with the folder of the generated package `gallery` on the path: `service.py PORT`.
"""

import datetime
import json
import sys
from importlib.resources import files

import uvicorn
from gallery import models
from gallery.operations import OPERATIONS
from gallery.routes import Handlers, routes
from gallery.routes.old_pictures import (
    OldPicturesHandlers as NewestHandlers,
)
from gallery.routes.old_pictures import RenamePictureDefault
from gallery.routes.old_pictures_2 import OldPicturesHandlers, SearchPictures2200
from gallery.routes.pictures import (
    AddPicture201,
    PicturesHandlers,
    PutPicturesAdd204,
    SearchPictures2XX,
)
from gallery.runtime.application import Assembly, build_application
from gallery.runtime.hooks import Call, PlainHooks
from starlette.types import ASGIApp
from typing_extensions import override


class Pictures(PicturesHandlers[Call]):
    @override
    def add_picture(
        self,
        context: Call,
        /,
        *,
        body: models.NewPicture | models.AddPictureMultipart | bytes,
        content_type: str,
    ) -> AddPicture201:
        if isinstance(body, bytes):
            picture = models.Picture(title="", kind=content_type, bytes_=list(body))
        elif isinstance(body, models.AddPictureMultipart):
            named = f"{body.file.filename} {body.file.content_type} {len(body.layers or [])}"
            picture = models.Picture(title=body.title, kind=named, bytes_=list(body.file.read()))
        else:
            size = f"{body.size.width}x{body.size.height}" if body.size else ""
            picture = models.Picture(title=body.title, kind=f"{content_type} {size}")
        return AddPicture201(picture, x_count=1, x_count_2=2)

    @override
    def search_pictures(
        self,
        context: Call,
        /,
        *,
        taken_less: datetime.date | None = None,
        taken: datetime.date | None = None,
        taken_greater: datetime.date | None = None,
        class_: str | None = None,
        class_cookie: str | None = None,
        x_class: str | None = None,
        x_class_query: str | None = None,
        labels: models.SearchPicturesLabels | None = None,
    ) -> SearchPictures2XX:
        given = [taken_less, taken, taken_greater, class_, class_cookie, x_class, x_class_query]
        shown = [labels.model_dump_json()] if labels else []
        return SearchPictures2XX([*map(str, given), *shown], status=203)

    @override
    def put_pictures_add(self, context: Call, /, *, body: bytes = b"") -> PutPicturesAdd204:
        return PutPicturesAdd204()


class Newest(NewestHandlers[Call]):
    @override
    def rename_picture(
        self,
        context: Call,
        /,
        *,
        id: int,
        id_query: str | None = None,
        body: models.RenamePictureForm | None = None,
    ) -> RenamePictureDefault:
        if body is None:
            return RenamePictureDefault(None, status=202)
        told = f"{id} {id_query} {body.title} {body.keywords} {body.public}"
        return RenamePictureDefault(told, status=200)


class Old(OldPicturesHandlers[Call]):
    @override
    def search_pictures_2(
        self, context: Call, /, *, id: int, body: bytes | str, content_type: str
    ) -> SearchPictures2200:
        if isinstance(body, bytes):
            return SearchPictures2200(body, content_type="image/webp")
        picture = models.Picture(title=body, kind=content_type)
        return SearchPictures2200(picture, content_type="application/json" if id else "image/png")


def application() -> ASGIApp:
    package = files("gallery")
    handlers = Handlers(pictures=Pictures(), old_pictures=Newest(), old_pictures_2=Old())
    return build_application(
        Assembly(
            document=json.loads(package.joinpath("openapi.json").read_bytes()),
            view=json.loads(package.joinpath("connexion.json").read_bytes()),
            operations=OPERATIONS,
            routes=routes(handlers, PlainHooks()),
            authenticators={},
        )
    )


if __name__ == "__main__":
    uvicorn.run(application(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
