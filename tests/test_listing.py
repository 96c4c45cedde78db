"""The page that lists the articles: what it says, how it searches, and that every text on it stays text."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from qa.server.catalogue import Part
from qa.server.listing import PAGE, Asked, listing_page
from qa.types import Article
from qa.web import create_app
from tests.browser.fakes import ARTICLES, HOSTILE, FakeBot, make_article

GERMAN = {"accept-language": "de"}
MANY = tuple(make_article(f"n{n:03}", "Ein Wort.", title=f"Nummer {n:03}") for n in range(2 * PAGE + 1))


@cache  # an application takes seconds to make
def client(articles: tuple[Article, ...] = ARTICLES) -> TestClient:
    return TestClient(create_app(FakeBot(articles)))


def titles(page: str) -> list[str]:
    return [unescape(title) for title in re.findall(r'<a class="qa-title"[^>]*>(.*?)</a>', page)]


def text(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", page))


def test_it_lists_what_there_is_with_outlet_date_length_and_language() -> None:
    page = client().get("/articles", headers=GERMAN).text
    assert titles(page) == [article.title for article in ARTICLES]
    assert "Geantwortet wird aus 3 Artikeln." in text(page)
    first = ARTICLES[0]
    assert f"{len(first.text.split())} Wörter" in text(page)
    assert str(first.outlet) in text(page)
    assert page.count("Deutsch</bdi>") == 2
    assert page.count("Englisch</bdi>") == 1


@pytest.mark.parametrize(("query", "ids"), [("eule", 1), ("HAFENBOTE", 1), ("gibt es nicht", 0), ("", 3)])
def test_it_searches_without_a_script(query: str, ids: int) -> None:
    page = client().get("/articles", params={"q": query}).text
    assert len(titles(page)) == ids
    assert (f"No article matches “{query}”" in text(page)) == (ids == 0)


def test_order_and_page_are_in_the_address_and_links_lead_through_all() -> None:
    site = client(MANY)
    page = site.get("/articles", params={"order": "title", "q": "Nummer"}).text
    seen = titles(page)
    while following := re.search(r'<a rel="next" href="([^"]+)"', page):
        page = site.get(unescape(following[1])).text
        seen += titles(page)
    assert seen == [article.title for article in MANY]
    assert "Page 3 of 3" in text(page)


@pytest.mark.parametrize("number", ["99", "-1", "0", "x", "", "9" * 400, "²"])
def test_a_page_that_is_not_there_leads_to_one_that_is(number: str) -> None:
    answer = client(MANY).get("/articles", params={"page": number, "order": "sideways"})
    assert answer.status_code == 200
    assert titles(answer.text)


def test_an_empty_archive_says_so() -> None:
    page = client(()).get("/articles").text
    assert "There are no articles yet." in text(page)
    assert titles(page) == []


@given(
    st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60)), st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))
)
def test_every_text_stays_text(title: str, words: str) -> None:
    line = {
        "id": title, "title": title, "outlet": title, "published": title, "words": 3, "lang": "de",
    }  # fmt: skip
    page = listing_page(Part(1, (line,), "i", "2024-10-24T12:00:00+00:00"), Asked(words, "newest", 1), "en", title)
    plain = listing_page(
        Part(1, (dict.fromkeys(line, "a") | {"words": 3, "lang": "de"},), "i", "2024-10-24T12:00:00+00:00"),
        Asked("a" if words else "", "newest", 1),
        "en",
        "a",
    )
    tags = re.compile(r"<[^>]*>")
    kinds = [[re.sub(r'"[^"]*"', '""', tag) for tag in tags.findall(one)] for one in (page, plain)]
    assert kinds[0] == kinds[1] or not title  # an empty title has its own tags
    address = re.search(r'<a class="qa-title"[^>]*href="([^"]*)"', page)
    assert address
    assert unquote(unescape(address[1])) == f"/article/{title}"
