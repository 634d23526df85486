"""The documentation page in a real browser: it renders, stays with its own origin, and works."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ci.browser.chromium import Page, chromium
from generated.operations import OPERATIONS
from tests.e2e.service_process import Service, clean_environment, running, short_folder

LIST = "#operations-reports-list_reports"
INGEST = "#operations-ingest-ingest_qc"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with short_folder() as folder:
        settings = clean_environment(COLLECTOR_HOME=str(folder / "home"), DRAIN_SECONDS="0")
        with running("up", settings, folder / "log") as started:
            yield started


@pytest.fixture
def page(service: Service, tmp_path: Path) -> Iterator[Page]:
    """The page, once it shows every operation; checked for complaints at the end."""
    profile = tmp_path / "profile"
    profile.mkdir()
    with chromium(profile) as opened:
        opened.open(f"{service.url}/docs")
        opened.wait_for(
            f"document.querySelectorAll('.opblock').length === {len(OPERATIONS)}",
            "every operation to be shown",
        )
        yield opened
        assert opened.complaints == []
        origins = {urlsplit(url)[:2] for url in opened.requested if not url.startswith("data:")}
        assert origins == {urlsplit(service.url)[:2]}


def test_every_operation_is_shown_with_its_summary(page: Page) -> None:
    for operation in OPERATIONS.values():
        block = f"#operations-{operation.tag}-{operation.id}"
        shown = page.evaluate(f"document.querySelector('{block} .opblock-summary').textContent")
        assert operation.method in shown
        # Swagger UI breaks long paths with invisible spaces.
        assert operation.path in shown.replace("\u200b", "")
    path = os.environ.get("DOCS_SCREENSHOT")
    if path:
        page.save_screenshot(Path(path))


def test_requests_sent_from_the_page_work_with_a_key(page: Page, service: Service) -> None:
    authorize(page, service.keys["operator"], "demo")
    assert send(page, INGEST) == "201"
    assert send(page, LIST) == "200"
    listed = page.evaluate(f"document.querySelector('{LIST} .live-responses-table').textContent")
    assert "next_page_token" in listed


def test_a_request_without_a_key_shows_the_problem(page: Page) -> None:
    assert send(page, LIST) == "401"
    shown = page.evaluate(f"document.querySelector('{LIST} .live-responses-table').textContent")
    assert "/problems/unauthenticated" in shown
    # The browser's console reports each refused request; this one was meant.
    assert [each for each in page.complaints if "401" not in each] == []
    page.complaints.clear()


def authorize(page: Page, key: str, tenant: str) -> None:
    """Fills the page's form for credentials, one scheme after the other."""
    page.click(".btn.authorize")
    for place, value in enumerate((key, tenant), start=1):
        form = f".auth-container:nth-child({place})"
        page.type_into(f"{form} input", value)
        page.click(f"{form} .btn.authorize")
        page.wait_for(
            f"document.querySelector('{form}').textContent.includes('******')",
            "the credential to be taken",
        )
    page.click(".btn-done")


def send(page: Page, operation: str) -> str:
    """Opens an operation, executes its example, and reads the status of the answer."""
    page.click(f"{operation} .opblock-summary-control")
    # Until its responses are shown, Swagger UI hasn't looked the operation up yet.
    page.wait_for(f"!!document.querySelector('{operation} .responses-table')", "the responses")
    page.click(f"{operation} .btn.execute")
    selector = f"{operation} .live-responses-table .response .response-col_status"
    status = page.wait_for(
        f"document.querySelector({selector!r})?.firstChild?.textContent", "the answer"
    )
    return str(status)
