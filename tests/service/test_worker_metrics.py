"""Metrics of the queue where the database can't be asked."""

from prometheus_client import CollectorRegistry, generate_latest

from db.session import Database
from service.worker_metrics import QueueState


def test_an_unreachable_queue_is_told_of_and_its_depth_left_out() -> None:
    database = Database("postgresql+psycopg2://nobody@127.0.0.1:1/none", pool_timeout=1)
    registry = CollectorRegistry()
    registry.register(QueueState(database, frozenset({"seal_journal"})))
    text = generate_latest(registry).decode()
    database.close()
    assert "collector_job_queue_reachable 0.0" in text
    assert "collector_jobs" not in text
