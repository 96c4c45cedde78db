"""The filter of the page: by keyboard, on both screens, in both languages, and the ways out of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from qa.labels import LABELS
from tests.browser.conftest import OpenPage, Serve
from tests.browser.fakes import FakeBot, make_article

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 800}}
QUESTION = "Was sagt die Stadt über die Brücke und das Moor?"


def ask(page: Page, question: str = QUESTION) -> None:
    before = page.locator(".qa-answer").count()
    page.locator("#qa-box textarea").fill(question)
    page.locator("#qa-box textarea").press("Enter")
    expect(page.locator(".qa-answer")).to_have_count(before + 1)


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(("locale", "lang"), [("en-US", "en"), ("de-DE", "de")])
def test_narrowing_down_and_back(open_page: OpenPage, screen: dict, locale: str, lang: str) -> None:
    labels = LABELS[lang]
    page = open_page(locale=locale, **screen)
    fold = page.get_by_role("button", name=labels.filter)
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_label(labels.filter_since)).to_be_hidden()
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    since = page.get_by_label(labels.filter_since)
    expect(since).to_have_attribute("type", "date")
    since.fill("2025-03-01")
    day = "1. März 2025" if lang == "de" else "1 March 2025"
    expect(page.locator("#qa-filter > button")).to_contain_text(day)
    assert overflow(page) == 0
    ask(page)
    chip = page.locator(".qa-chip")
    expect(chip).to_contain_text(day)
    expect(page.locator(".qa-source")).to_have_count(1)
    assert overflow(page) == 0
    chip.get_by_role("button", name=labels.without_filter_name).click()
    expect(page.locator(".qa-answer")).to_have_count(2)
    expect(page.locator(".qa-question").last).to_have_text(QUESTION)
    expect(page.locator(".qa-answer").last.locator(".qa-source")).to_have_count(2)
    expect(page.locator(".qa-answer").last.locator(".qa-chip")).to_have_count(0)
    expect(page.locator("#qa-filter > button")).to_have_text(re.compile(labels.filter))
    expect(since).to_have_value("")


def test_the_keyboard_alone_sets_and_lifts_the_filter(open_page: OpenPage) -> None:
    page = open_page()
    fold = page.locator("#qa-filter > button")
    fold.focus()
    assert fold.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.get_by_label("Outlets").focus()
    page.keyboard.type("harb")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(fold).to_contain_text("Only articles: Harbour Post")
    ask(page, "What does the tram line connect and where does it open?")
    expect(page.locator(".qa-chip")).to_contain_text("Harbour Post")
    page.locator("#qa-filter-clear").focus()
    page.keyboard.press("Enter")
    expect(fold).to_contain_text("Narrow down the articles")
    ask(page, QUESTION)
    expect(page.locator(".qa-answer").last.locator(".qa-chip")).to_have_count(0)


def test_the_filter_stays_for_the_next_question_and_belongs_to_this_browser(open_page: OpenPage) -> None:
    page = open_page()
    page.locator("#qa-filter > button").click()
    page.get_by_label("Published until").fill("2025-02-28")
    expect(page.locator("#qa-filter > button")).to_contain_text("until 28 February 2025")
    ask(page)
    ask(page, "Was sagt die Stadt über Moor und Eulen?")
    expect(page.locator(".qa-chip")).to_have_count(2)
    other = open_page()
    ask(other)
    expect(other.locator(".qa-chip")).to_have_count(0)


def test_an_abstention_under_a_filter_offers_all_articles(open_page: OpenPage) -> None:
    page = open_page()
    page.locator("#qa-filter > button").click()
    page.get_by_label("Published from").fill("2025-04-01")
    expect(page.locator("#qa-filter > button")).to_contain_text("from 1 April 2025")
    ask(page, "Was sagt die Stadt über Brücke und Nordtangente?")
    page.locator(".qa-note .qa-everywhere", has_text="Search all").click()
    expect(page.locator(".qa-answer")).to_have_count(2)
    expect(page.locator(".qa-cite").first).to_be_visible()


def test_dates_in_the_wrong_order_are_told_on_the_folded_row(open_page: OpenPage) -> None:
    page = open_page()
    page.locator("#qa-filter > button").click()
    page.get_by_label("Published from").fill("2025-04-01")
    page.get_by_label("Published until").fill("2025-03-01")
    expect(page.locator("#qa-filter > button")).to_contain_text(
        "“Published from” (1 April 2025) lies after “Published until” (1 March 2025)."
    )


def test_an_index_without_dates_has_only_its_outlets(open_page: OpenPage, serve: Serve) -> None:
    at = serve(FakeBot((make_article("a", "Ein Satz.", outlet="Hafenbote"),)))
    page = open_page(at=at)
    page.locator("#qa-filter > button").click()
    expect(page.get_by_label("Outlets")).to_be_visible()
    expect(page.get_by_label("Published from")).to_have_count(0)
