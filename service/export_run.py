"""One run of `collector export` as the service sees it: asked for, waited for, or cancelled.

A client of the public API only.
"""

import secrets
import time
from typing import Final
from uuid import UUID

import click

from generated.client import Client, ClientError, ProblemAnswer
from generated.models import Export, ExportRequest
from service.answers import why
from service.screen import Screen

_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 3.0
_PAUSE_GROWS: Final = 1.4
_LONG_QUEUED_SECONDS: Final = 20.0
_AT_WORK: Final = ("queued", "running")


class ExportRun:
    """`client` tries again what is worth it; `asking` is one that doesn't where a limit is hit."""

    def __init__(self, client: Client, asking: Client, url: str, screen: Screen) -> None:
        self._client = client
        self._asking = asking
        self._url = url
        self._screen = screen
        self._key = f"export-{secrets.token_hex(16)}"
        self._request: ExportRequest | None = None
        self.export_id: UUID | None = None

    def ask(self, request: ExportRequest) -> Export:
        """Raises click.ClickException for what is refused."""
        self._request = request
        try:
            asked = self._create(request)
        except ClientError as error:
            self._request = None
            raise click.ClickException(self._refused(error)) from error
        self.export_id = asked.id
        return asked

    def _create(self, request: ExportRequest) -> Export:
        return self._asking.create_export(idempotency_key=self._key, body=request).body

    def get(self, export_id: UUID) -> Export:
        """How far it is. Raises click.ClickException, for one that isn't there too."""
        self.export_id = export_id
        try:
            return self._client.get_export(export_id=export_id).body
        except ClientError as error:
            raise click.ClickException(why(error, self._url)) from error

    def finished(self, export: Export) -> Export:
        """The export when it is done. Raises click.ClickException for any other end."""
        pause, began, has_hinted = _FIRST_PAUSE_SECONDS, time.monotonic(), False
        with self._screen.bar("Exporting", export.progress.total) as bar:
            while export.status in _AT_WORK:
                bar.set(export.progress.done, export.progress.total)
                is_late = time.monotonic() - began >= _LONG_QUEUED_SECONDS
                if export.status == "queued" and is_late and not has_hinted:
                    has_hinted = True
                    self._screen.say(f"Still queued. {self._of_worker()}")
                time.sleep(pause)
                pause = min(pause * _PAUSE_GROWS, _LONGEST_PAUSE_SECONDS)
                export = self.get(export.id)
            if export.status == "done":
                bar.set(export.progress.done, export.progress.done)
        if export.status != "done":
            raise click.ClickException(_ended(export))
        return export

    def _of_worker(self) -> str:
        """What the service knows of the one who is to write it."""
        try:
            worker = self._client.get_health().body.worker
        except ClientError as error:
            return f"The service doesn't tell why: {why(error, self._url)}"
        if worker == "running":
            return "A worker runs, and has other work first."
        return "No worker runs: have the operator start `collector worker`."

    def cancel(self) -> str:
        """End it, also if it isn't known whether it was asked for; says what came of it."""
        try:
            if self.export_id is None:
                if self._request is None:
                    return "Nothing was asked for."
                # The same key answers with the one that there is, whether the answer came or not.
                self.export_id = self._create(self._request).id
            status = self._client.cancel_export(export_id=self.export_id).body.status
        except ClientError as error:
            told = self.export_id or "which may have been asked for"
            return f"The export, {told}, could not be cancelled: {why(error, self._url)}"
        return f"Export {self.export_id} is {status}."

    def _refused(self, error: ClientError) -> str:
        told = why(error, self._url)
        if isinstance(error, ProblemAnswer) and error.status == 429:
            after = "" if error.retry_after is None else f" in {error.retry_after:.0f} seconds"
            return f"{told}\nTry again{after}, or cancel one that isn't needed."
        return told


def _ended(export: Export) -> str:
    """Of an export that has no file."""
    if export.status == "failed":
        return f"Export {export.id} failed: {export.failure}"
    if export.status == "expired":
        when = f" at {export.expires_at:%Y-%m-%d %H:%M:%S} UTC" if export.expires_at else ""
        return f"Export {export.id} has expired{when}, and its file is deleted; ask for it again."
    return f"Export {export.id} was cancelled."
