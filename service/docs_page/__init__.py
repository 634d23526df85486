"""The documentation page: Swagger UI 5.35.0 (Apache-2.0), kept here so that it works offline.

The files in `assets/` are those of the npm package swagger-ui-dist, their source map references
removed; docs.js and docs.css are ours.
"""

from importlib.resources import files
from typing import Final

from handlers.health import PublicFiles

ASSETS: Final = ("docs.css", "docs.js", "swagger-ui.css", "swagger-ui-bundle.js")

# Swagger UI styles elements inline; everything else comes from this service alone.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


def public_files(contract: bytes) -> PublicFiles:
    """What the service shows everyone, read once at start."""
    here = files(__name__)
    return PublicFiles(
        contract=contract,
        docs_page=here.joinpath("docs.html").read_bytes(),
        docs_policy=CONTENT_SECURITY_POLICY,
        docs_assets={name: here.joinpath("assets", name).read_bytes() for name in ASSETS},
    )
