"""S3 for tests: SeaweedFS with a bucket, and before it a proxy that can fail."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import boto3
import pytest

from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.seaweedfs import Login, rights, role_of, seaweedfs

BUCKET: Final = "exports"
# There is none of this name, though the login may use it.
ABSENT_BUCKET: Final = "exports-of-nobody"
REGION: Final = "eu-central-1"
_ADMIN: Final = Login("admin", "password-of-the-admin")
_BUCKETS: Final = [f"arn:aws:s3:::{name}" for name in (BUCKET, ABSENT_BUCKET)]
_FILES: Final = [f"{bucket}/*" for bucket in _BUCKETS]
# The rights that docs/export-stores.md asks for, and no more.
_RIGHTS: Final = (
    (["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], _FILES),
    (["s3:ListBucket", "s3:ListBucketMultipartUploads"], _BUCKETS),
)
SERVICE: Final = Login("test-login", "password-of-the-store", rights(*_RIGHTS))
# Enough for whoever only signs links.
READER: Final = Login("reader", "password-of-the-reader", rights((["s3:GetObject"], _FILES)))
_LOGINS: Final = {"admin": _ADMIN, "service": SERVICE, "reader": READER}


def s3_variables(port: int, **others: str) -> dict[str, str]:
    """The usual variables of AWS that lead to the S3 at `port`."""
    return {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": SERVICE.key,
        "AWS_SECRET_ACCESS_KEY": SERVICE.secret,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        **others,
    }


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server with the bucket BUCKET. `admin` looks at it past the proxy."""

    port: int
    admin: Any

    def names(self) -> list[str]:
        found = self.admin.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [each["Key"] for each in found]

    def unfinished(self) -> list[str]:
        """The keys of uploads that were neither completed nor aborted, sorted."""
        found = self.admin.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return sorted(each["Key"] for each in found)

    def content(self, key: str) -> bytes:
        found: bytes = self.admin.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return found

    def session(self) -> dict[str, str]:
        """The login of a role that the service's takes on for an hour, as variables.

        Its token is of more than 2,000 characters, as those of AWS may be.
        """
        client = boto3.client(
            "sts",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id=SERVICE.key,
            aws_secret_access_key=SERVICE.secret,
        )
        [files, buckets] = _RIGHTS
        narrowed = json.dumps(rights(*[files] * 4, buckets))
        taken = client.assume_role(
            RoleArn=role_of("service"), RoleSessionName="tests", Policy=narrowed
        )["Credentials"]
        client.close()
        return {
            "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
            "AWS_SESSION_TOKEN": taken["SessionToken"],
        }

    def clear(self) -> None:
        for key in self.names():
            self.admin.delete_object(Bucket=BUCKET, Key=key)
        for each in self.admin.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
            self.admin.abort_multipart_upload(
                Bucket=BUCKET, Key=each["Key"], UploadId=each["UploadId"]
            )

    @contextmanager
    def behind_proxy(self, port: int = 0) -> Iterator[FaultProxy]:
        with fault_proxy(self.port, port) as proxy:
            yield proxy


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The S3 of the whole session. Whoever puts something there clears it."""
    with seaweedfs(tmp_path_factory.mktemp("s3"), _LOGINS) as port:
        admin = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name=REGION,
            aws_access_key_id=_ADMIN.key,
            aws_secret_access_key=_ADMIN.secret,
        )
        admin.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        try:
            yield S3Server(port, admin)
        finally:
            admin.close()
