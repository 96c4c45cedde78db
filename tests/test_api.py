from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from qa.config import Settings
from qa.server import api
from qa.server.desk import Desk, Query, Ticket
from qa.server.door import CLIENT
from qa.server.models import AskRequest
from qa.types import Answer
from qa.web import create_app
from tests.browser.fakes import ARTICLES, HOSTILE, FakeBot, make_article
from tests.loops import run
from tests.sites import site
from tests.test_desk import SlowBot

QUESTION = "Wann wird die Fährbrücke gesperrt?"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with site(rate=1_000_000, rate_all=1_000_000, max_history=2) as client:
        yield client


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_an_answer_is_that_of_the_command_line(client: TestClient) -> None:
    reply = client.post("/api/ask", json={"question": QUESTION, "top": 2})
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    answer, wanted = reply.json(), FakeBot().ask(QUESTION, top=2).to_dict()
    assert answer == json.loads(json.dumps(wanted))
    text = {article.id: article.text for article in ARTICLES}
    for citation in answer["citations"]:
        assert text[citation["article_id"]][citation["start"] : citation["end"]] == citation["quote"]


def test_an_abstention_is_an_answer(client: TestClient) -> None:
    reply = client.post("/api/ask", json={"question": "Capital of Australia?"})
    assert (reply.status_code, reply.json()["status"]) == (200, "abstained")


def test_history_reaches_the_bot_and_has_its_limit(client: TestClient) -> None:
    answer = client.post("/api/ask", json={"question": "and when?", "history": ["The tram line?"]}).json()
    assert answer["searched_for"] == "The tram line?: and when?"
    refused = client.post("/api/ask", json={"question": "x", "history": ["a", "b", "c"]})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"at": "body.history", "message": "it may have at most 2 questions"}]


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({}, "body.question"),
        ({"question": ""}, "body.question"),
        ({"question": " \n"}, "body.question"),
        ({"question": "x" * 2001}, "body.question"),
        ({"question": 7}, "body.question"),
        ({"question": "\ud800"}, "body.question"),
        ({"question": "x", "top": 0}, "body.top"),
        ({"question": "x", "top": 21}, "body.top"),
        ({"question": "x", "since": "yesterday"}, "body.since"),
        ({"question": "x", "since": "2024-13"}, "body.since"),
        ({"question": "x", "until": "2023-02-29"}, "body.until"),
        ({"question": "x", "since": "0000"}, "body.since"),
        ({"question": "x", "since": "2024-11", "until": "2024-10-31"}, "body"),
        ({"question": "x", "history": ["y" * 2001]}, "body.history.0"),
        ({"question": "x", "outlet": ""}, "body.outlet.0"),
        ({"question": "x", "outlet": 7}, "body.outlet"),
        ({"question": "x", "outlet": ["y"] * 51}, "body.outlet"),
        ({"question": "x", "treshold": 1}, "body.treshold"),
        ({"question": "x", "\ud800": 1}, "body"),
        ([], "body"),
    ],
)
def test_a_value_that_cannot_be_is_named(client: TestClient, body: object, at: str) -> None:
    reply = client.post("/api/ask", content=json.dumps(body), headers={"content-type": "application/json"})
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["type"] == "/problems/invalid"
    assert at in {error["at"] for error in problem["errors"]}


@pytest.mark.parametrize(
    "dates",
    [{"since": "2024-10", "until": "2024-10-31"}, {"since": "2024-10-24", "until": "2024"}, {"until": "2024-02"}],
)
def test_dates_of_any_precision_are_in_order(dates: dict[str, str]) -> None:
    query = AskRequest(question="x", outlet="Hafenbote", **dates).query()
    assert (query.since, query.until) == (dates.get("since"), dates.get("until"))
    assert query.outlets == ("Hafenbote",)
    assert AskRequest(question="x", outlet=["A", "B"]).query().outlets == ("A", "B")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 5000, b'"\x00"', b"NaN"])
def test_what_is_not_json_is_no_server_error(client: TestClient, content: bytes) -> None:
    for kind in ("application/json", "text/plain", "multipart/form-data"):
        reply = client.post("/api/ask", content=content, headers={"content-type": kind})
        assert reply.status_code in {400, 422}
        assert reply.headers["content-type"] == "application/problem+json"


def test_a_stream_brings_evidence_then_the_answer(client: TestClient) -> None:
    reply = client.post("/api/ask", json={"question": QUESTION, "stream": True})
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    assert [name for name, _ in events(reply.text)] == ["evidence", "answer"]
    plain = client.post("/api/ask", json={"question": QUESTION}).json()
    assert all(data == plain for _, data in events(reply.text))


class GrowingDesk(Desk):
    """Gives an answer in three steps, as a bot with a writer does."""

    def _last(self, query: Query, tell: Callable[[Answer], object] | None, given_up: threading.Event) -> Answer:
        answer = super()._last(query, None, given_up)
        for confidence in (0.1, 0.2, 0.3):
            answer = replace(answer, confidence=confidence)
            if tell is not None:
                tell(answer)
        return answer


def test_what_a_writer_adds_comes_as_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.server.service.Desk", GrowingDesk)
    text = site().post("/api/ask", json={"question": QUESTION, "stream": True}).text
    told = [(name, data["confidence"]) for name, data in events(text)]
    assert told == [("evidence", 0.1), ("prose", 0.2), ("prose", 0.3), ("answer", 0.3)]


def test_a_stream_shows_that_it_lives_and_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_BEAT", 0.05)
    bot = SlowBot()
    try:
        with site(bot, answer_seconds=0.3) as client:
            reply = client.post("/api/ask", json={"question": "tram", "stream": True})
            bot.go.set()
    finally:
        bot.go.set()
    assert ": still searching\n\n" in reply.text
    [(name, problem)] = events(reply.text)
    assert (name, problem["type"], problem["status"]) == ("error", "/problems/time-limit", 504)


def test_failures_are_problems_that_tell_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(site().app, client=("127.0.0.1", 1), raise_server_exceptions=False)
    damaged = client.post("/api/ask", json={"question": "QAError"})
    assert (damaged.status_code, damaged.json()["type"]) == (503, "/problems/not-ready")
    assert damaged.json()["detail"] == "The index is damaged - qa build"
    away = client.post("/api/ask", json={"question": "StoreError"})
    assert (away.status_code, "secret" in away.text, "secret.intern" in caplog.text) == (503, False, True)
    broken = client.post("/api/ask", json={"question": "RuntimeError"})
    assert (broken.status_code, broken.json()["type"]) == (500, "/problems/internal")
    assert broken.headers["x-content-type-options"] == "nosniff"
    streamed = client.post("/api/ask", json={"question": "RuntimeError", "stream": True}).text
    assert "secret" not in broken.text + streamed
    assert events(streamed)[0][1]["type"] == "/problems/internal"
    assert 'article_qa_errors_total{status="500"} 1.0' in client.get("/metrics").text
    assert "secret detail" in caplog.text


def test_busy_and_too_slow_are_told_apart() -> None:
    bot = SlowBot()
    try:
        with site(bot, concurrent=1, waiting=0, answer_seconds=0.2) as client:
            slow = client.post("/api/ask", json={"question": "tram"})
            busy = client.post("/api/ask", json={"question": "tram", "stream": True})
            bot.go.set()
    finally:
        bot.go.set()
    assert (slow.status_code, slow.json()["type"]) == (504, "/problems/time-limit")
    assert (busy.status_code, busy.json()["type"]) == (503, "/problems/busy")
    assert busy.headers["retry-after"] == "2"


async def gone_while_waiting(bot: SlowBot, taken: Callable[[], int]) -> list[int]:
    """Two clients ask a server that answers one at a time; the second goes away, a third takes the place it had."""
    app = create_app(bot, settings=Settings(hosts=("testserver",), concurrent=1, waiting=1))
    went = asyncio.Event()

    async def ask(question: str, leaving: asyncio.Event) -> int:
        statuses: list[int] = []
        parts = [{"type": "http.request", "body": json.dumps({"question": question}).encode(), "more_body": False}]

        async def receive() -> dict[str, object]:
            if parts:
                return parts.pop()
            await leaving.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        headers = [(b"host", b"testserver"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/api/ask", "raw_path": b"/api/ask", "query_string": b""}
        scope |= {"headers": headers, "client": ("127.0.0.1", 1), "http_version": "1.1", "scheme": "http", "app": app}
        await app(scope, receive, send)
        return statuses[0]

    stays = asyncio.Event()
    first = asyncio.ensure_future(ask("first", stays))
    second = asyncio.ensure_future(ask("second", went))
    while taken() < 2:
        await asyncio.sleep(0)
    statuses = [await ask("one too many", stays)]
    went.set()
    statuses.append(await second)
    third = asyncio.ensure_future(ask("third", stays))
    while taken() < 3:
        await asyncio.sleep(0)
    bot.go.set()
    return [*statuses, await first, await third]


def test_a_client_that_goes_away_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    bot, tickets = SlowBot(), []
    submit = Desk.submit

    def noted(*given: object) -> Ticket:
        tickets.append(submit(*given))
        return tickets[-1]

    monkeypatch.setattr(Desk, "submit", noted)
    try:
        assert run(gone_while_waiting(bot, lambda: len(tickets))) == [503, 499, 200, 200]
    finally:
        bot.go.set()
    assert bot.asked == ["first", "third"]


def test_a_filter_keeps_to_some_of_the_articles(client: TestClient) -> None:
    asked = {"question": QUESTION, "since": "2025-03", "outlet": "hafenbote"}
    answer = client.post("/api/ask", json=asked).json()
    assert answer["only"] == {"since": "2025-03", "until": None, "outlets": ["Hafenbote"]}
    assert {citation["outlet"] for citation in answer["citations"]} == {"Hafenbote"}
    assert client.post("/api/ask", json={"question": QUESTION, "until": "2024-01-01"}).json()["status"] == "abstained"
    unknown = client.post("/api/ask", json={"question": QUESTION, "outlet": "Hafenbot"})
    assert (unknown.status_code, unknown.json()["type"]) == (422, "/problems/invalid")
    assert "did you mean 'Hafenbote'?" in unknown.json()["detail"]


def test_articles_are_listed_and_searched(client: TestClient) -> None:
    every = client.get("/api/articles").json()
    assert (every["total"], every["offset"], every["index_id"]) == (3, 0, "20250314-fake")
    assert every["built"] == "2025-03-14T16:05:00+00:00"
    found = client.get("/api/articles", params={"q": "eulen", "limit": 1}).json()
    assert [article["id"] for article in found["articles"]] == ["sumpfohreulen-91bc"]
    for wrong in ({"limit": 0}, {"limit": 201}, {"offset": -1}, {"q": "x" * 201}, {"lang": "fr"}):
        assert client.get("/api/articles", params=wrong).status_code == 422


def test_an_article_is_given_whole(client: TestClient) -> None:
    article = client.get("/api/articles/faehrbruecke-3f2a").json()
    assert article["text"] == ARTICLES[0].text
    assert article["also"][0]["outlet"] == "Nordpresse"
    assert client.get("/api/articles/none").json()["type"] == "/problems/not-found"
    assert client.get("/api/articles/%00%F0%9F").status_code == 404


def test_hostile_text_stays_text() -> None:
    bot = FakeBot((make_article("h-1", " ".join(HOSTILE), title=HOSTILE[0], outlet=HOSTILE[2]),))
    client = site(bot)
    reply = client.get("/api/articles/h-1")
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.json()["text"] == " ".join(HOSTILE)
    streamed = client.post("/api/ask", json={"question": "a\n\nevent: answer\ndata: {}\n\n", "stream": True}).text
    assert [name for name, _ in events(streamed)] == ["evidence", "answer"]


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/articles/x/y", "/api/ask/x", "/api//ask"])
def test_what_is_not_there_is_a_problem(client: TestClient, path: str) -> None:
    missing = client.get(path)
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(("method", "path", "allow"), [("GET", "/api/ask", "POST"), ("POST", "/api/articles", "GET")])
def test_another_method_is_told_which_to_use(client: TestClient, method: str, path: str, allow: str) -> None:
    refused = client.request(method, path)
    assert (refused.status_code, refused.headers["allow"]) == (405, allow)
    assert refused.json()["type"] == "/problems/method-not-allowed"


def test_the_type_of_a_problem_leads_to_its_meaning(client: TestClient) -> None:
    page = client.get(client.get("/api/nothing").json()["type"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/plain")
    assert client.get("/problems/nonsense").status_code == 404


def test_measurements_are_in_the_format_of_prometheus(client: TestClient) -> None:
    client.post("/api/ask", json={"question": QUESTION})
    shown = client.get("/metrics")
    assert shown.headers["content-type"].startswith("text/plain; version=")
    assert 'article_qa_questions_total{status="answered",way="api"}' in shown.text
    assert "article_qa_index_age_seconds" in shown.text
    assert CLIENT not in shown.text
