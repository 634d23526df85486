"""Two tenants with reports: the one that is fuzzed, and a neighbour whose every text is marked.

Talks to the service as any client does.
"""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.e2e.service_process import ROLES, Service, wait_until

TENANT: Final = "fuzzed-tenant"
NEIGHBOUR: Final = "neighbour-tenant"
_MARK: Final = "neighbours-secret-mark"
_REPORTS: Final = 25
_SIGNED: Final = 5

Keys = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Keys by (tenant, role), and the values that each tenant has, by parameter name."""

    keys: Mapping[tuple[str, str], str]
    own: Mapping[str, list[str]]
    neighbours: Mapping[str, Mapping[str, str]]

    @property
    def hidden(self) -> list[str]:
        """What no answer to the fuzzed tenant may hold."""
        things = [value for values in self.neighbours.values() for value in values]
        return [NEIGHBOUR, _MARK, *things, *self.keys.values()]


def new_keys() -> dict[tuple[str, str], str]:
    return {
        (tenant, role): secrets.token_hex(20) for tenant in (TENANT, NEIGHBOUR) for role in ROLES
    }


def as_setting(keys: Mapping[tuple[str, str], str]) -> str:
    """The keys as API_KEYS takes them."""
    entries = [
        f"{role}-of-{tenant}:{tenant}:{role}:{secret}" for (tenant, role), secret in keys.items()
    ]
    return ",".join(entries)


def settle(service: Service, keys: Keys) -> Neighbourhood:
    """Stores reports of every severity for both tenants."""
    own = _stored(service, TENANT, keys, "own")
    neighbours = _stored(service, NEIGHBOUR, keys, _MARK)
    own["run_id"] = _planned(service, TENANT, keys[TENANT, "admin"])
    neighbours["run_id"] = _planned(service, NEIGHBOUR, keys[NEIGHBOUR, "admin"])
    return Neighbourhood(
        keys,
        own,
        {name: {value: _stand_in(value) for value in held} for name, held in neighbours.items()},
    )


def signed_links(service: Service, around: Neighbourhood) -> dict[str, str]:
    """Signs some of the fuzzed tenant's reports; returns the token of each, by report id.

    A role's run may revoke them, so each run begins with links that work.
    """
    service.keys["operator"] = around.keys[TENANT, "operator"]
    links = {}
    with service.client(tenant=TENANT) as client:
        for report_id in around.own["report_id"][:_SIGNED]:
            signed = client.post(f"/reports/{report_id}/sign").raise_for_status()
            links[report_id] = signed.json()["token"]
    service.keys["auditor"] = around.keys[TENANT, "auditor"]
    with service.client("auditor", TENANT) as client:
        for export_id in around.own["export_id"]:
            told = client.get(f"/exports/{export_id}").raise_for_status().json()
            # A role's run before may have cancelled it.
            if "download_url" in told:
                links[export_id] = told["download_url"].partition("token=")[2]
    return links


def _stored(service: Service, tenant: str, keys: Keys, mark: str) -> dict[str, list[str]]:
    """Stores the reports, and returns the values that the tenant has, by parameter name."""
    service.keys["operator"] = keys[tenant, "operator"]
    ids, tags = [], []
    with service.client(tenant=tenant) as client:
        for number in range(_REPORTS):
            posted = client.post("/ingest/qc", json=_report(mark, number))
            posted.raise_for_status()
            ids.append(posted.json()["id"])
        for path in ("/reports", f"/reports/{ids[0]}", "/timeline"):
            tags.append(client.get(path).raise_for_status().headers["etag"])
        page = client.get("/reports", params={"limit": 5}).json()
    return {
        "report_id": ids,
        "export_id": _exported(service, tenant, keys[tenant, "auditor"]),
        "stream": [f"{mark}-stream"],
        "source": [f"{mark}-tool"],
        "policy_version": [f"{mark}-policy"],
        "page_token": [page["next_page_token"]],
        "If-None-Match": tags,
    }


def _exported(service: Service, tenant: str, key: str) -> list[str]:
    """Has all reports exported twice, and waits until a worker has done so.

    The first is kept; a run may cancel the second.
    """
    service.keys["auditor"] = key
    now = datetime.now(UTC)
    window = {"since": (now - timedelta(days=1)).isoformat(), "until": now.isoformat()}
    with service.client("auditor", tenant) as client:
        asked = [client.post("/exports", json={**window, "format": "ndjson"}) for _ in range(2)]
        ids = [each.raise_for_status().json()["id"] for each in asked]

        def are_done() -> bool:
            told = [client.get(f"/exports/{export_id}").json()["status"] for export_id in ids]
            return told == ["done", "done"]

        wait_until(are_done, "two exports", 60)
    return ids


def _planned(service: Service, tenant: str, key: str) -> list[str]:
    """Make a dry run of retention; returns its id."""
    service.keys["admin"] = key
    with service.client("admin", tenant) as client:
        return [client.post("/admin/retention/run").raise_for_status().json()["run_id"]]


def _report(mark: str, number: int) -> dict[str, Any]:
    """A report with the mark in every text that a sender may choose."""
    verdict = ("pass", "warn", "block")[number % 3]
    return {
        "source": {"tool": f"{mark}-tool", "version": f"{mark}-{number}"},
        "stream": f"{mark}-stream",
        "run": {
            "id": f"{mark}-run",
            "url": f"https://ci.example/{mark}",
            "commit": f"{mark}-commit",
            "branch": f"{mark}-branch",
        },
        "status": {f"{mark}-check": ("pass", "warn", "fail")[number % 3]},
        "diff": {"summary": [{"id": f"{mark}-measure", "trend": "up", "deltaPct": number}]},
        "policy": {
            "policy_version": f"{mark}-policy",
            "evaluations": [
                {
                    "rule_id": f"{mark}-rule",
                    "target": f"{mark}-check",
                    "verdict": verdict,
                    "severity": verdict.replace("pass", "info"),
                    "message": f"{mark} says so",
                }
            ],
        },
        "notes": [f"{mark} {number}"],
        "markdown": f"# {mark}",
        "raw": {f"{mark}-key": [f"{mark}-value"]},
    }


def _stand_in(value: str) -> str:
    """A value of the same shape that nobody has: other letters and digits in its second half."""
    half = len(value) // 2
    return value[:half] + "".join(map(_another, value[half:]))


def _another(character: str) -> str:
    # Hexadecimal digits stay such: ids and tags are made of them.
    for alphabet in (string.digits, "abcdef", string.ascii_lowercase, string.ascii_uppercase):
        if character in alphabet:
            return secrets.choice(alphabet)
    return character
