"""The generated client as a package: what it loads, its types, and the document's example."""

import re
import subprocess
import sys
from pathlib import Path

from tests.codegen.client.conftest import CASE, SECRET, PostOffice
from tests.codegen.conftest import ROOT
from tests.codegen.test_typing import mypy

MISUSES = """
from uuid import UUID

from post_office.client import AsyncClient, Client, Credentials
from post_office.client.parcels import SendParcel201


def misuse(client: Client, other: AsyncClient, parcel_id: UUID) -> None:
    client.get_parcel(parcel_id="no UUID")
    client.get_parcel()
    client.list_parcels(if_none_match="x")
    client.set_picture(parcel_id=parcel_id, body=b"", content_type="image/gif")
    client.send_parcel(body=SendParcel201)
    client.list_parcels().body.nothing
    client.get_picture(parcel_id=parcel_id).body
    other.list_parcels().body
    for page in other.list_parcels_pages():
        pass
    Credentials(key="x")
"""
BODIES = """
import io
from collections.abc import AsyncIterator, Iterator

from post_office.models import Kept, Parcel
from post_office.routes.archive import GetArchive200
from post_office.routes.parcels import ListParcelLines200


def right(
    parcels: list[Parcel], made: Iterator[Parcel], awaited: AsyncIterator[Parcel]
) -> list[object]:
    return [
        GetArchive200(b""),
        GetArchive200(open("archive", "rb")),
        GetArchive200(io.BytesIO()),
        GetArchive200(piece for piece in [b"", b""]),
        ListParcelLines200(parcels),
        ListParcelLines200(made),
        ListParcelLines200(awaited),
        ListParcelLines200(io.BytesIO()),
    ]


def wrong(kept: list[Kept], parcel: Parcel) -> None:
    GetArchive200("text")
    GetArchive200(["text"])
    GetArchive200(open("archive"))
    GetArchive200(None)
    ListParcelLines200(kept)
    ListParcelLines200(parcel)
"""


def test_a_server_does_not_load_the_http_client(package: Path) -> None:
    program = (
        "import sys, post_office.routes; early = 'httpx2' in sys.modules; "
        "import post_office.runtime.application; "  # Connexion may load one for itself.
        "sys.exit(early or any('.client' in name for name in sys.modules if 'office' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(package)},
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_client_service_and_caller_are_clean_under_strict_mypy(package: Path) -> None:
    names = ("service.py", "caller.py", "streams.py")
    for name in names:
        (package / name).write_text((CASE / name).read_text())
    done = mypy(package, "post_office", *names)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    (package / "misuses.py").write_text(MISUSES)
    found = set(
        map(int, re.findall(r"misuses.py:(\d+): error", mypy(package, "misuses.py").stdout))
    )
    assert found == {*range(9, 18), 19}


def test_only_bodies_that_can_be_sent_are_clean_under_strict_mypy(package: Path) -> None:
    (package / "bodies.py").write_text(BODIES)
    said = mypy(package, "bodies.py").stdout
    found = set(map(int, re.findall(r"bodies.py:(\d+): error", said)))
    assert found == set(range(26, 32)), said


def test_the_example_of_the_document_does_what_it_says(office: PostOffice, package: Path) -> None:
    text = (ROOT / "docs" / "codegen" / "client.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert (CASE / "caller.py").read_text() in blocks
    [shown] = re.findall(r"^```console\n\$ python caller.py .*?\n(.*?)^```", text, re.M | re.S)
    done = subprocess.run(
        [sys.executable, str(CASE / "caller.py"), office.url, SECRET],
        env={"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    first, *rest = done.stdout.splitlines()
    assert re.fullmatch(r"Emma /parcels/[0-9a-f-]{36}", first)
    assert "Emma 120" in rest
    assert rest[-1] == "404 Not found"
    assert set(shown.splitlines()[1:]) <= set(rest)
