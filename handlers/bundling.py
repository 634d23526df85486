"""Makes what is frozen of a report's bundle, and the archive of that and the report."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from typing_extensions import override

from db.bundles import BundleSummary, FrozenBundle
from db.ids import ReportId, TenantId
from db.reports import ReportRow
from generated.runtime.encoded_json import EncodedJson
from handlers.signing import Signer, signed_envelope
from policies.attestation import ReportFacts, statement_text
from policies.bundle import ATTESTATION, MANIFEST, bundle_members, manifest_text, subjects
from policies.dsse import IN_TOTO
from policies.report_markdown import report_markdown
from policies.stored_zip import Member, archive_chunks, archive_size


@dataclass(eq=False)
class BundleBroken(Exception):
    """A bundle that is no longer what was signed: not the caller's fault, for the log alone."""

    report_id: ReportId
    why: str

    @override
    def __str__(self) -> str:
        return f"bundle of report {self.report_id}: {self.why}"


def frozen_bundle(
    tenant_id: TenantId, row: ReportRow, text: bytes, signer: Signer, now: datetime
) -> FrozenBundle:
    """Signs a report. `text` is its canonical text, `now` the time that the statement tells."""
    report = orjson.loads(row.document)
    facts = ReportFacts(tenant_id, str(row.id), row.created_at, row.severity)
    own_page = report.get("markdown", "")
    page = own_page if own_page.strip() else report_markdown(facts, report)
    files = subjects(text, page.encode())
    statement = statement_text(facts, report, files, now)
    attestation = signed_envelope(signer, IN_TOTO, statement)
    manifest = manifest_text(str(row.id), (*files, Member(ATTESTATION, attestation)))
    members = bundle_members(text, page.encode(), manifest, attestation)
    return FrozenBundle(
        signed_at=now,
        signing_key_id=signer.key_id,
        markdown=page.encode(),
        manifest=manifest,
        attestation=attestation,
        size=archive_size(members),
        sha256=_sha256(members),
    )


def bundled(row: ReportRow, text: bytes, bundle: FrozenBundle) -> tuple[Member, ...]:
    """The files of a bundle, the same as when it was signed. Raises BundleBroken."""
    members = bundle_members(text, bundle.markdown, bundle.manifest, bundle.attestation)
    if _sha256(members) != bundle.sha256:
        raise BundleBroken(row.id, "its bytes are other than when it was signed")
    return members


def _sha256(members: Sequence[Member]) -> bytes:
    """Of the archive, which is never in memory as a whole."""
    digest = hashlib.sha256()
    for chunk in archive_chunks(members):
        digest.update(chunk)
    return digest.digest()


def bundle_meta(found: BundleSummary) -> EncodedJson:
    """What `get_bundle_meta` answers; the manifest has no line of itself, so one is added."""
    files = []
    if found.manifest is not None and found.manifest_sha256 is not None:
        files = json.loads(found.manifest)["files"]
        files.insert(
            2,
            {
                "name": MANIFEST,
                "size": len(found.manifest),
                "sha256": found.manifest_sha256.hex(),
            },
        )
    body = {
        "signed_at": found.signed_at,
        "signing_key_id": found.signing_key_id,
        "size": found.size,
        "sha256": None if found.sha256 is None else found.sha256.hex(),
        "files": files,
    }
    return EncodedJson(orjson.dumps(body, option=orjson.OPT_UTC_Z))
