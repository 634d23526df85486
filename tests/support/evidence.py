"""Bundles as tests get them: a report that is signed, its link, and the archive behind it."""

import io
import zipfile
from typing import Any

from policies.published_keys import by_id
from tests.support.client import Callers, Client
from tests.support.reports import SMALLEST
from tests.support.service import SIGNING

KEYS = by_id(SIGNING.published)


def sign(client: Client, report_id: str) -> dict[str, Any]:
    """Signs a report that is there; returns the link."""
    answer = client.send("POST", f"/reports/{report_id}/sign")
    assert answer.status == 200, answer.content
    link: dict[str, Any] = answer.json
    return link


def signed_report(callers: Callers, report: Any = SMALLEST) -> tuple[str, dict[str, Any]]:
    """The id of a new report, and the operator's link to its bundle."""
    report_id = callers.operator.ingest(report)["id"]
    return report_id, sign(callers.operator, report_id)


def files_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert read.testzip() is None
        return {name: read.read(name) for name in read.namelist()}
