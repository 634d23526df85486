"""SeaweedFS: an S3 that verifies signatures and rights, a process of its own on 127.0.0.1.

It keeps everything in a folder that it is given, and tells nobody of itself.
"""

import base64
import json
import secrets
import shutil
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

_START_SECONDS: Final = 60.0
_PROBE_SECONDS: Final = 5.0
# Another process may take a port between the choice and its use.
_STARTS: Final = 3
_SERVERS: Final = ("master", "volume", "filer", "s3")


@dataclass(frozen=True, slots=True)
class Login:
    """`policy` is one of IAM's: what the login may do. None: everything.

    Each that has one has a role of its name and with its policy, which any login may take on.
    """

    key: str
    secret: str
    policy: Mapping[str, Any] | None = None


def rights(*allowed: tuple[list[str], list[str]]) -> dict[str, Any]:
    """A policy that allows these actions, each on the resources beside them, and nothing else."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": resources}
            for actions, resources in allowed
        ],
    }


@contextmanager
def seaweedfs(folder: Path, logins: Mapping[str, Login]) -> Iterator[int]:
    """The port of its S3, until the block ends; nobody but `logins` (by name) gets in.

    Its log stays in `folder`, its data does not.
    """
    data = folder / "data"
    data.mkdir()
    (folder / "logins.json").write_text(json.dumps(_logins(logins)))
    (folder / "roles.json").write_text(json.dumps(_roles(logins)))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, data)
        for left in reversed(range(_STARTS)):
            ports = _free_ports()
            process = stack.enter_context(_running(folder, ports))
            if _answers(process, ports["s3"]):
                break
            assert left, (folder / "s3.log").read_text()
        yield ports["s3"]


def role_of(name: str) -> str:
    return f"arn:aws:iam::role/{name}"


def _logins(logins: Mapping[str, Login]) -> dict[str, Any]:
    return {
        "policies": [
            {"name": name, "content": json.dumps(login.policy)}
            for name, login in logins.items()
            if login.policy is not None
        ],
        "identities": [
            {
                "name": name,
                "credentials": [{"accessKey": login.key, "secretKey": login.secret}],
                **({"actions": ["Admin"]} if login.policy is None else {"policyNames": [name]}),
            }
            for name, login in logins.items()
        ],
    }


def _roles(logins: Mapping[str, Login]) -> dict[str, Any]:
    policies = {name: login.policy for name, login in logins.items() if login.policy is not None}
    anyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole"]}
    return {
        "sts": {
            "issuer": "tests",
            "tokenDuration": "1h",
            "maxSessionLength": "1h",
            "signingKey": base64.b64encode(secrets.token_bytes(32)).decode(),
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "policies": [{"name": name, "document": policy} for name, policy in policies.items()],
        "roles": [
            {
                "roleName": name,
                "roleArn": role_of(name),
                "trustPolicy": {"Version": "2012-10-17", "Statement": [anyone]},
                "attachedPolicies": [name],
            }
            for name in policies
        ],
    }


def _free_ports() -> dict[str, int]:
    """Two for each server; those of gRPC, which would be reckoned from the others, too."""
    with ExitStack() as stack:
        names = [name for server in _SERVERS for name in (server, f"{server}.grpc")]
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        return {name: each.getsockname()[1] for name, each in zip(names, held, strict=True)}


def _command(folder: Path, ports: Mapping[str, int]) -> list[str]:
    return [
        str(Path(sysconfig.get_path("scripts"), "weed")),
        "-logtostderr=true",
        "server",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        *(f"-{server}.port={ports[server]}" for server in _SERVERS),
        *(f"-{server}.port.grpc={ports[f'{server}.grpc']}" for server in _SERVERS),
        *(f"-{server}.localSocket={folder / server}.sock" for server in ("filer", "s3")),
        f"-s3.config={folder / 'logins.json'}",
        f"-s3.iam.config={folder / 'roles.json'}",
        # A bucket that is not there is not made by the first upload.
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=0",
    ]


@contextmanager
def _running(folder: Path, ports: Mapping[str, int]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "s3.log").open("wb") as output:
        process = subprocess.Popen(
            _command(folder, ports),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # It would take settings, and a login of AWS_*, from what is around it.
            cwd=folder,
            env={"HOME": str(folder)},
        )
    try:
        yield process
    finally:
        # Asked to end, it takes a quarter of a minute to tell itself so.
        process.kill()
        process.wait(_START_SECONDS)
        for server in _SERVERS:
            # It puts these nowhere else, whatever it is told.
            Path(f"/tmp/seaweedfs-{server}-grpc-{ports[f'{server}.grpc']}.sock").unlink(
                missing_ok=True
            )


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether it has begun to; False where it has ended."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None:
        assert time.monotonic() < deadline, "SeaweedFS did not start"
        asking = HTTPConnection("127.0.0.1", port, timeout=_PROBE_SECONDS)
        with suppress(OSError), closing(asking) as connection:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return True
        time.sleep(0.05)
    return False
