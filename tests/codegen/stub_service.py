"""A service of any generated package whose handlers say what they were called with.

Run with the folder of the package on the path: `stub_service.py PACKAGE PORT`. Every operation is
answered 501, with the types of its arguments: by then the request was routed, authenticated, read,
held against the contract and made into what the handler takes.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.types import ASGIApp


def stubbed(package: str) -> ASGIApp:
    routes = import_module(f"{package}.routes")
    runtime = import_module(f"{package}.runtime.application")
    hooks = import_module(f"{package}.runtime.hooks")
    operations = import_module(f"{package}.operations").OPERATIONS
    view = json.loads(files(package).joinpath("connexion.json").read_bytes())
    handlers = routes.Handlers(
        **{field.name: _tag(package, field.name) for field in fields(routes.Handlers)}
    )
    application: ASGIApp = runtime.build_application(
        runtime.Assembly(
            document=json.loads(files(package).joinpath("openapi.json").read_bytes()),
            view=view,
            operations=operations,
            routes=routes.routes(handlers, hooks.PlainHooks()),
            authenticators=dict.fromkeys(
                view["components"]["securitySchemes"], lambda credential: credential.value
            ),
        )
    )
    return application


def _tag(package: str, module: str) -> Any:
    """An object with a stub for each operation of the tag, which derives from nothing."""
    binding = import_module(f"{package}.runtime.binding")
    problem = import_module(f"{package}.runtime.problems").Problem
    found = import_module(f"{package}.routes.{module}")
    [protocol] = [
        one
        for name, one in vars(found).items()
        if name.endswith("Handlers") and one.__module__ == found.__name__
    ]
    stubs = {name: _stub(name, problem) for name in binding.operations_of(protocol)}
    return type("Stubs", (), stubs)()


def _stub(name: str, problem: Callable[..., Exception]) -> Callable[..., Any]:
    def stub(self: object, context: object, /, **arguments: object) -> Any:
        told = ", ".join(f"{key}: {type(value).__name__}" for key, value in arguments.items())
        raise problem(501, "stub", "Stub", f"{name}({told})")

    return stub


if __name__ == "__main__":
    served = stubbed(sys.argv[1])
    uvicorn.run(served, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
