"""What must not be in a log is found there, and not repeated."""

from pathlib import Path

from ci.fuzzing.logs import log_findings, logs_below

_HIDDEN = ["secret-key", "canary1"]


def test_log_that_holds_nothing_hidden_and_no_error_has_no_findings() -> None:
    logs = {"log": '{"level":"info","status":422}\n{"level": "warning"}\n'}
    assert log_findings(logs, _HIDDEN) == []


def test_hidden_string_is_found_by_its_line_and_not_repeated() -> None:
    found = log_findings({"log": "fine\nGET /?a=canary12\n", "db": "key=secret-key"}, _HIDDEN)
    assert [each.partition(":")[0] for each in found] == ["log, line 2", "db, line 1"]
    assert not any(hidden in each for each in found for hidden in _HIDDEN)


def test_error_of_the_service_is_found_and_told() -> None:
    for line in ('{"level":"error","operation":"x"}', '{"event": "y", "level": "error"}'):
        [found] = log_findings({"log": line}, _HIDDEN)
        assert line in found


def test_logs_of_service_and_database_are_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("one")
    cluster = tmp_path / "home" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "server.log").write_text("two")
    assert logs_below(tmp_path) == {"log": "one", "home/cluster/server.log": "two"}
