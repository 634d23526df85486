"""A Redis server of a test's own, which it may stop, freeze, kill and start again."""

import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.e2e.service_process import wait_until


class RedisServer:
    """On 127.0.0.1, with a password, keeping nothing on disk."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        assert program, "no redis-server: on Debian, apt-get install redis-server"
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.password = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "requirepass": self.password,
            "dir": str(self._folder),
            "save": "",
            "logfile": str(self._folder / "redis.log"),
        }
        chosen = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([self._program, *chosen], cwd=self._folder)
        wait_until(self._answers, "Redis to take connections")

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def accounts(self) -> list[str]:
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return sorted(client.scan_iter("*"))

    def send(self, signal_number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(signal_number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
