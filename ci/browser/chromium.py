"""Drives a headless Chromium over its DevTools protocol, and keeps what it saw.

https://chromedevtools.github.io/devtools-protocol/. Asks nothing of the network but the pages
that a test opens.
"""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from websockets.sync.client import ClientConnection, connect

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    "--window-size=1280,1600",
)
START_SECONDS: Final = 40.0
DOMAINS: Final = ("Page", "Network", "Runtime", "Log", "Audits")


@dataclass(slots=True)
class Page:
    """One tab. `requested` are URLs it asked for, `complaints` what its console would show."""

    connection: ClientConnection
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _last_id: int = 0

    def command(self, method: str, **parameters: Any) -> Any:
        """Sends one command and waits for its result, noting every event on the way."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        self.connection.send(json.dumps(message))
        while True:
            answer = json.loads(self.connection.recv(timeout=30))
            if answer.get("id") == self._last_id:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(told["request"]["url"])
            case "Network.loadingFailed" if not told.get("canceled"):
                self.complaints.append(f"loading failed: {told['errorText']}")
            case "Runtime.exceptionThrown":
                self.complaints.append(f"exception: {told['exceptionDetails']['text']}")
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "assert"):
                self.complaints.append(f"console: {told['args']}")
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.complaints.append(f"log: {told['entry']['text']}")
            case "Audits.issueAdded" if "contentSecurityPolicy" in str(told["issue"]["details"]):
                self.complaints.append(f"policy: {told['issue']['details']}")

    def open(self, url: str) -> None:
        for domain in DOMAINS:
            self.command(f"{domain}.enable")
        self.command("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """The JSON value of a JavaScript expression in the page."""
        answer = self.command("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str, what: str, seconds: float = 30) -> Any:
        """The expression's value, as soon as it is truthy."""
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(script)):
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.05)
        return value

    def click(self, selector: str) -> None:
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait_for(f"!!{found}", f"{selector} to be there")
        self.evaluate(f"{found}.click()")

    def type_into(self, selector: str, text: str) -> None:
        """Sets a field as typing does: React listens to the event, not to the property."""
        self.click(selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.command("Input.insertText", text=text)

    def save_screenshot(self, path: Path) -> None:
        shot = self.command("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A tab of a new Chromium that keeps everything in the new folder `profile`."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, f"none of {', '.join(PROGRAMS)} is installed; ci/e2e installs chromium"
    command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with (profile.parent / "chromium.log").open("wb") as log:
        browser = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with connect(_page_address(profile, browser), max_size=None) as connection:
            yield Page(connection)
    finally:
        browser.terminate()
        browser.wait(timeout=30)


def _page_address(profile: Path, browser: subprocess.Popen[bytes]) -> str:
    """Chromium writes the port it chose to a file in its profile."""
    file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    while not file.exists() or not file.read_text():
        assert browser.poll() is None, f"Chromium ended with {browser.returncode}; see its log"
        assert time.monotonic() < deadline, f"Chromium was not up within {START_SECONDS:.0f} s"
        time.sleep(0.05)
    port = file.read_text().splitlines()[0]
    targets = httpx2.get(f"http://127.0.0.1:{port}/json/list", timeout=10).json()
    address: str = next(each["webSocketDebuggerUrl"] for each in targets if each["type"] == "page")
    return address
