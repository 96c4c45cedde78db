"""The conversation as the server holds it: asked through Gradio's own queue, without a browser."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from qa.config import Settings
from qa.labels import LABELS
from qa.types import Only
from qa.ui import QUESTION_LIMIT, starter_question, starter_titles, translations
from qa.web import create_app
from tests.browser.fakes import ARTICLES, FakeBot, make_article


@pytest.fixture(scope="module")
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture(scope="module")
def client(bot: FakeBot) -> Iterator[TestClient]:
    with TestClient(create_app(bot)) as client:
        yield client


class Session:
    """One browser's session: asks as the page does and gives the conversation it would show."""

    numbers = itertools.count()

    def __init__(self, client: TestClient, language: str = "en") -> None:
        self.client = client
        self.headers = {"accept-language": language}
        self.id = f"session{next(self.numbers)}"
        config = client.get("/config").json()
        shown = [c for c in config["components"] if c["props"].get("visible", True)]
        self.starters = [c["id"] for c in shown if c["props"].get("elem_classes") == ["qa-starter"]]
        self.titles = [c["props"]["value"] for c in shown if c["props"].get("elem_classes") == ["qa-starter"]]
        ids = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
        self.box, self.chat, self.everywhere_button = ids["qa-box"], ids["qa-chat"], ids["qa-everywhere"]
        self.listeners = config["dependencies"]
        #: First day, last day, outlets, as the fields of the page hold them.
        self.filter: list[Any] = []

    def ask(self, question: str, cut: str = "") -> list[str]:
        return self._run(self._listener(self.box), [question, None, cut, *(self.filter or ["", "", []])])

    def start(self, number: int) -> list[str]:
        return self._run(
            self._listener(self.starters[number]), [self.titles[number], None, *(self.filter or ["", "", []])]
        )

    def everywhere(self, question: str) -> list[str]:
        return self._run(self._listener(self.everywhere_button), [question, None])

    def _listener(self, component: int) -> dict[str, Any]:
        return next(each for each in self.listeners if component in [target for target, _ in each["targets"]])

    def _run(self, listener: dict[str, Any], data: list[Any]) -> list[str]:
        """What the conversation holds when the listener is done; [] where it left it alone."""
        sent = {"data": data, "fn_index": listener["id"], "session_hash": self.id}
        self.client.post("/gradio_api/queue/join", json=sent, headers=self.headers).raise_for_status()
        place, shown, failed = listener["outputs"].index(self.chat), [], False
        with self.client.stream("GET", f"/gradio_api/queue/data?session_hash={self.id}") as events:
            for line in events.iter_lines():
                event = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {"msg": ""}
                completed = event["msg"] == "process_completed"
                failed |= completed and not event["success"]
                # A generator's last event repeats its last one; that of a function is its only one.
                if event["msg"] == "process_generating" or (completed and not failed and not shown):
                    shown = patched(shown, event["output"]["data"][place])
        if failed:  # the browser then calls the listener for failures
            rescue = next(each for each in self.listeners if each["trigger_after"] == listener["id"])
            return self._run(rescue, [None])
        return shown


def patched(shown: list[str], change: Any) -> list[str]:
    """The messages after one event: Gradio sends the whole conversation first and differences afterwards."""
    messages = [{"content": [{"text": text}]} for text in shown]
    if isinstance(change, dict):  # an update without a value
        return shown
    if change and isinstance(change[0], list):
        for action, path, value in change:
            apply(messages, action, path, value)
    else:
        messages = change
    return [message["content"][0]["text"] for message in messages]


def apply(messages: list[Any], action: str, path: list[Any], value: Any) -> None:
    if not path:
        messages[:] = value
        return
    *way, last = path
    place: Any = messages
    for step in way:
        place = place[step]
    if action == "add":
        place.insert(last, value) if isinstance(place, list) else place.__setitem__(last, value)
    elif action in {"replace", "append"}:
        place[last] = place[last] + value if action == "append" else value
    elif action == "delete":
        del place[last]


def test_an_answer_joins_the_conversation(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    session = Session(client)
    first = session.ask("Wann wird die Fährbrücke gesperrt?")
    assert len(first) == 2
    assert "Fährbrücke gesperrt" in first[0]
    assert 'class="qa-cite"' in first[1]
    second = session.ask("Capital of Australia")
    assert second[:2] == first
    assert LABELS["en"].closest in unescape(second[3])
    assert caplog.records == []  # such as a task of Gradio's that ended in a deprecation warning


def test_the_filter_of_the_fields_goes_to_the_bot_and_onto_the_page(client: TestClient, bot: FakeBot) -> None:
    session = Session(client)
    session.filter = ["2025-03-01", "", ["Hafenbote"]]
    turn = unescape(session.ask("Wann wird die Fährbrücke gesperrt?")[-1])
    assert bot.filters[-1] == Only("2025-03-01", None, ("Hafenbote",))
    assert "Only articles: from 1 March 2025 · Hafenbote" in turn
    assert 'class="qa-everywhere" value="Wann wird die Fährbrücke gesperrt?"' in turn
    assert "Remove the filter and search all articles" in turn
    session.start(0)
    assert bot.filters[-1] == Only("2025-03-01", None, ("Hafenbote",))
    assert Session(client).ask("Capital of Australia")
    assert not bot.filters[-1]


def test_a_search_everywhere_has_no_filter(client: TestClient, bot: FakeBot) -> None:
    session = Session(client)
    session.filter = ["2026-01-01", "", []]
    turn = unescape(session.ask("Wann wird die Fährbrücke gesperrt?")[-1])
    assert "Search all" in turn
    assert 'class="qa-cite"' in session.everywhere("Wann wird die Fährbrücke gesperrt?")[-1]
    assert not bot.filters[-1]


def test_dates_in_the_wrong_order_are_told_in_one_line(client: TestClient) -> None:
    session = Session(client)
    session.filter = ["2025-03-02", "2025-03-01", []]
    told = "“Published from” (2 March 2025) lies after “Published until” (1 March 2025). Please swap them."
    assert told in unescape(session.ask("Was ist?")[-1])


@pytest.mark.parametrize("articles", [(), (make_article("a", "Ein Satz."),)])
def test_without_dates_and_outlets_there_is_no_filter(articles: tuple) -> None:
    with TestClient(create_app(FakeBot(articles))) as client:
        shown = [one for one in client.get("/config").json()["components"] if one["props"].get("visible", True)]
        ids = {one["props"].get("elem_id") for one in shown}
        assert "qa-box" in ids
        assert "qa-filter" not in ids
        assert len(Session(client).ask("Was ist?")) == 2


def test_only_the_fields_that_the_index_has_are_shown() -> None:
    with TestClient(create_app(FakeBot((make_article("a", "Ein Satz.", outlet="Hafenbote"),)))) as client:
        components = [one for one in client.get("/config").json()["components"] if one["props"].get("visible", True)]
        assert [
            one["props"]["choices"] for one in components if one["props"].get("elem_id") == "qa-filter-outlets"
        ] == [[["Hafenbote", "Hafenbote"]]]
        assert not [one for one in components if "qa-date" in (one["props"].get("elem_classes") or [])]


def test_two_browsers_do_not_see_each_other(client: TestClient) -> None:
    one, other = Session(client), Session(client)
    one.ask("Wann wird die Fährbrücke gesperrt?")
    assert len(other.ask("Where does the tram line go?")) == 2


def test_the_bot_is_told_the_earlier_questions_of_this_browser_alone(client: TestClient, bot: FakeBot) -> None:
    one, other = Session(client), Session(client)
    one.ask("Wann wird die Fährbrücke gesperrt?")
    one.ask("x" * (QUESTION_LIMIT + 1))
    other.ask("Where does the tram line go?")
    turn = one.ask("and <b>why</b>?")[-1]
    assert bot.histories[-3:] == [(), (), ("Wann wird die Fährbrücke gesperrt?",)]
    assert ">Wann wird die Fährbrücke gesperrt?: and <b>why</b>?</span>" in unescape(turn)
    assert "<b>" not in turn
    one.ask("Danke")
    assert bot.histories[-1] == ("Wann wird die Fährbrücke gesperrt?", "and <b>why</b>?")


def test_a_question_that_failed_and_a_starter_are_earlier_questions_too(client: TestClient, bot: FakeBot) -> None:
    session = Session(client, "en")
    title = unescape(session.start(1)[0])
    session.ask("RuntimeError")
    session.ask("and then?")
    assert [question in title for question in bot.histories[-1][:1]] == [True]
    assert bot.histories[-1][1:] == ("RuntimeError",)


def test_the_interface_follows_the_browser_and_the_answer_the_question(client: TestClient) -> None:
    turn = Session(client, "de-DE,de;q=0.9").ask("Capital of Australia")[1]
    assert "The articles do not say" in turn
    assert LABELS["de"].closest in unescape(turn)


def test_a_question_beyond_the_limit_is_refused_by_the_server(client: TestClient, bot: FakeBot) -> None:
    asked = len(bot.asked)
    turns = Session(client).ask("x" * (QUESTION_LIMIT + 1))
    assert f"{QUESTION_LIMIT + 1} characters" in turns[1]
    assert len(bot.asked) == asked
    assert len(Session(client).ask("x" * QUESTION_LIMIT)) == 2
    assert len(bot.asked) == asked + 1


@pytest.mark.parametrize("empty", ["", " \n\t "])
def test_an_empty_question_is_no_turn(client: TestClient, bot: FakeBot, empty: str) -> None:
    asked = len(bot.asked)
    assert Session(client).ask(empty) == []
    assert len(bot.asked) == asked


def test_an_error_of_the_bot_is_one_line_with_what_mends_it(client: TestClient) -> None:
    turn = Session(client).ask("QAError")[1]
    assert "The index is damaged - qa build" in unescape(turn)


def test_an_unexpected_error_is_told_without_its_detail_and_the_next_question_works(client: TestClient) -> None:
    session = Session(client)
    turns = session.ask("RuntimeError")
    assert "secret" not in "".join(turns)
    assert "log has the reason" in turns[1]
    assert 'class="qa-cite"' in session.ask("Wann wird die Fährbrücke gesperrt?")[3]


@pytest.mark.parametrize(("language", "asked"), [("de", "Worum geht es in"), ("en", "What is")])
def test_a_starter_asks_about_its_article(client: TestClient, language: str, asked: str) -> None:
    turns = Session(client, language).start(1)
    assert asked in turns[0]
    assert "Sieben Eulenpaare im Moor" in turns[0]
    assert len(turns) == 2


def test_starters_are_the_first_different_titles() -> None:
    articles = [make_article(str(n), "T", title=title) for n, title in enumerate(["A", None, "B", "A", "C", "D", "E"])]
    assert starter_titles(tuple(articles)) == ("A", "B", "C", "D")
    assert starter_titles(()) == ()


def test_an_edited_question_takes_the_place_of_the_earlier_one(client: TestClient, bot: FakeBot) -> None:
    session = Session(client)
    first = session.ask("Wann wird die Fährbrücke gesperrt?")
    session.ask("Where does the tram line go?")
    assert 'value="1"' in session.ask("Where does the tram line go?", "1")[2]
    turns = session.ask("Capital of Australia", "1")
    assert turns[:2] == first
    assert len(turns) == 4
    assert bot.histories[-1] == ("Wann wird die Fährbrücke gesperrt?",)
    assert len(session.ask("Capital of Australia", "0")) == 2
    for nothing in ("9", "-1", "x", "²", "9" * 5000):
        before = len(session.ask("Capital of Australia"))
        assert len(session.ask("Capital of Australia", nothing)) == before + 2


def test_a_title_that_is_a_question_is_asked_as_it_is() -> None:
    assert starter_question("Was nun?", "Worum geht es in „{title}“?") == "Was nun?"
    assert starter_question("{x} nun", "Worum geht es in „{title}“?") == "Worum geht es in „{x} nun“?"


def test_the_page_without_articles_has_no_starters() -> None:
    with TestClient(create_app(FakeBot(()))) as client:
        session = Session(client)
        assert session.starters == []
        assert "Es ist noch kein Artikel da" in session.ask("Was ist los?")[1]


def test_the_browser_gets_every_text_in_both_languages() -> None:
    texts = translations(len(ARTICLES)).translations_dict
    assert texts["de"].keys() == texts["en"].keys()
    assert "3 Artikeln" in texts["de"]["tagline"]


def test_the_page_says_when_questions_are_logged(client: TestClient) -> None:
    def notes(asked: TestClient) -> list[Any]:
        parts = asked.get("/config").json()["components"]
        return [part for part in parts if part["props"].get("elem_id") == "qa-logged"]

    assert notes(client) == []
    logged = TestClient(create_app(FakeBot(), settings=Settings(log_questions=True, hosts=("testserver",))))
    assert len(notes(logged)) == 1
