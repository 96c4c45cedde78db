from __future__ import annotations

import time

import pytest

from qa.server.telemetry import Telemetry


def test_the_index_and_its_age_are_shown() -> None:
    telemetry = Telemetry()
    telemetry.watch_index("20250314-fake", time.time() - 60, lambda: 3)
    value = telemetry.registry.get_sample_value
    assert value("article_qa_index_info", {"index_id": "20250314-fake"}) == 1
    assert value("article_qa_index_age_seconds") == pytest.approx(60, abs=30)
    assert value("article_qa_articles") == 3


def test_without_an_index_there_is_no_age() -> None:
    telemetry = Telemetry()
    telemetry.watch_index(None, None, lambda: 0)
    assert telemetry.registry.get_sample_value("article_qa_index_age_seconds") is None


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
