"""The product as a stranger meets it: the bundled encoder over seeds/, asked in English in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from qa.bot import Bot
from tests.browser.conftest import OpenPage, start_server

pytestmark = pytest.mark.browser

WEAPONS = "which weapons did Seoul consider?"


@pytest.fixture(scope="module")
def product(browser: object, seed_bot: Bot) -> Iterator[str]:
    with start_server(seed_bot) as address:
        yield address


def test_the_first_question_leads_to_the_marked_sentence(open_page: OpenPage, product: str, seed_bot: Bot) -> None:
    page = open_page(at=product)
    page.get_by_role("textbox").fill(WEAPONS)
    page.get_by_role("textbox").press("Enter")
    quote = page.locator(".qa-answer blockquote", has_text="K9-Haubitzen")
    quote.get_by_role("button").click()
    mark = page.get_by_role("dialog").locator("mark")
    expected = next(c for c in seed_bot.ask(WEAPONS).citations if "K9-Haubitzen" in c.quote)
    expect(mark).to_have_text(expected.quote)
    expect(mark).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("dialog").get_by_role("heading").first).to_have_text(expected.title or "")


def test_the_whole_article_opens_at_the_sentence(open_page: OpenPage, product: str, seed_bot: Bot) -> None:
    citation = seed_bot.ask(WEAPONS).citations[0]
    page = open_page(at=product, path=f"article/{citation.article_id}#c{citation.start}-{citation.end}")
    expect(page.locator("mark")).to_have_text(citation.quote)
    expect(page.locator("mark")).to_be_in_viewport(ratio=1)


def test_what_the_articles_do_not_say_is_said_to_be_so(open_page: OpenPage, product: str) -> None:
    page = open_page(at=product)
    page.get_by_role("textbox").fill("What is the capital of Australia?")
    page.get_by_role("textbox").press("Enter")
    answer = page.locator(".qa-answer")
    expect(answer).to_contain_text("The articles do not say.")
    expect(answer.locator("blockquote")).to_have_count(0)


def test_every_starter_question_is_answered(open_page: OpenPage, product: str) -> None:
    page = open_page(at=product)
    starter = page.locator("#qa-starters").get_by_role("button").first
    starter.click()
    expect(page.locator(".qa-answer blockquote").first).to_be_visible()


def test_the_list_of_articles_opens_them(open_page: OpenPage, product: str, seed_bot: Bot) -> None:
    page = open_page(at=product)
    page.get_by_role("textbox").fill("which articles do you have?")
    page.get_by_role("textbox").press("Enter")
    answer = page.locator(".qa-answer")
    expect(answer).to_contain_text("There are 5 articles:")
    newest = seed_bot.articles()[0]
    answer.get_by_role("button", name=f"Open article: “{newest.title}”").click()
    expect(page.get_by_role("dialog").get_by_role("heading").first).to_have_text(str(newest.title))
    expect(page.get_by_role("dialog").locator("mark")).to_have_count(0)


def test_what_was_mended_is_told(open_page: OpenPage, product: str) -> None:
    page = open_page(at=product)
    page.get_by_role("textbox").fill("Welche Haubizen könnte Söul liefern?")
    page.get_by_role("textbox").press("Enter")
    expect(page.locator(".qa-answer")).to_contain_text("Welche Haubitzen könnte Seoul liefern?")
    expect(page.locator(".qa-answer blockquote").first).to_be_visible()
