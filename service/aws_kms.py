"""Keys wrapped by AWS KMS: `aws-kms:` and the base64 of a ciphertext, which names its KMS key.

Login, region and address are boto3's usual `AWS_*` variables. boto3 is loaded when it is needed:
most installations have no use for it.
"""

import base64
import binascii
import os
import re
from typing import Any, Final
from urllib.parse import urlsplit

from typing_extensions import override

from service.key_provider import KeyUnavailable, KeyUse, KeyWrapper, Revealed

SCHEME: Final = "aws-kms:"
_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 3
_KEY_BYTES: Final = 32
_CODE: Final = re.compile(r"[A-Za-z0-9._]{1,64}", re.ASCII)
_LOGIN: Final = "does not accept the login; see AWS_ACCESS_KEY_ID and its like, and the clock"
_REFUSALS: Final = {
    "AccessDeniedException": "denies {operation} to this login; allow it in the KMS key's policy",
    "NotFoundException": "knows no such KMS key, here in {region}",
    "DisabledException": "has disabled the KMS key; enable it again",
    "KMSInvalidStateException": "can't use the KMS key: it is disabled or about to be deleted",
    "InvalidCiphertextException": (
        "can't open the value: it is damaged, or was wrapped for another setting or key id"
    ),
    "InvalidKeyUsageException": "wraps by symmetric KMS keys alone, and this one is another",
    "ThrottlingException": "has too many requests to answer this one; try again",
    "ExpiredTokenException": _LOGIN,
    "IncompleteSignature": _LOGIN,
    "InvalidClientTokenId": _LOGIN,
    "InvalidSignatureException": _LOGIN,
    "MissingAuthenticationToken": _LOGIN,
    "UnrecognizedClientException": _LOGIN,
}
_FAILURES: Final = {
    "NoCredentialsError": "has no login: set AWS_ACCESS_KEY_ID and its like, or give a role",
    "PartialCredentialsError": "has half a login: AWS_SECRET_ACCESS_KEY belongs to it",
    "NoRegionError": "has no region: set AWS_REGION",
    "ProfileNotFound": "has no such profile as AWS_PROFILE names",
}


class AwsKms(KeyWrapper):
    """One process' dealings with AWS KMS. A call ends within some 20 seconds, tries included."""

    def __init__(self) -> None:
        self._made: Any = None

    @override
    def reveal(self, written: str, use: KeyUse) -> Revealed:
        answer = self._call(
            "Decrypt", CiphertextBlob=_ciphertext(written), EncryptionContext=_context(use)
        )
        key: bytes = answer["Plaintext"]
        try:
            text = base64.b64encode(key).decode() if use.is_binary else key.decode()
        except UnicodeDecodeError:
            # Not `from` it: the error holds the key.
            raise KeyUnavailable("AWS KMS opened the value, which holds no text") from None
        return Revealed(text, answer["KeyId"])

    @override
    def wrap(self, text: str, use: KeyUse, key_id: str) -> str:
        key = base64.b64decode(text) if use.is_binary else text.encode()
        answer = self._call("Encrypt", KeyId=key_id, Plaintext=key, EncryptionContext=_context(use))
        return _written(answer)

    @override
    def new_key(self, use: KeyUse, key_id: str) -> str:
        answer = self._call(
            "GenerateDataKeyWithoutPlaintext",
            KeyId=key_id,
            NumberOfBytes=_KEY_BYTES,
            EncryptionContext=_context(use),
        )
        return _written(answer)

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            import boto3
            from botocore import exceptions, parsers, xform_name
        except ImportError:
            raise KeyUnavailable(
                "AWS KMS needs the package boto3; install it with `pip install 'collector[kms]'`"
            ) from None
        try:
            if self._made is None:
                self._made = _client(boto3)
            answer: dict[str, Any] = getattr(self._made, xform_name(operation))(**arguments)
        except exceptions.ClientError as error:
            raise KeyUnavailable(self._refusal(operation, error.response)) from None
        # The library lets ValueError through for an address or an answer that it can't read.
        except (exceptions.BotoCoreError, parsers.ResponseParserError, ValueError) as error:
            # Not `from` it, here and above: what was sent or came may stand in the error.
            raise KeyUnavailable(self._failure(type(error).__name__)) from None
        if "KeyId" not in answer or not {"Plaintext", "CiphertextBlob"} & answer.keys():
            raise KeyUnavailable(self._failure("an answer that is none of KMS"))
        return answer

    def _refusal(self, operation: str, response: Any) -> str:
        code = str(response.get("Error", {}).get("Code", ""))
        if words := _REFUSALS.get(code):
            region = self._made.meta.region_name
            return "AWS KMS " + words.format(operation=f"kms:{operation}", region=region)
        return self._failure(code if _CODE.fullmatch(code) else "an unknown error")

    def _failure(self, kind: str) -> str:
        if words := _FAILURES.get(kind):
            return f"AWS KMS {words}"
        if self._made is None:
            return f"AWS KMS can't be asked ({kind}); see AWS_ENDPOINT_URL_KMS and its like"
        host = urlsplit(self._made.meta.endpoint_url).netloc.rpartition("@")[2]
        return f"AWS KMS at {host} gives no usable answer ({kind})"


def _client(boto3: Any) -> Any:
    from botocore.config import Config

    session = boto3.Session()
    return session.client(
        "kms",
        # AWS_REGION is what containers get; boto3 itself reads AWS_DEFAULT_REGION alone.
        region_name=os.environ.get("AWS_REGION") or session.region_name,
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            # Three tries; AWS_MAX_ATTEMPTS may say otherwise.
            retries={"mode": "standard"},
        ),
    )


def _context(use: KeyUse) -> dict[str, str]:
    context = {"collector-purpose": str(use.purpose)}
    return context if use.kid is None else {**context, "collector-kid": use.kid}


def _ciphertext(written: str) -> bytes:
    try:
        return base64.b64decode(written.removeprefix(SCHEME), validate=True)
    except binascii.Error:
        raise KeyUnavailable(f"what follows {SCHEME} is not base64") from None


def _written(answer: dict[str, Any]) -> str:
    return SCHEME + base64.b64encode(answer["CiphertextBlob"]).decode()
