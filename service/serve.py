"""Runs the application under uvicorn, in one process or several, and ends it gracefully.

SIGTERM: readiness fails at once, connections are still taken while load balancers look away, then
what is in flight gets time to finish. SIGINT skips the wait.
"""

import gc
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from types import FrameType

import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp
from typing_extensions import override
from uvicorn.supervisors import Multiprocess

from db.session import Database
from service import open_files
from service.app import Parts, create_app
from service.auth import KeyTable, parse_api_keys
from service.checkpoint_folder import CheckpointFolder
from service.checkpoints import KeptCheckpoints
from service.connections import BoundedConnection
from service.denials import Denials
from service.export_stores import configured_export_store
from service.key_source import WatchedKeyFile
from service.keyring import parse_keyring
from service.logs import configure_logging
from service.rate_limits import configured_limits
from service.retention_rules import configured_retention
from service.settings import Settings
from service.signing import configured_links, configured_signing

_FINISH_SECONDS = 25
_KEEP_ALIVE_SECONDS = 15
# A new process answers its parent once it has loaded everything, and a busy machine makes it wait.
# Meanwhile the parent does nothing else.
_HUNG_SECONDS = 20
_BACKLOG = 2048
_SIGNAL_SECONDS = 0.05
_POOL_PATIENCE_SECONDS = 2.0
_COLLECTION_THRESHOLDS = (20_000, 20, 20)


@dataclass(frozen=True, slots=True)
class AppFactory:
    """Makes the application inside a server process. Travels to it by pickle, over a pipe.

    `api_keys` is the text of `API_KEYS`; None where `settings` name a file.
    """

    settings: Settings
    app_url: SecretStr
    api_keys: SecretStr | None
    encryption_keys: SecretStr | None
    draining: Event

    def __call__(self) -> ASGIApp:
        configure_logging(self.settings.log_level)
        open_files.raise_limit()
        _end_with_parent()
        database = Database(
            self.app_url.get_secret_value(),
            # Each handler has a connection, and whoever asks how the service is finds one free.
            pool_size=self.settings.db_pool_size + 1,
            pool_timeout=_POOL_PATIENCE_SECONDS,
        )
        keyring = self.encryption_keys and parse_keyring(self.encryption_keys.get_secret_value())
        signing = configured_signing(self.settings)
        parts = Parts(
            database=database,
            keys=self._keys(),
            keyring=keyring or None,
            links=configured_links(self.settings),
            signing=signing,
            export_store=configured_export_store(self.settings),
            retention=configured_retention(self.settings),
            checkpoints=KeptCheckpoints(CheckpointFolder(self.settings.checkpoint_folder), signing),
            denials=Denials(database),
            places=self.settings.db_pool_size,
            rate_limits=configured_limits(self.settings),
        )
        app = create_app(parts, self.draining.is_set)
        # What lives as long as the process need not be looked through at each collection, which
        # makes a request now and then wait. Nor is it time for one after each few reports.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTION_THRESHOLDS)
        return app

    def _keys(self) -> Callable[[], KeyTable]:
        if self.api_keys is not None:
            table = KeyTable(parse_api_keys(self.api_keys.get_secret_value()))
            return lambda: table
        if self.settings.api_keys_file is None:
            raise ValueError("neither API_KEYS nor API_KEYS_FILE is set")
        return WatchedKeyFile(self.settings.api_keys_file)


def _end_with_parent() -> None:
    """Server processes left behind by a killed parent would go on holding the port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent-watcher", daemon=True).start()


class Ending:
    """Notes that SIGTERM or SIGINT asked the process to end; a second signal doesn't wait.

    Getting ready takes a second or so, and a half-made schema helps nobody, so the first signal
    interrupts nothing: serving ends as it begins. An exception from a handler could also get lost
    in a finaliser. While it serves, uvicorn has handlers of its own.
    """

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)

    def _end(self, *_: object) -> None:
        if self.asked:
            raise SystemExit(0)
        self.asked = True


class _DrainingServer(uvicorn.Server):
    """One server process that waits out the drain before it closes."""

    def __init__(
        self, config: uvicorn.Config, draining: Event, drain_seconds: float, ending: Ending
    ) -> None:
        super().__init__(config)
        self._draining = draining
        self._drain_seconds = drain_seconds
        self._ending = ending

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # From here on signals come to uvicorn; one may have come before.
        self.should_exit = self.should_exit or self._ending.asked

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGTERM or self._draining.is_set():
            super().handle_exit(sig, frame)
            return
        self._draining.set()
        later = threading.Timer(self._drain_seconds, super().handle_exit, (sig, frame))
        later.daemon = True
        later.start()


class _DrainingProcesses(Multiprocess):
    """Several server processes; the parent waits out the drain before it ends them."""

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket.socket],
        draining: Event,
        drain_seconds: float,
    ) -> None:
        super().__init__(config, sockets)
        self._draining = draining
        self._drain_seconds = drain_seconds

    @override
    def handle_term(self) -> None:
        self._draining.set()
        drained = time.monotonic() + self._drain_seconds
        # A second signal ends the wait: uvicorn's handlers only put it in this queue.
        while time.monotonic() < drained and not self.signal_queue:
            time.sleep(_SIGNAL_SECONDS)
        super().handle_term()

    @override
    def terminate_all(self) -> None:
        # Held open here, the port would go on taking connections that nobody answers.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def new_draining_event() -> Event:
    return multiprocessing.get_context("spawn").Event()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # From here on connections wait for the server instead of being refused.
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def serve(factory: AppFactory, listener: socket.socket, ending: Ending) -> bool:
    """Serves until a signal says otherwise; False if the application could not start."""
    settings = factory.settings
    config = uvicorn.Config(
        factory,
        factory=True,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_FINISH_SECONDS,
        timeout_worker_healthcheck=_HUNG_SECONDS,
        http=BoundedConnection,
        ws="none",
        backlog=_BACKLOG,
    )
    if settings.workers == 1:
        server = _DrainingServer(config, factory.draining, settings.drain_seconds, ending)
        server.run(sockets=[listener])
        return server.started
    processes = _DrainingProcesses(config, [listener], factory.draining, settings.drain_seconds)
    if not ending.asked:
        processes.run()
    return True
