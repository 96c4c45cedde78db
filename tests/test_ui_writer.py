"""The page with a writer: quotes first, prose above them, the quotes alone where it fails. Asked through Gradio's queue."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape

import pytest
from starlette.testclient import TestClient

from qa.bot import Bot
from qa.ui import translations
from qa.web import create_app
from qa.writer import OpenAIWriter
from tests.llm_server import LanguageServer, letter_by_letter, says, serving
from tests.test_ui import Session

WEAPONS = "which weapons did Seoul consider?"


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    with serving(says("")) as server:
        yield server


@pytest.fixture(scope="module")
def client(seed_bot: Bot, server: LanguageServer) -> Iterator[TestClient]:
    bot = Bot(seed_bot.index, seed_bot.encoder, writer=OpenAIWriter(server.url, "tiny"))
    with TestClient(create_app(bot)) as client:
        yield client


def test_prose_stands_above_the_quotes_and_the_next_question_works(client: TestClient, server: LanguageServer) -> None:
    session = Session(client)
    server.answer = says(*letter_by_letter("Seoul could give Ukraine K9 howitzers [1]. Putin agreed [1]."))
    turns = session.ask(WEAPONS)
    assert len(turns) == 3
    prose = unescape(turns[1])
    assert "Seoul could give Ukraine K9 howitzers" in prose
    assert "Putin" not in prose
    assert "Written by the language model tiny." in prose
    assert "One sentence was left out" in prose
    assert "qa-quote" in turns[2]
    assert "qa-waiting" not in "".join(turns)

    server.answer = lambda connection, _: connection.start(500)
    turns = session.ask("Wer ist Kyrylo Budanov?")
    assert len(turns) == 6
    assert "(HTTP 500). Die Zitate stehen für sich." in unescape(turns[4])
    assert "qa-quote" in turns[5]

    asked = len(server.requests)
    turns = session.ask("What is the capital of Australia?")
    assert len(turns) == 8
    assert len(server.requests) == asked


def test_the_page_says_from_the_start_that_a_model_writes(client: TestClient) -> None:
    assert "A language model sums them up." in client.get("/config").text
    texts = translations(3).translations_dict
    written = translations(3, written=True).translations_dict
    for lang in ("de", "en"):
        assert texts[lang]["tagline"] != written[lang]["tagline"]
        assert texts[lang]["promise"] != written[lang]["promise"]
        assert written[lang]["promise"] == written[lang]["promise_written"]
