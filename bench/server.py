"""Serves a peer or the bare application: `python -m bench.server fastapi|connexion|bare`.

Runs uvicorn with the options of `service.serve`, so that only the applications differ.
"""

import sys
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from bench.bare import bare_application
from bench.peer.app import create_peer
from bench.stock.app import create_stock
from service.serve import listen

APPLICATIONS: dict[str, Callable[[], ASGIApp]] = {
    "fastapi": create_peer,
    "connexion": create_stock,
    "bare": bare_application,
}


def main() -> None:
    # Before anything is said of listening: one that can't be made ends here, and its log is told.
    application = APPLICATIONS[sys.argv[1]]()
    listener = listen("127.0.0.1", 0)
    print(f"Listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=25,
        h11_max_incomplete_event_size=64 * 1024,
        backlog=2048,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
