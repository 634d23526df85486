"""S3 for tests: moto's server with a bucket, and before it a proxy that can fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.moto import moto_server

BUCKET: Final = "exports"
REGION: Final = "eu-central-1"
SECRET: Final = "password-of-the-store"


def s3_variables(port: int, **others: str) -> dict[str, str]:
    """The usual variables of AWS that lead to the S3 at `port`."""
    return {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test-login",
        "AWS_SECRET_ACCESS_KEY": SECRET,
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
        """The keys of uploads that were neither completed nor aborted."""
        found = self.admin.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return [each["Key"] for each in found]

    def content(self, key: str) -> bytes:
        found: bytes = self.admin.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return found

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


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """An S3 until the block ends. Its log goes to `folder`."""
    with moto_server(folder / "s3.log") as (port, _):
        admin = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name=REGION,
            aws_access_key_id="admin",
            aws_secret_access_key="admin",
        )
        admin.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        try:
            yield S3Server(port, admin)
        finally:
            admin.close()
