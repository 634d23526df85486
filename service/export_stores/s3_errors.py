"""What S3's errors mean for whoever keeps files: told without secrets, addresses signed or not.

Of an answer only its code and status are used; a message of S3 may hold key ids and signatures.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from botocore import exceptions

from handlers.export_store import StoredFileMissing, StoreRefused, StoreUnavailable

_RETRY_SECONDS: Final = 30
_LONGEST_RETRY_SECONDS: Final = 600
_CODE: Final = re.compile(r"[A-Za-z0-9._]{1,64}", re.ASCII)
_LOGIN: Final = (
    "does not accept the login. See AWS_ACCESS_KEY_ID and its like, and the clock of this machine."
)
_REGION: Final = "is for another region. Set AWS_REGION to that of the bucket."
_REFUSALS: Final = {
    "NoSuchBucket": "has no bucket of this name. Make it, or set EXPORT_STORE to the right one.",
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "307": _REGION,
    "ExpiredToken": "says that the login has expired. Give the service a new one.",
    "ExpiredTokenException": "says that the login has expired. Give the service a new one.",
    "InvalidAccessKeyId": _LOGIN,
    "InvalidToken": _LOGIN,
    "SignatureDoesNotMatch": _LOGIN,
    "RequestTimeTooSkewed": _LOGIN,
    "TokenRefreshRequired": _LOGIN,
    "EntityTooLarge": "takes no file as large as this one. Ask for several shorter exports.",
    "QuotaExceeded": "has used up its quota. Raise it, or delete what nobody needs.",
}
# Answered with 400, 403 or 409, though they pass by themselves.
_PASSING: Final = frozenset(
    {"RequestTimeout", "OperationAborted", "NoSuchUpload", "SlowDown", "Throttling"}
)
_BUSY: Final = "is busy or failing at the moment ({code}). See that it gets well."
_FULL: Final = "has no space left. Free some there."
_REPLACED: Final = "has had the file replaced as it was read."
_FAILURES: Final[Mapping[str, str]] = {
    "NoCredentialsError": "needs a login: set AWS_ACCESS_KEY_ID and its like, or give a role.",
    "PartialCredentialsError": "has half a login: AWS_SECRET_ACCESS_KEY belongs to it.",
    "CredentialRetrievalError": "needs a login, and the way that is set to one fails.",
    "TokenRetrievalError": "needs a login, and the way that is set to one fails.",
    "ProfileNotFound": "has no such profile as AWS_PROFILE names.",
}
_UNREACHABLE: Final = (
    exceptions.HTTPClientError,
    exceptions.ConnectionError,
    exceptions.IncompleteReadError,
    exceptions.ResponseStreamingError,
    exceptions.MetadataRetrievalError,
)


@contextmanager
def told(bucket: str) -> Iterator[None]:
    """Raises StoredFileMissing, StoreUnavailable, StoreRefused in the place of the library's."""
    try:
        yield
    except exceptions.ClientError as error:
        # Not `from` it, here and below: what was sent or came may stand in the error.
        raise _of_answer(bucket, error.response) from None
    except _UNREACHABLE as error:
        kind = type(error).__name__
        see = "AWS_CA_BUNDLE" if isinstance(error, exceptions.SSLError) else "AWS_ENDPOINT_URL_S3"
        reason = f"gives no usable answer ({kind}). See that it runs, and {see}."
        raise unavailable(bucket, reason) from None
    except exceptions.BotoCoreError as error:
        kind = type(error).__name__
        reason = _FAILURES.get(kind, f"can't be asked ({kind}). See the AWS_* variables.")
        raise refused(bucket, reason) from None


def unavailable(bucket: str, reason: str, retry_after: int = _RETRY_SECONDS) -> StoreUnavailable:
    return StoreUnavailable(f"The store of exports (S3, bucket {bucket}) {reason}", retry_after)


def refused(bucket: str, reason: str) -> StoreRefused:
    return StoreRefused(f"The store of exports (S3, bucket {bucket}) {reason}")


def code_of(response: Mapping[str, Any]) -> str:
    code = str(response.get("Error", {}).get("Code", ""))
    return code if _CODE.fullmatch(code) else "an unknown error"


def _of_answer(bucket: str, response: Mapping[str, Any]) -> Exception:
    code = code_of(response)
    answer = response.get("ResponseMetadata", {})
    status = answer.get("HTTPStatusCode", 0)
    if code == "NoSuchKey":
        return StoredFileMissing()
    if status == 507:
        return unavailable(bucket, _FULL)
    if status == 412:
        return unavailable(bucket, _REPLACED)
    # An error may also come with a status of 200, at the end of an upload.
    if (status >= 500 and status != 501) or status in (200, 408, 409, 429) or code in _PASSING:
        return unavailable(bucket, _BUSY.format(code=code), _retry_after(answer))
    if words := _REFUSALS.get(code):
        return refused(bucket, words)
    if status == 403:
        words = f"denies the service what it needs ({code}). See the rights of its login there."
        return refused(bucket, words)
    return refused(bucket, f"takes no such request ({code}, status {status}). See its settings.")


def _retry_after(answer: Mapping[str, Any]) -> int:
    """In seconds; what the store says, within reason."""
    said = str(answer.get("HTTPHeaders", {}).get("retry-after", ""))
    known = said.isascii() and said.isdigit() and len(said) < 6
    return min(max(int(said), 1), _LONGEST_RETRY_SECONDS) if known else _RETRY_SECONDS
