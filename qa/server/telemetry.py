"""Measurements in the Prometheus format. They hold counts and times: no question, no answer, no name of a client."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from qa.reload import ReloadState
    from qa.types import Answer
    from qa.watch import WatchState

#: Upper ends of the histogram's classes, in seconds: a question over five articles takes 6 ms, a time limit is 30 s.
BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class IndexState:
    """The index in use: its name and when it was built (UTC, ISO 8601), or None; how many articles it holds."""

    index_id: str | None
    built: str | None
    articles: int


class _Follower:
    """Reports what became of the published indexes, asking for it whenever the measurements are read."""

    def __init__(self, current: Callable[[], ReloadState]) -> None:
        self._current = current

    def collect(self) -> Iterator[Metric]:
        state = self._current()
        loads = CounterMetricFamily(
            "article_qa_index_loads", "Newly published indexes, by what became of them.", labels=["result"]
        )
        loads.add_metric(["loaded"], state.loaded)
        loads.add_metric(["refused"], state.refused)
        yield loads
        yield GaugeMetricFamily(
            "article_qa_index_refused",
            "1 while the published index cannot be used.",
            value=state.error is not None,
        )


class _Builds:
    """Reports what became of the builds that a changed folder of articles called for."""

    def __init__(self, current: Callable[[], WatchState]) -> None:
        self._current = current

    def collect(self) -> Iterator[Metric]:
        state = self._current()
        builds = CounterMetricFamily(
            "article_qa_builds", "Builds after a change of the articles, by what became of them.", labels=["result"]
        )
        builds.add_metric(["built"], state.built)
        builds.add_metric(["failed"], state.failed)
        yield builds


class Telemetry:
    """The measurements of one server, in a registry of their own: several servers in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._questions = Counter(
            "article_qa_questions",
            "Questions by the way they came in (page, api, mcp) and what became of them.",
            ["way", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "article_qa_question_seconds",
            "Time from a question's arrival to its answer, waiting included.",
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._stages = Histogram(
            "article_qa_stage_seconds",
            "Time by stage of answering.",
            ["stage"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._errors = Counter(
            "article_qa_errors", "Replies with a status of 400 and more.", ["status"], registry=self.registry
        )
        self._current: Callable[[], IndexState] | None = None
        self._index = Gauge("article_qa_index_info", "1 for the index in use.", ["index_id"], registry=self.registry)
        self._age = Gauge(
            "article_qa_index_age_seconds", "Time since the index was built; NaN without one.", registry=self.registry
        )
        self._articles = Gauge("article_qa_articles", "Articles in the index.", registry=self.registry)
        ProcessCollector(registry=self.registry)

    def watch_queue(self, taken: Callable[[], int]) -> None:
        """Report how many questions are being answered or wait, as ``taken`` counts them."""
        gauge = Gauge("article_qa_questions_taken", "Questions being answered or waiting.", registry=self.registry)
        gauge.set_function(taken)

    def watch_index(self, current: Callable[[], IndexState]) -> None:
        """Report the index in use, asking for it whenever the measurements are read."""
        self._current = current

    def watch_reloads(self, current: Callable[[], ReloadState]) -> None:
        """Report what became of the indexes that were published while the server ran."""
        self.registry.register(_Follower(current))

    def watch_builds(self, current: Callable[[], WatchState]) -> None:
        """Report what became of the builds after changes of the articles."""
        self.registry.register(_Builds(current))

    def answered(self, way: str, answer: Answer, seconds: float) -> None:
        """Count a question that got its answer, or an abstention."""
        self._questions.labels(way, answer.status).inc()
        self._seconds.observe(seconds)
        self._stages_of(answer.timings_ms)

    def failed(self, way: str, why: str) -> None:
        """Count a question that got none: ``busy``, ``time-limit``, ``gone`` (whoever asked) or ``error``."""
        self._questions.labels(way, why).inc()

    def replied(self, status: int) -> None:
        """Count an HTTP reply, if it tells of an error."""
        if status >= 400:  # noqa: PLR2004 - where the errors of HTTP begin
            self._errors.labels(str(status)).inc()

    def render(self) -> bytes:
        """All measurements in the text format of Prometheus."""
        if self._current is not None:
            state = self._current()
            self._index.clear()
            if state.index_id is not None:
                self._index.labels(state.index_id).set(1)
            built = None if state.built is None else datetime.fromisoformat(state.built).timestamp()
            self._age.set(math.nan if built is None else time.time() - built)
            self._articles.set(state.articles)
        return generate_latest(self.registry)

    def _stages_of(self, timings_ms: Mapping[str, float]) -> None:
        for stage, ms in timings_ms.items():
            if stage != "total":
                self._stages.labels(stage).observe(ms / 1000)
