"""`collector worker`. Also a module to run by itself, as `collector up` does: it loads less."""

import os
import signal
import threading

import click

from service.logs import configure_logging
from service.settings import load_settings
from service.tasks.registry import REGISTRY
from service.telling import told
from service.worker import run_worker


@click.command()
@click.option("--with-parent", is_flag=True, hidden=True)
def worker(*, with_parent: bool) -> None:
    """Run background jobs until SIGTERM or Ctrl-C; any number may run, on any machine.

    Does what no request should wait for or cause: partitions ahead, clean-up, and jobs that
    requests left. `collector up` starts one by itself; beside `collector serve` run at least one.
    Needs MAINTENANCE_DATABASE_URL (or the embedded database of a running `collector up`).
    """
    if with_parent:
        _end_with_parent()
    with told():
        settings = load_settings()
        configure_logging(settings.log_level)
        run_worker(settings, REGISTRY)


def _end_with_parent() -> None:
    """Standard input is a pipe that the parent holds open: it ends when the parent does."""

    def wait() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent-watcher", daemon=True).start()


if __name__ == "__main__":
    worker()
