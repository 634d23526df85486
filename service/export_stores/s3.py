"""Exports' files in S3-compatible storage, which callers download from by signed URLs.

A file is uploaded in parts and can be had once S3 has put them together. Login, region and address
are the library's usual `AWS_*` variables. Nothing here logs. Needs the package boto3.
"""

import base64
import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from botocore import exceptions
from typing_extensions import override

from handlers.export_store import ExportStore, StoredFileMissing, StoreRefused, StoreUnavailable
from service.export_stores.s3_client import PATIENT, Patience, s3_client
from service.export_stores.s3_errors import code_of, told, unavailable
from service.s3_place import S3Place

# All but the last of a file's parts are as large; S3 takes 10,000 of them.
PART_BYTES: Final = 8 * 1024 * 1024
MOST_PARTS: Final = 10_000
# The most that S3 lists, and deletes, at once.
PAGE_NAMES: Final = 1_000
_PIECE_BYTES: Final = 8 * 1024 * 1024
_BODY_BYTES: Final = 64 * 1024
_PIECE_TRIES: Final = 3
_LONGEST_LINK_SECONDS: Final = 300
_BROKEN_OFF: Final = (
    exceptions.IncompleteReadError,
    exceptions.ReadTimeoutError,
    exceptions.ResponseStreamingError,
)


class S3Store(ExportStore):
    """Connects at the first call. A call is tried three times (AWS_MAX_ATTEMPTS).

    Raises SettingsError where the `AWS_*` variables can't be used.
    """

    def __init__(self, place: S3Place, patience: Patience = PATIENT) -> None:
        self._place = place
        self._patience = patience
        self._client = s3_client(patience)

    @override
    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        parts = _parts(chunks)
        first = next(parts, b"")
        if len(first) < PART_BYTES:
            self._call("put_object", Key=self._key(name), Body=first, ContentMD5=_md5(first))
        else:
            self._put_in_parts(self._key(name), first, parts)

    def _put_in_parts(self, key: str, first: bytes, rest: Iterator[bytes]) -> None:
        upload_id = self._call("create_multipart_upload", Key=key)["UploadId"]
        upload = {"Key": key, "UploadId": upload_id}
        try:
            done = [self._put_part(upload, 1, first)]
            del first
            for number, part in enumerate(rest, start=2):
                done.append(self._put_part(upload, number, part))
            self._call("complete_multipart_upload", **upload, MultipartUpload={"Parts": done})
        except BaseException:
            # What is left where this fails too, `delete` or the bucket's lifecycle rule removes.
            with suppress(StoreUnavailable, StoreRefused):
                self._call("abort_multipart_upload", **upload)
            raise

    def _put_part(self, upload: dict[str, str], number: int, part: bytes) -> dict[str, object]:
        if number > MOST_PARTS:
            raise StoreRefused(
                f"The file is over {PART_BYTES * MOST_PARTS:,} bytes, the most that the store of "
                "exports takes. Ask for several exports, each of a shorter window."
            )
        answer = self._call(
            "upload_part", **upload, PartNumber=number, Body=part, ContentMD5=_md5(part)
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    @override
    def read(self, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if end is not None and end <= start:
            self.size(name)
            return
        tag: str | None = None
        while end is None or start < end:
            wanted = start + _PIECE_BYTES if end is None else min(start + _PIECE_BYTES, end)
            piece, tag = self._piece(self._key(name), start, wanted, tag)
            if piece:
                yield piece
            start += len(piece)
            if start < wanted:
                return

    def _piece(self, key: str, start: int, end: int, tag: str | None) -> tuple[bytes, str | None]:
        """The bytes, fewer where the file ends, and the file's entity tag, which is held to."""
        for left in reversed(range(_PIECE_TRIES)):
            answer = self._opened(key, start, end, tag)
            if answer is None:
                return b"", tag
            with told(self._place.bucket):
                try:
                    return self._body(answer["Body"]), answer["ETag"]
                except _BROKEN_OFF:
                    # The library tries again only what breaks off before the content.
                    if not left:
                        raise
        raise AssertionError("the last try returns or raises")

    def _opened(self, key: str, start: int, end: int, tag: str | None) -> dict[str, Any] | None:
        """What S3 answers for these bytes; None where the file ends before them."""
        same = {"IfMatch": tag} if tag else {}
        with told(self._place.bucket):
            try:
                answer: dict[str, Any] = self._client.get_object(
                    Bucket=self._place.bucket, Key=key, Range=f"bytes={start}-{end - 1}", **same
                )
            except exceptions.ClientError as error:
                if code_of(error.response) in ("InvalidRange", "416"):
                    return None
                raise
        return answer

    def _body(self, body: Any) -> bytes:
        until = time.monotonic() + self._patience.piece
        content = bytearray()
        try:
            for chunk in body.iter_chunks(_BODY_BYTES):
                content += chunk
                if time.monotonic() > until:
                    raise unavailable(
                        self._place.bucket, "is too slow to read from. See that it gets well."
                    )
        finally:
            body.close()
        return bytes(content)

    @override
    def size(self, name: str) -> int:
        # Other than HEAD, a list says why where it is refused.
        answer = self._call("list_objects_v2", Prefix=self._key(name), MaxKeys=1)
        for found in answer.get("Contents", []):
            if found["Key"] == self._key(name):
                size: int = found["Size"]
                return size
        raise StoredFileMissing

    @override
    def delete(self, prefix: str) -> int:
        """Uploads of such names that nobody finished are aborted with the files."""
        deleted = 0
        for keys in self._pages(prefix):
            objects = [{"Key": key} for key in keys]
            answer = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
            if errors := answer.get("Errors"):
                code = code_of({"Error": errors[0]})
                reason = f"has not deleted {len(errors)} of its files ({code})."
                raise unavailable(self._place.bucket, reason)
            deleted += len(keys)
        self._abort_uploads(prefix)
        return deleted

    def _abort_uploads(self, prefix: str) -> None:
        """Lists from the beginning each time, for what was aborted is gone from there.

        Markers lead on only where uploads are sorted by key, which not every store does.
        """
        aborted: set[str] = set()
        while True:
            answer = self._unfinished(prefix)
            found = [each for each in answer.get("Uploads", []) if each["UploadId"] not in aborted]
            for upload in found:
                self._abort(upload["Key"], upload["UploadId"])
                aborted.add(upload["UploadId"])
            if not found or not answer.get("IsTruncated"):
                return

    def _abort(self, key: str, upload_id: str) -> None:
        with told(self._place.bucket):
            try:
                self._client.abort_multipart_upload(
                    Bucket=self._place.bucket, Key=key, UploadId=upload_id
                )
            except exceptions.ClientError as error:
                # It has just been finished or aborted elsewhere.
                if code_of(error.response) != "NoSuchUpload":
                    raise

    def _unfinished(self, prefix: str) -> dict[str, Any]:
        """The first page of unfinished uploads; none where the store can't list them."""
        with told(self._place.bucket):
            try:
                answer: dict[str, Any] = self._client.list_multipart_uploads(
                    Bucket=self._place.bucket, Prefix=self._key(prefix), MaxUploads=PAGE_NAMES
                )
            except exceptions.ClientError as error:
                # The bucket's lifecycle rule must do then, which the documentation asks for.
                if code_of(error.response) != "NotImplemented":
                    raise
                return {}
        return answer

    @override
    def names(self, prefix: str) -> Iterator[str]:
        for keys in self._pages(prefix):
            for key in keys:
                yield key.removeprefix(self._place.prefix)

    def _pages(self, prefix: str) -> Iterator[list[str]]:
        """The keys that begin so, PAGE_NAMES at a time at most."""
        more: dict[str, Any] = {}
        while True:
            answer = self._call(
                "list_objects_v2", Prefix=self._key(prefix), MaxKeys=PAGE_NAMES, **more
            )
            if keys := [found["Key"] for found in answer.get("Contents", [])]:
                yield keys
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    @override
    def link(self, name: str, *, file_name: str, media_type: str, seconds: int) -> str | None:
        """Signed here; S3 is not asked. It ends earlier where the login does."""
        with told(self._place.bucket):
            url: str = self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._place.bucket,
                    "Key": self._key(name),
                    "ResponseContentDisposition": f'attachment; filename="{file_name}"',
                    "ResponseContentType": media_type,
                    "ResponseCacheControl": "private, no-store",
                },
                ExpiresIn=min(seconds, _LONGEST_LINK_SECONDS),
            )
        return url

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        with told(self._place.bucket):
            answer: dict[str, Any] = getattr(self._client, operation)(
                Bucket=self._place.bucket, **arguments
            )
        return answer

    def _key(self, name: str) -> str:
        if any(piece in (".", "..") for piece in name.split("/")):
            raise ValueError("a name in the store must not lead out of it")
        return self._place.prefix + name


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, PART_BYTES at a time, the last fewer."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= PART_BYTES:
            part = bytes(held[:PART_BYTES])
            del held[:PART_BYTES]
            yield part
    if held:
        yield bytes(held)


def _md5(content: bytes) -> str:
    """As S3 wants it; only against what goes wrong on the way."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
