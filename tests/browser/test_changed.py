"""An article that was edited, or has gone, after an answer quoted it: nothing else is marked in the quote's place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from qa.config import Settings
from qa.labels import LABELS
from tests.browser.conftest import OpenPage, Serve
from tests.browser.fakes import ARTICLES, FakeBot, make_article

pytestmark = pytest.mark.browser

QUOTE = "It connects the university with the harbour in 19 minutes."
EDITED = f"An 🦉 came first, and a new beginning.\n\nMore was written. {QUOTE} So it goes on."
GONE = "The line will not be built, the transport authority said. Nothing connects the university with the harbour."


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
def site(bot: FakeBot, serve: Serve) -> str:
    return serve(bot, Settings(widget=True))


def edit(bot: FakeBot, text: str | None) -> None:
    """Publish another text of the quoted article, or take it out."""
    tram = [] if text is None else [make_article("tram-77aa", text, title="Tram line", lang="en")]
    bot._articles = (*ARTICLES[:2], *tram)


def ask(page: Page) -> None:
    page.get_by_role("textbox").fill("What connects the university with the harbour?")
    page.get_by_role("textbox").press("Enter")
    expect(page.locator("blockquote", has_text=QUOTE)).to_be_visible()


def open_quote(page: Page) -> None:
    page.locator("blockquote", has_text=QUOTE).get_by_role("button").click()


@pytest.mark.parametrize("path", ["", "widget"])
def test_a_quote_that_moved_is_marked_where_it_stands_now(
    open_page: OpenPage, site: str, bot: FakeBot, path: str
) -> None:
    page = open_page(at=site, path=path)
    ask(page)
    edit(bot, EDITED)
    open_quote(page)
    expect(page.locator("mark")).to_have_text(QUOTE)
    at = len(EDITED.partition(QUOTE)[0])
    address = re.compile(rf"article/tram-77aa#c{at}-{at + len(QUOTE)}$")
    expect(page.get_by_role("link", name=LABELS["en"].whole_article)).to_have_attribute("href", address)


@pytest.mark.parametrize("path", ["", "widget"])
def test_a_quote_that_is_no_longer_there_is_said_to_be_so(
    open_page: OpenPage, site: str, bot: FakeBot, path: str
) -> None:
    page = open_page(at=site, path=path)
    ask(page)
    edit(bot, GONE)
    open_quote(page)
    expect(page.get_by_text(LABELS["en"].panel_changed)).to_be_visible()
    expect(page.get_by_text("The line will not be built")).to_be_visible()
    expect(page.locator("mark")).to_have_count(0)


@pytest.mark.parametrize("path", ["", "widget"])
def test_an_article_that_has_gone_is_said_to_be_so(open_page: OpenPage, site: str, bot: FakeBot, path: str) -> None:
    page = open_page(at=site, path=path, forgive="404")
    ask(page)
    edit(bot, None)
    open_quote(page)
    expect(page.get_by_text(LABELS["en"].not_found_text)).to_be_visible()


#: What marks a quote in paragraphs put together as the server does, run in the page.
MARK = """
async ([text, start, end, quote]) => {
    const { markQuote } = await import("/static/qa/mark.js");
    const root = document.createElement("div");
    for (const part of text.matchAll(/\\S.*?(?=\\n\\n|$)/gs)) {
        const paragraph = document.createElement("p");
        paragraph.dataset.start = Array.from(text.slice(0, part.index)).length;
        paragraph.textContent = part[0];
        root.append(paragraph);
    }
    markQuote(root, start, end, quote);
    return [...root.querySelectorAll("mark")].map((one) => one.textContent);
}
"""
RUN = "First point (a+b) costs 3.5 $.\n\nSecond point 🦉: [x] {y} | z\\w -- ^done?\n\nThird point."


@pytest.mark.parametrize("before", ["", "🦉 Something new.\n\n", "Second point\n\nFirst point\n\n"])
def test_a_run_of_paragraphs_is_found_again_whatever_signs_it_has(open_page: OpenPage, before: str) -> None:
    page = open_page()
    shown = page.evaluate(MARK, [f"{before}{RUN}\n\nAnd so on.", 0, len(RUN), RUN])
    assert shown == RUN.split("\n\n")
    assert page.evaluate(MARK, [f"{before}And so on.", 0, len(RUN), RUN]) == []
    assert page.evaluate(MARK, [f"{before}And so on.", 0, 3, ""]) != []


def test_a_range_that_still_holds_the_quote_is_marked_there_and_not_at_its_first_like(open_page: OpenPage) -> None:
    text = "Yes. No. Yes."
    page = open_page()
    marked = page.evaluate(
        MARK.replace("map((one) => one.textContent)", "map((one) => one.previousSibling.length)"), [text, 9, 13, "Yes."]
    )
    assert marked == [9]
