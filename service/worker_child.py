"""The worker beside `collector up`: a child process, started again when it ends by itself."""

import subprocess
import sys
import threading
import time
from typing import Final, Self

import structlog

_COMMAND: Final = (sys.executable, "-P", "-m", "service.worker_command", "--with-parent")
# Its work is not urgent; whoever waits for the API to answer should not wait for it too.
_LATER_SECONDS: Final = 2.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 10.0

_log = structlog.get_logger("worker")


class WorkerChild:
    """Start with `with`; the child ends with the block, its running jobs finished.

    It finds its settings where its parent did, and ends by itself when the parent is killed.
    `finish_seconds` is how long the child itself lets its jobs go on.
    """

    def __init__(self, finish_seconds: float) -> None:
        self._finish_seconds = finish_seconds
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name="worker-keeper")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._ended.set()
            if self._process is not None:
                self._process.terminate()
        self._thread.join(self._finish_seconds + _GRACE_SECONDS)
        if self._thread.is_alive() and self._process is not None:
            _log.error("worker_killed", reason="it did not end in time")
            self._process.kill()
            self._thread.join()

    def _keep_running(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        self._ended.wait(_LATER_SECONDS)
        while (process := self._start()) is not None:
            began = time.monotonic()
            with process:
                exit_code = process.wait()
            if self._ended.is_set():
                return
            lasted = time.monotonic() - began > _LONGEST_PAUSE_SECONDS
            pause = _FIRST_PAUSE_SECONDS if lasted else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            _log.error("worker_died", exit_code=exit_code, again_in_seconds=pause)
            self._ended.wait(pause)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._ended.is_set():
                return None
            # A process group of its own: Ctrl-C goes to the parent alone, which ends it in order.
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0
            )
            return self._process
