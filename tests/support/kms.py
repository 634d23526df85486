"""KMS servers for tests: one that keeps keys, and one that answers as KMS does at its worst.

Both are real HTTP servers on this machine. The first is moto's, a process of its own; it knows of
no key that is disabled and no login that is denied, which is what the second is for.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import boto3
from typing_extensions import override

from tests.support.moto import end, moto_server

REGION: Final = "eu-central-1"


def aws_variables(port: int, **others: str) -> dict[str, str]:
    """The usual variables of AWS that lead to the KMS at `port`, with one try a call."""
    return {
        "AWS_ENDPOINT_URL_KMS": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test-login",
        "AWS_SECRET_ACCESS_KEY": "test-password",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_MAX_ATTEMPTS": "1",
        **others,
    }


@dataclass(frozen=True, slots=True)
class KmsServer:
    """A running moto server. Its keys live as long as it does."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def variables(self) -> dict[str, str]:
        return aws_variables(self.port)

    def new_key(self) -> str:
        """The ARN of a new symmetric key."""
        client = boto3.client(
            "kms",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id="test-login",
            aws_secret_access_key="test-password",
        )
        arn: str = client.create_key()["KeyMetadata"]["Arn"]
        client.close()
        return arn

    def end(self) -> None:
        end(self.process)


@contextmanager
def kms_server(folder: Path) -> Iterator[KmsServer]:
    """A KMS until the block ends. Its log goes to `folder`."""
    with moto_server(folder / "kms.log") as (port, process):
        yield KmsServer(port, process)


@dataclass(slots=True)
class Answers:
    """What the second server answers, in order, the last for good: status and body, or silence."""

    given: list[tuple[int, bytes] | None]
    asked: list[str] = field(default_factory=list)

    def next(self) -> tuple[int, bytes] | None:
        return self.given.pop(0) if len(self.given) > 1 else self.given[0]


def error(code: str, status: int = 400) -> tuple[int, bytes]:
    """An error as KMS puts it."""
    return status, json.dumps({"__type": code, "message": "Words of the KMS"}).encode()


def answer(**members: Any) -> tuple[int, bytes]:
    return 200, json.dumps(members).encode()


@contextmanager
def answering(*given: tuple[int, bytes] | None) -> Iterator[tuple[int, Answers]]:
    """A server that gives these answers, and its port."""
    answers, ended = Answers(list(given)), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answers.asked.append(self.headers["X-Amz-Target"])
            self.rfile.read(int(self.headers["Content-Length"]))
            found = answers.next()
            if found is None:
                ended.wait(30)
                return
            status, body = found
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port, answers
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
