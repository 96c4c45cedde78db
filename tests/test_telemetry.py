from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from qa.reload import ReloadState
from qa.server.telemetry import IndexState, Telemetry
from qa.watch import WatchState


def test_the_index_in_use_and_its_age_are_shown() -> None:
    telemetry = Telemetry()
    built = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
    states = [IndexState("20250314-fake", built, 3), IndexState("20250401-other", built, 4)]
    telemetry.watch_index(lambda: states.pop(0))
    value = telemetry.registry.get_sample_value
    telemetry.render()
    assert value("article_qa_index_info", {"index_id": "20250314-fake"}) == 1
    assert value("article_qa_index_age_seconds") == pytest.approx(60, abs=30)
    assert value("article_qa_articles") == 3
    telemetry.render()
    assert value("article_qa_index_info", {"index_id": "20250314-fake"}) is None
    assert value("article_qa_index_info", {"index_id": "20250401-other"}) == 1


def test_without_an_index_there_is_no_age() -> None:
    telemetry = Telemetry()
    telemetry.watch_index(lambda: IndexState(None, None, 0))
    assert "article_qa_index_age_seconds NaN" in telemetry.render().decode()


def test_only_errors_are_counted_by_status() -> None:
    telemetry = Telemetry()
    for status in (200, 304, 404, 404, 500):
        telemetry.replied(status)
    shown = telemetry.render().decode()
    assert 'article_qa_errors_total{status="404"} 2.0' in shown
    assert 'status="200"' not in shown


def test_servers_in_one_process_do_not_mix() -> None:
    one, other = Telemetry(), Telemetry()
    one.replied(500)
    assert other.registry.get_sample_value("article_qa_errors_total", {"status": "500"}) is None


def test_what_became_of_indexes_and_builds_is_shown() -> None:
    telemetry = Telemetry()
    reloads = [ReloadState("it is damaged", loaded=3, refused=1), ReloadState(None, loaded=4, refused=1)]
    telemetry.watch_reloads(lambda: reloads[0])
    telemetry.watch_builds(lambda: WatchState(built=2, failed=5))
    value = telemetry.registry.get_sample_value
    assert value("article_qa_index_loads_total", {"result": "loaded"}) == 3
    assert value("article_qa_index_loads_total", {"result": "refused"}) == 1
    assert value("article_qa_index_refused") == 1
    assert value("article_qa_builds_total", {"result": "built"}) == 2
    assert value("article_qa_builds_total", {"result": "failed"}) == 5
    del reloads[0]
    assert value("article_qa_index_refused") == 0
