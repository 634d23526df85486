"""Downloads an export's file: goes on where it was cut, and checks it as it comes.

The file is there under its name only once all of it is what the signed manifest says. What is
there before lies beside it, and another run goes on with it.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import click
import httpx2

from generated.client import (
    Client,
    ClientError,
    ConnectionLost,
    Credentials,
    ProblemAnswer,
    Retrying,
)
from generated.client.exports import DownloadExport206, DownloadExport303
from generated.models import Export
from policies.export_check import FileCheck, check_manifest
from policies.export_manifest import ExportManifest
from policies.findings import Finding, Keys
from service.answers import why
from service.screen import Bar, Screen
from service.verify_command import manifest_beside

EXIT_UNVERIFIED: Final = 3
_ONCE: Final = Retrying(attempts=1)
# Between attempts that bring nothing at all.
_AGAIN: Final = Retrying(attempts=8, total_seconds=300.0)
# 401: the link has run out; the next attempt asks for a new one.
_WORTH_ANOTHER: Final = frozenset({401, 429, 500, 502, 503, 504})
_STORE_TIMEOUT: Final = httpx2.Timeout(30.0, connect=5.0)
_PIECE_BYTES: Final = 1024 * 1024
_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-", re.ASCII)


class Unverified(click.ClickException):
    """What came is not what was signed, or not signed by whom is trusted. Nothing of it stays."""

    exit_code = EXIT_UNVERIFIED


@dataclass(eq=False)
class _Cut(Exception):
    """The download broke off; another attempt goes on. `retry_after` is in seconds."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Downloaded:
    """Where the file and its manifest are, and what the manifest says."""

    file: Path
    manifest_file: Path
    manifest: ExportManifest
    signature: str


class Download:
    """`client` has the caller's key. To another host than the collector no key is ever sent."""

    def __init__(self, client: Client, url: str, keys: Keys, screen: Screen) -> None:
        self._client = client
        self._url = url
        self._keys = keys
        self._screen = screen

    def into(self, target: Path, export: Export) -> Downloaded:
        """Raises Unverified, click.ClickException."""
        envelope, manifest, signature = self._manifest(export)
        partial = partial_beside(target, export.id)
        try:
            self._fetch(partial, export, manifest, target.name)
            beside = manifest_beside(target)
            _write(beside, envelope)
            # Last: who sees the file finds its manifest beside it.
            partial.replace(target)
            _sync_folder(target.parent)
        except Unverified:
            partial.unlink(missing_ok=True)
            raise
        except OSError as error:
            raise click.ClickException(
                f"can't write {error.filename or target}: {error.strerror}. What is there of it is "
                f"kept; {_go_on(export, target)}"
            ) from error
        return Downloaded(target, beside, manifest, signature)

    def _manifest(self, export: Export) -> tuple[bytes, ExportManifest, str]:
        """The envelope, what is in it, and who has signed it."""
        try:
            body = self._client.get_export_manifest(export_id=export.id).body
        except ClientError as error:
            raise click.ClickException(why(error, self._url)) from error
        envelope = json.dumps(body.model_dump(mode="json", by_alias=True), separators=(",", ":"))
        checked = check_manifest(envelope.encode(), self._keys)
        if checked.manifest is None or checked.wrong:
            raise Unverified(f"Nothing was downloaded: {_told(checked.wrong)}")
        if checked.manifest.export_id != export.id:
            raise Unverified("Nothing was downloaded: the manifest is of another export")
        [signature] = checked.findings
        return envelope.encode(), checked.manifest, signature.words

    def _fetch(self, partial: Path, export: Export, manifest: ExportManifest, name: str) -> None:
        """All of the file at `partial`, and checked."""
        with _opened(partial) as file:
            receiving = _Receiving(file, manifest)
            receiving.take_what_is_there()
            begun = receiving.check.size
            with self._screen.bar("Downloading", manifest.size, done=begun) as bar:
                self._receive(receiving, export, bar, partial)
                if begun and receiving.check.finding(name).holds is not True:
                    # What an earlier run had left may be what is wrong.
                    receiving.begin_anew()
                    bar.set(0, manifest.size)
                    self._receive(receiving, export, bar, partial)
            finding = receiving.check.finding(name)
            if finding.holds is not True:
                raise Unverified(f"The download is deleted: {_told((finding,))}")
            file.flush()
            os.fsync(file.fileno())

    def _receive(self, receiving: "_Receiving", export: Export, bar: Bar, partial: Path) -> None:
        attempt, began = 1, time.monotonic()
        while not receiving.is_at_end:
            before, cut = receiving.check.size, _Cut("the answer ended too early")
            try:
                self._attempt(receiving, export, bar)
            except _Cut as error:
                cut = error
            if receiving.is_at_end:
                return
            if receiving.check.size > before:
                attempt, began = 1, time.monotonic()
            pause = _AGAIN.pause(attempt, time.monotonic() - began, cut.retry_after)
            if pause is None:
                raise click.ClickException(
                    f"the download broke off ({cut.reason}), and {attempt} attempts in a row "
                    f"brought nothing more. {receiving.check.size:,} bytes are kept in {partial}; "
                    f"{_go_on(export, partial)}"
                )
            time.sleep(pause)
            attempt += 1

    def _attempt(self, receiving: "_Receiving", export: Export, bar: Bar) -> None:
        """As much as one connection brings. Raises _Cut."""
        offset = receiving.check.size
        with self._pieces(self._token(export), export, offset) as (start, pieces):
            if start != offset:
                receiving.begin_anew()
                bar.set(0, export.size or 0)
            for piece in pieces:
                receiving.take(piece)
                bar.add(len(piece))
                if receiving.is_at_end:
                    return

    def _token(self, export: Export) -> str:
        """Of a link that works now."""
        try:
            url = self._client.get_export(export_id=export.id).body.download_url
        except ClientError as error:
            raise self._of_error(error) from error
        if url is None:
            raise click.ClickException(
                f"export {export.id} has no file any more, or the service makes no links to it"
            )
        return parse_qs(urlsplit(url).query)["token"][0]

    @contextmanager
    def _pieces(
        self, token: str, export: Export, offset: int
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The bytes from the place that is told first, which is 0 if not `offset`."""
        asked = f"bytes={offset}-" if offset else None
        tag = f'"{export.sha256}"' if offset else None
        # The link's token is the only credential that this client has.
        alone = Client(self._url, Credentials(export_token=token), retrying=_ONCE)
        try:
            with (
                alone,
                alone.download_export(export_id=export.id, range=asked, if_range=tag) as answer,
            ):
                if isinstance(answer, DownloadExport303):
                    with _from_store(answer.location, asked) as found:
                        yield found
                else:
                    told = answer.content_range if isinstance(answer, DownloadExport206) else None
                    yield _start(told), iter(answer.body)
        except ClientError as error:
            raise self._of_error(error) from error

    def _of_error(self, error: ClientError) -> Exception:
        """What is worth another attempt, or the end."""
        if isinstance(error, ConnectionLost):
            return _Cut(error.reason)
        if isinstance(error, ProblemAnswer) and error.status in _WORTH_ANOTHER:
            return _Cut(f"{error.status} {error.title}", error.retry_after)
        return click.ClickException(why(error, self._url))


@contextmanager
def _from_store(location: str, asked: str | None) -> Iterator[tuple[int, Iterator[bytes]]]:
    """From an object store, whose URL is its only credential."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": asked} if asked else {})
    try:
        with httpx2.stream("GET", location, headers=headers, timeout=_STORE_TIMEOUT) as answer:
            if answer.status_code not in (200, 206):
                # A URL that has run out answers 403: the next attempt gets a new one.
                raise _Cut(f"the object store answers {answer.status_code}")
            told = answer.headers.get("content-range") if answer.status_code == 206 else None
            yield _start(told), answer.iter_bytes()
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        # The error itself holds the URL, with what is secret in it.
        reason = f"the object store: {type(error).__name__}"
    else:
        return
    raise _Cut(reason)


def _start(content_range: str | None) -> int:
    found = _RANGE.match(content_range or "")
    return int(found[1]) if found else 0


class _Receiving:
    """A file that grows, held against its manifest on the way."""

    def __init__(self, file: BinaryIO, manifest: ExportManifest) -> None:
        self._file = file
        self._manifest = manifest
        self.check = FileCheck(manifest)

    @property
    def is_at_end(self) -> bool:
        """Whether nothing more can make it right: all is there, or a part is wrong."""
        return self.check.size >= self._manifest.size or self.check.first_wrong is not None

    def take_what_is_there(self) -> None:
        """What an earlier run has left; if that is not the file's beginning, nothing of it."""
        while piece := self._file.read(_PIECE_BYTES):
            self.check.take(piece)
        if self.check.first_wrong is not None or self.check.size > self._manifest.size:
            self.begin_anew()

    def begin_anew(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self.check = FileCheck(self._manifest)

    def take(self, piece: bytes) -> None:
        self._file.write(piece)
        self.check.take(piece)


def partial_beside(target: Path, export_id: UUID) -> Path:
    """Where the file is until all of it is there; another export's is called otherwise."""
    return target.with_name(f"{target.name}.{export_id}.partial")


@contextmanager
def _opened(partial: Path) -> Iterator[BinaryIO]:
    # For the owner alone, as reports are in it; where there is one it is gone on with.
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        yield file


def _write(path: Path, content: bytes) -> None:
    """In one step: the whole of it, or what was there before."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(findings: tuple[Finding, ...]) -> str:
    return "; ".join(f"{finding.subject} {finding.words}" for finding in findings)


def _go_on(export: Export, target: Path) -> str:
    return f"`collector export --id {export.id} -o {target}` goes on with it."
