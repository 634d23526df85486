"""Puts the service together. `python service.py` serves it on 127.0.0.1, at PORT or 8000."""

import json
import os
from importlib.resources import files

import uvicorn
from starlette.types import ASGIApp

from api.operations import OPERATIONS
from api.routes import Handlers, routes
from api.runtime.application import Assembly, build_application
from api.runtime.hooks import PlainHooks
from handlers.notes import Notes


def application() -> ASGIApp:
    package = files("api")
    return build_application(
        Assembly(
            document=json.loads(package.joinpath("openapi.json").read_bytes()),
            view=json.loads(package.joinpath("connexion.json").read_bytes()),
            operations=OPERATIONS,
            routes=routes(Handlers(notes=Notes()), PlainHooks()),
            authenticators={},
        )
    )


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8000"))
    uvicorn.run(application(), host="127.0.0.1", port=port, log_level="warning")
