"""axe-core over the page and the pages of articles: nothing serious in light, dark, high contrast, on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import start_server
from tests.browser.fakes import HOSTILE, FakeBot, make_article
from tests.browser.test_page import PHONE, ask, citation

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

#: How the page is looked at.
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "contrast": {"contrast": "more"},
    "phone": {**PHONE, "color_scheme": "light"},
}


@pytest.fixture(params=LOOKS)
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    # bypass_csp: axe-core is put in as a script, which our own policy would refuse.
    # Still: what fades in has too little contrast while it does.
    context = browser.new_context(bypass_csp=True, locale="en-US", reduced_motion="reduce", **LOOKS[request.param])
    page = context.new_page()
    page.goto(address)
    page.get_by_role("textbox").wait_for()
    yield page
    context.close()


def test_the_page_empty_with_answers_and_with_an_article_open(page: Page) -> None:
    assert violations(page.main_frame) == []
    ask(page)
    ask(page, "Quantum chromodynamics?")
    assert violations(page.main_frame) == []
    citation(page.locator(".qa-answer").first).click()
    expect(page.locator("#qa-panel mark")).to_be_visible()
    assert violations(page.main_frame) == []


@pytest.mark.parametrize("path", ["articles", "articles?q=nichts", "article/faehrbruecke-3f2a#c0-10", "article/none"])
def test_pages_of_their_own(page: Page, address: str, path: str) -> None:
    page.goto(address + path)
    assert violations(page.main_frame) == []


@pytest.mark.parametrize("width", [320, 640])
def test_the_list_fits_a_narrow_window_whatever_the_titles(browser: Browser, width: int) -> None:
    long = "Verkehrsinfrastrukturfinanzierungsgesellschaft" * 4
    articles = tuple(
        make_article(f"h{n}", "Wort.", title=hostile, outlet=hostile) for n, hostile in enumerate((*HOSTILE, long))
    )
    with start_server(FakeBot(articles)) as address:
        context = browser.new_context(viewport={"width": width, "height": 700}, locale="de-DE")
        page = context.new_page()
        page.goto(f"{address}articles?q={long}")
        page.goto(f"{address}articles")
        titles = page.locator(".qa-list .qa-title")
        assert titles.all_text_contents() == [article.title for article in articles]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("window.qaHacked") is None
        context.close()


def test_the_keyboard_searches_the_list_and_opens_an_article(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="de-DE")
    page = context.new_page()
    page.goto(f"{address}articles")
    page.get_by_role("searchbox").focus()
    page.keyboard.type("Eule")
    page.keyboard.press("Enter")
    page.wait_for_url("**/articles?q=Eule*")
    page.locator(".qa-list a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/article/sumpfohreulen-91bc")
    context.close()
