"""boto3's client of S3, set up so that every call ends and other stores than AWS understand it."""

import os
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore import exceptions
from botocore.config import Config

from service.settings import SettingsError


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. A try ends after `silence` without a byte, or where connecting (or, without TLS,
    sending a part) takes longer than `connect`; a piece of a file is read within `piece`.
    """

    connect: float = 15
    silence: float = 30
    piece: float = 90


PATIENT: Final = Patience()


def s3_client(patience: Patience) -> Any:
    """Connects to nothing. Raises SettingsError."""
    try:
        session = boto3.Session()
        client = session.client(
            "s3",
            # AWS_REGION is what containers get; boto3 itself reads AWS_DEFAULT_REGION alone.
            region_name=os.environ.get("AWS_REGION") or session.region_name,
            config=Config(
                connect_timeout=patience.connect,
                read_timeout=patience.silence,
                retries={"mode": "standard"},
                # Links are signed so in every region.
                signature_version="s3v4",
                # Other stores than AWS don't know the newer checksums; ours are MD5.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
    except (exceptions.BotoCoreError, ValueError) as error:
        # Not `from` it: a value may stand in the error.
        kind = type(error).__name__
        raise SettingsError(f"EXPORT_STORE: the AWS_* variables can't be used ({kind})") from None
    client.meta.events.register("before-call.s3", _stay_in_region)
    return client


def _stay_in_region(context: dict[str, Any], **_: Any) -> None:
    """Has the library take a request for redirected already.

    It would find the right region by itself, but links, which are signed without asking, would
    still be for the wrong one and work for nobody.
    """
    context.setdefault("s3_redirect", {})["redirected"] = True
