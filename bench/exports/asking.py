"""Exports as a client asks for them: made, watched, cancelled, downloaded, and their files."""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bench.deployment import Deployment, wait_for
from bench.processes import BenchError

_LONGEST_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Made:
    """A finished export. `seconds` from the beginning of its writing until it was seen done; `peak`
    is the most memory that the worker had meanwhile, in bytes.
    """

    export_id: str
    seconds: float
    peak: int
    size: int
    sha256: str


class Exports:
    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def make(self, form: str, since: datetime, until: datetime) -> str:
        answer = self._deployment.admin.post(
            "/exports",
            json={"since": since.isoformat(), "until": until.isoformat(), "format": form},
        )
        if answer.status_code != 202:
            raise BenchError(f"{form}: status {answer.status_code}: {answer.text[:300]}")
        made: str = answer.json()["id"]
        return made

    def state(self, export_id: str) -> dict[str, Any]:
        answer = self._deployment.admin.get(f"/exports/{export_id}").raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def timed(self, form: str, since: datetime, until: datetime) -> Made:
        """By a worker that has made no other, whose memory would be counted as well."""
        worker = self._deployment.worker
        worker.stop()
        worker.start()
        export_id = self.make(form, since, until)
        self.wait(export_id, "running", "done")
        begun = time.monotonic()
        self.wait(export_id, "done")
        return self._made(export_id, time.monotonic() - begun, worker.peak_bytes())

    def killed(self, form: str, since: datetime, until: datetime, kills: int) -> Made:
        """The same while the worker is killed so many times on the way, and started again."""
        begun = time.monotonic()
        export_id = self.make(form, since, until)
        for number in range(1, kills + 1):
            self.wait_for_share(export_id, number / (kills + 1))
            self._deployment.worker.kill_and_start_again()
        self.wait(export_id, "done")
        return self._made(export_id, time.monotonic() - begun, 0)

    def wait(self, export_id: str, *statuses: str) -> None:
        def is_there() -> bool:
            state = self.state(export_id)
            if state["status"] in {"failed", "cancelled", "expired"}.difference(statuses):
                raise BenchError(f"the export is {state['status']}: {state.get('failure')}")
            return state["status"] in statuses

        wait_for(f"an export that is {' or '.join(statuses)}", is_there, _LONGEST_SECONDS)

    def wait_for_share(self, export_id: str, share: float) -> None:
        def is_there() -> bool:
            progress = self.state(export_id)["progress"]
            return bool(progress["done"] >= share * progress["total"])

        wait_for(f"{share:.0%} of an export", is_there, _LONGEST_SECONDS)

    def cancel(self, export_id: str) -> None:
        self._deployment.admin.post(f"/exports/{export_id}/cancel").raise_for_status()
        self.wait(export_id, "cancelled")

    def files(self) -> list[str]:
        """Everything that lies in the store."""
        store = self._deployment.store
        return [str(each.relative_to(store)) for each in store.rglob("*") if each.is_file()]

    def _made(self, export_id: str, seconds: float, peak: int) -> Made:
        digest, size = hashlib.sha256(), 0
        url = self.state(export_id)["download_url"]
        with self._deployment.admin.stream("GET", url) as answer:
            answer.raise_for_status()
            for piece in answer.iter_raw():
                digest.update(piece)
                size += len(piece)
        return Made(export_id, seconds, peak, size, digest.hexdigest())
