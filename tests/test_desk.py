from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError

import pytest

from qa.config import Settings
from qa.errors import BusyError, QAError, TimeLimitError
from qa.server import desk as desks
from qa.server.desk import LOG, Desk, Query
from qa.server.telemetry import Telemetry
from qa.types import Answer, Only
from tests.browser.fakes import FakeBot


class SlowBot(FakeBot):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def ask(self, question: str, top: int = 4, history: object = (), only: Only | None = None) -> Answer:
        assert self.go.wait(30)
        return super().ask(question, top)


@pytest.fixture
def bot() -> Iterator[SlowBot]:
    bot = SlowBot()
    yield bot
    bot.go.set()


def desk(bot: FakeBot, **settings: object) -> Desk:
    return Desk(bot, Settings(**settings), Telemetry())


def value(desk: Desk, name: str, **labels: str) -> float | None:
    return desk._telemetry.registry.get_sample_value(name, labels)


def test_a_question_goes_to_the_bot_with_the_settings_top() -> None:
    bot = FakeBot()
    asked = desk(bot, top=1).ask("Wann wird die Fährbrücke gesperrt?", history=["Was?"])
    assert len(asked.citations) == 1
    assert bot.histories == [("Was?",)]
    assert len(desk(bot, top=1).ask("Wann wird die Fährbrücke gesperrt?", top=3).citations) > 1


def test_when_all_places_and_the_queue_are_taken_it_says_busy(bot: SlowBot) -> None:
    one = desk(bot, concurrent=1, waiting=1)
    first, second = one.submit(Query("tram line"), "api"), one.submit(Query("tram line"), "api")
    with pytest.raises(BusyError, match="please ask again in 2 seconds"):
        one.submit(Query("tram line"), "api")
    assert value(one, "article_qa_questions_taken") == 2
    assert value(one, "article_qa_questions_total", way="api", status="busy") == 1
    bot.go.set()
    assert first.future.result(30).status == second.future.result(30).status == "answered"
    assert one.ask("tram line").status == "answered"
    assert value(one, "article_qa_questions_taken") == 0


def test_a_question_that_takes_too_long_is_told_so_and_keeps_its_place(bot: SlowBot) -> None:
    one = desk(bot, concurrent=1, waiting=0, answer_seconds=0.1)
    with pytest.raises(TimeLimitError, match=r"No answer within 0\.1 seconds"):
        one.ask("tram line")
    with pytest.raises(BusyError):
        one.ask("tram line")
    assert value(one, "article_qa_questions_total", way="page", status="time-limit") == 1


def test_a_question_given_up_while_it_waited_is_not_asked(bot: SlowBot) -> None:
    one = desk(bot, concurrent=1, waiting=1, answer_seconds=0.1)
    first = one.submit(Query("first"), "api")
    with pytest.raises(TimeLimitError):
        one.ask("second")
    bot.go.set()
    first.future.result(30)
    one.close()
    assert bot.asked == ["first"]


def test_errors_of_the_bot_reach_whoever_asked() -> None:
    one = desk(FakeBot())
    with pytest.raises(QAError, match="The index is damaged"):
        one.ask("QAError")
    with pytest.raises(RuntimeError):
        one.ask("RuntimeError")
    assert value(one, "article_qa_questions_total", way="page", status="error") == 2
    assert value(one, "article_qa_questions_taken") == 0


def test_it_works_again_after_it_was_closed() -> None:
    one = desk(FakeBot())
    one.ask("tram line")
    one.close()
    assert one.ask("tram line").status == "answered"


def test_questions_are_not_logged_unless_it_is_set(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        desk(FakeBot()).ask("tram line ünd")
    assert "tram line" not in caplog.text
    with caplog.at_level(logging.INFO, logger=LOG.name):
        desk(FakeBot(), log_questions=True).ask("tram line ünd")
    logged = json.loads(caplog.messages[-1])
    assert (logged["question"], logged["way"], logged["status"]) == ("tram line ünd", "page", "answered")


def test_the_log_goes_to_standard_error(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("handlers", "propagate", "level"):
        monkeypatch.setattr(LOG, name, getattr(LOG, name))
    desks.log_questions()
    desk(FakeBot(), log_questions=True).ask("tram line")
    assert '"question": "tram line"' in capfd.readouterr().err


def test_measurements_hold_nothing_of_a_question() -> None:
    one = desk(FakeBot())
    one.ask("tram line zebra")
    shown = one._telemetry.render().decode()
    assert "zebra" not in shown
    assert 'article_qa_questions_total{status="answered",way="page"} 1.0' in shown
    assert 'article_qa_stage_seconds_count{stage="retrieve"} 1.0' in shown


def test_a_filter_is_passed_on() -> None:
    bot = FakeBot()
    desk(bot).submit(Query("tram line", since="2024", outlets=("Hafenbote",)), "api").future.result(30)
    desk(bot).ask("tram line", only=Only(until="2024-10"))
    desk(bot).ask("tram line")
    assert bot.filters == [Only("2024", None, ("Hafenbote",)), Only(None, "2024-10"), Only()]


def test_steps_are_told_as_they_come() -> None:
    told: list[Answer] = []
    final = desk(FakeBot()).submit(Query("tram line"), "api", told.append).future.result(30)
    assert told == [final]


def test_the_page_gets_an_answer_as_it_grows_and_may_leave() -> None:
    one = desk(FakeBot())
    assert [answer.status for answer in one.answering("tram line")] == ["answered"]
    steps = one.answering("tram line")
    next(steps)
    steps.close()
    one.close()
    assert value(one, "article_qa_questions_total", way="page", status="time-limit") is None


class WritingBot(FakeBot):
    """Finds quotes when it is told to, and writes when all do."""

    def __init__(self, writers: int) -> None:
        super().__init__()
        self.began = threading.Semaphore(0)
        self.find = threading.Semaphore(0)
        self.seeking: list[int] = []
        self.now = 0
        self.lock = threading.Lock()
        self.writing = threading.Barrier(writers, timeout=30)

    def answering(
        self, question: str, top: int = 4, history: Sequence[str] = (), only: Only | None = None
    ) -> Iterator[Answer]:
        with self.lock:
            self.now += 1
            self.seeking.append(self.now)
        self.began.release()
        assert self.find.acquire(timeout=30)
        with self.lock:
            self.now -= 1
        yield super().ask(question, top)
        self.writing.wait()
        yield super().ask(question, top)


def test_few_are_sought_at_once_while_all_places_may_write() -> None:
    bot = WritingBot(5)
    one = desk(bot, concurrent=5, waiting=0)
    tickets = [one.submit(Query("tram line"), "api") for _ in range(5)]
    bot.find.release(5)
    assert {ticket.future.result(30).status for ticket in tickets} == {"answered"}
    assert max(bot.seeking) <= desks.SOUGHT_AT_ONCE
    assert len(bot.seeking) == 5


def test_who_goes_away_takes_nobodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "SOUGHT_AT_ONCE", 1)
    bot = WritingBot(1)
    one = desk(bot, concurrent=2, waiting=1)
    tickets = [one.submit(Query("tram line"), "api")]
    assert bot.began.acquire(timeout=30)
    tickets += [one.submit(Query(text), "api") for text in ("second", "third")]
    for ticket in tickets[1:]:
        one.gone(ticket, "api")
    assert tickets[2].future.cancelled()
    bot.find.release(3)
    assert tickets[0].future.result(30).status == "answered"
    with pytest.raises(CancelledError):
        tickets[1].future.result(30)
    one.ask("tram line")
    assert set(bot.asked) == {"tram line"}
    assert value(one, "article_qa_questions_taken") == 0
    assert value(one, "article_qa_questions_total", way="api", status="gone") == 2
    assert value(one, "article_qa_questions_total", way="api", status="error") is None
