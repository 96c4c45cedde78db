"""axe-core over the page and the pages of articles: nothing serious in light, dark, high contrast, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from qa.labels import LABELS
from tests.browser.axe import violations
from tests.browser.conftest import OpenPage, Serve
from tests.browser.fakes import HOSTILE, FakeBot, make_article
from tests.browser.test_page import PHONE, ask, citation

pytestmark = pytest.mark.browser

EN = LABELS["en"]
#: How the page is looked at. Still: what fades in has too little contrast while it does.
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "light, more contrast": {"color_scheme": "light", "contrast": "more"},
    "dark, more contrast": {"color_scheme": "dark", "contrast": "more"},
    "phone": {**PHONE, "color_scheme": "light"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_page_empty_with_answers_with_all_that_opens_and_its_other_pages(
    open_page: OpenPage, address: str, look: str
) -> None:
    page = open_page(forgive="404", reduced_motion="reduce", **LOOKS[look])  # the last page is about a missing article
    assert violations(page.main_frame) == []
    ask(page)
    ask(page, "Quantum chromodynamics?")
    assert violations(page.main_frame) == []
    page.get_by_role("button", name=EN.wrong).last.click()
    page.get_by_role("button", name=EN.again_name).first.click()
    assert violations(page.main_frame) == []
    page.get_by_role("button", name=EN.filter).click()
    citation(page.locator(".qa-answer").first).click()
    expect(page.locator("#qa-panel mark")).to_be_visible()
    assert violations(page.main_frame) == []
    for path in ("articles", "articles?q=nichts", "article/faehrbruecke-3f2a#c0-10", "article/none"):
        page.goto(address + path)
        assert violations(page.main_frame) == [], path


@pytest.mark.parametrize("width", [320, 640])
def test_the_list_fits_a_narrow_window_whatever_the_titles(open_page: OpenPage, serve: Serve, width: int) -> None:
    long = "Verkehrsinfrastrukturfinanzierungsgesellschaft" * 4
    articles = tuple(
        make_article(f"h{n}", "Wort.", title=hostile, outlet=hostile) for n, hostile in enumerate((*HOSTILE, long))
    )
    address = serve(FakeBot(articles))
    page = open_page(address, f"articles?q={long}", viewport={"width": width, "height": 700}, locale="de-DE")
    page.goto(f"{address}articles")
    titles = page.locator(".qa-list .qa-title")
    assert titles.all_text_contents() == [article.title for article in articles]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.qaHacked") is None


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
