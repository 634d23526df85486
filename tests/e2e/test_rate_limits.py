"""Rate limits of a running collector, as its operator sets them and `collector push` meets them."""

from pathlib import Path

import pytest

from tests.e2e.service_process import ROOT, clean_environment, run_collector, running

SAMPLES = ROOT / "tests" / "samples"


@pytest.mark.parametrize(("workers", "is_said"), [("2", True), ("1", False)])
def test_the_start_says_when_limits_are_counted_by_each_process(
    folder: Path, environment: dict[str, str], workers: str, is_said: bool
) -> None:
    with running("up", {**environment, "WORKERS": workers}, folder / "log") as service:
        said = "each of the 2 processes for itself" in service.log()
        assert said == is_said
        assert ("REDIS_URL" in service.log()) == is_said


def test_push_waits_as_it_is_told_and_stores_every_file(
    folder: Path, environment: dict[str, str]
) -> None:
    limited = {**environment, "RATE_LIMIT_KEY_WRITES": "1/second"}
    files = [str(SAMPLES / "junit_pytest.xml")] * 4
    with running("up", limited, folder / "log") as service:
        settings = clean_environment(
            COLLECTOR_URL=service.url, API_KEY=service.keys["operator"], TENANT_ID="demo"
        )
        ended = run_collector("push", *files, environment=settings)
        assert ended.returncode == 0, ended.stderr
        assert len(ended.stdout.splitlines()) == len(files)
        with service.client("viewer") as client:
            page = client.get("/reports", params={"include_total": True}).json()
        assert page["total"]["count"] == len(files)
        assert service.log().count("rate-limit-exceeded") >= 2


def test_limits_can_be_off(folder: Path, environment: dict[str, str]) -> None:
    unlimited = {"RATE_LIMIT_KEY_READS": "off", "RATE_LIMIT_TENANT_READS": "off"}
    with running("up", {**environment, **unlimited}, folder / "log") as service:
        with service.client("operator") as client:
            assert "RateLimit" not in client.get("/reports").headers
            posted = client.post("/ingest/qc", json={"status": {"api": "pass"}})
        assert '"key-writes";r=5999;t=60' in posted.headers["RateLimit"]


def test_a_limit_that_is_none_stops_the_start(environment: dict[str, str]) -> None:
    ended = run_collector("up", environment={**environment, "RATE_LIMIT_KEY_READS": "lots"})
    assert ended.returncode == 1
    assert "RATE_LIMIT_KEY_READS: write a number and" in ended.stderr


def test_a_redis_that_is_not_there_costs_nobody_an_answer(
    folder: Path, environment: dict[str, str]
) -> None:
    password = "redis-password"
    nowhere = {"REDIS_URL": f"redis://:{password}@127.0.0.1:1/0", "WORKERS": "2"}
    with running("up", {**environment, **nowhere}, folder / "log") as service:
        with service.client("viewer") as client:
            answers = [client.get("/reports") for _ in range(20)]
        assert [answer.status_code for answer in answers] == [200] * 20
        assert all("key-reads" in answer.headers["RateLimit"] for answer in answers)
        assert 1 <= service.log().count("rate_limits_not_shared") <= 2
        assert password not in service.log() + service.printed
