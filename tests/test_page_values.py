"""What the page says of the index: made again when another index is in use, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from qa.types import Article
from qa.ui import STARTERS
from qa.web import create_app
from tests.browser.fakes import ARTICLES, HOSTILE, FakeBot, make_article
from tests.test_ui import Session


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
def client(bot: FakeBot) -> Iterator[TestClient]:
    with TestClient(create_app(bot)) as client:
        yield client


def publish(bot: FakeBot, *articles: Article) -> None:
    bot._articles = articles
    bot.index_id = f"{bot.index_id}+"


def parts(client: TestClient) -> list[dict[str, Any]]:
    """The components that are shown."""
    config = client.get("/config").json()
    return [one["props"] for one in config["components"] if one["props"].get("visible", True)]


def ids(client: TestClient) -> set[str]:
    return {str(one.get("elem_id")) for one in parts(client)}


def titles(client: TestClient) -> list[str]:
    return Session(client).titles


def test_the_first_page_tells_of_the_first_index(client: TestClient) -> None:
    assert titles(client) == [article.title for article in ARTICLES]
    assert {"qa-starters", "qa-filter", "qa-filter-outlets"} <= ids(client)


def test_another_index_changes_the_page_and_its_configuration(client: TestClient, bot: FakeBot) -> None:
    publish(bot, make_article("a", "Ein Satz.", title="Ein neuer Titel"))
    page = client.get("/").text
    assert "Ein neuer Titel" in page
    assert "quotes from one article" in page
    assert str(ARTICLES[0].title) not in page
    assert titles(client) == ["Ein neuer Titel"]
    assert not {"qa-filter", "qa-filter-outlets"} & ids(client)


def test_an_index_without_titles_has_no_starters_and_one_with_many_has_a_few(client: TestClient, bot: FakeBot) -> None:
    publish(bot, make_article("a", "Ein Satz."))
    assert titles(client) == []
    assert "qa-starters" not in ids(client)
    publish(bot, *(make_article(f"a{n}", "Ein Satz.", title=f"Titel {n // 2}") for n in range(30)))
    assert titles(client) == [f"Titel {n}" for n in range(STARTERS)]


def test_the_same_index_is_not_read_again(client: TestClient, bot: FakeBot) -> None:
    titles(client)
    bot._articles = ()
    assert titles(client) == [article.title for article in ARTICLES]


def test_hostile_titles_and_outlets_stay_text(client: TestClient, bot: FakeBot) -> None:
    publish(bot, *(make_article(f"a{n}", "Ein Satz.", title=text, outlet=text) for n, text in enumerate(HOSTILE)))
    assert titles(client) == list(HOSTILE[:STARTERS])
    page = client.get("/").text
    assert not [text for text in HOSTILE if "<script>" in text and text in page]


def test_an_index_that_cannot_be_read_is_tried_again(
    client: TestClient, bot: FakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles(client)
    publish(bot, make_article("a", "Ein Satz.", title="Ein neuer Titel"))
    with monkeypatch.context() as broken, pytest.raises(OSError, match="gone"):
        broken.setattr(FakeBot, "newest", _fail)
        client.get("/")
    assert titles(client) == ["Ein neuer Titel"]


def _fail(*_: object) -> None:
    raise OSError("gone")
