"""The page in Chromium: ask, open a citation, find the marked sentence; small screens, dark, German, hostile texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from qa.labels import LABELS
from qa.ui import QUESTION_LIMIT
from tests.browser.conftest import OpenPage, Serve, start_server
from tests.browser.fakes import ARTICLES, BRIDGE, HOSTILE, FakeBot, make_article

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

QUESTION = "What does the Stadtrat say about eine zweite Brücke am Donnerstag?"
SENTENCE = "Der Stadtrat berät am Donnerstag über eine zweite Brücke."
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 800}}


def ask(page: Page, question: str = QUESTION) -> Locator:
    """Ask and give the new answer."""
    answers = page.locator(".qa-answer")
    before = answers.count()
    page.get_by_role("textbox").fill(question)
    page.get_by_role("textbox").press("Enter")
    expect(answers).to_have_count(before + 1)
    return answers.last


def citation(answer: Locator, sentence: str = SENTENCE) -> Locator:
    return answer.locator("blockquote", has_text=sentence).get_by_role("button")


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def is_inside(page: Page, inner: Locator, outer: Locator) -> bool:
    small, large = inner.bounding_box(), outer.bounding_box()
    assert small is not None
    assert large is not None
    height = page.viewport_size["height"]
    top, bottom = max(large["y"], 0), min(large["y"] + large["height"], height)
    return small["y"] >= top and small["y"] + small["height"] <= bottom


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_ask_open_a_citation_read_the_marked_sentence_and_come_back(open_page: OpenPage, screen: dict) -> None:
    page = open_page(**screen)
    answer = ask(page)
    button = citation(answer)
    expect(button).to_have_accessible_name(
        re.compile(r"^Citation \d: open “Fährbrücke ab Montag gesperrt.*” at this sentence$")
    )
    button.click()
    panel = page.get_by_role("dialog", name="Article")
    mark = panel.locator("mark")
    expect(mark).to_have_text(SENTENCE)
    expect(mark).to_have_count(1)
    expect(mark).to_be_in_viewport(ratio=1)
    assert is_inside(page, mark, panel)
    expect(panel.get_by_role("heading")).to_have_text("Fährbrücke ab Montag gesperrt: Risse in zwei Pfeilern")
    expect(panel).to_contain_text("Hafenbote")
    expect(panel).to_contain_text("14 March 2025, 16:05")
    expect(panel).to_contain_text("Jonas Wieland")
    original = panel.get_by_role("link", name="View the original")
    assert original.get_attribute("rel") == "noopener noreferrer"
    assert panel.locator(".qa-text").inner_text().split() == BRIDGE.split()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(button).to_be_focused()


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_what_a_follow_up_was_taken_for_can_be_edited_and_sent(open_page: OpenPage, screen: dict) -> None:
    page = open_page(**screen)
    ask(page)
    answer = ask(page, "and the bridge?")
    note = answer.locator(".qa-searched")
    expect(note).to_contain_text(f"Searched for: {QUESTION}: and the bridge?")
    assert overflow(page) == 0
    note.get_by_role("button", name="Edit this search and send it again").click()
    box = page.get_by_role("textbox")
    expect(box).to_be_focused()
    expect(box).to_have_value(f"{QUESTION}: and the bridge?")
    box.press_sequentially(" Donnerstag")
    box.press("Enter")
    expect(page.locator(".qa-question").last).to_have_text(f"{QUESTION}: and the bridge? Donnerstag")
    expect(page.locator(".qa-answer")).to_have_count(3)
    expect(page.locator(".qa-answer").last.locator(".qa-searched")).to_have_count(0)


def test_the_close_button_and_a_second_click_close_the_panel_too(open_page: OpenPage) -> None:
    page = open_page()
    button = citation(ask(page))
    panel = page.locator("#qa-panel")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    expect(panel.locator("mark")).to_have_text(SENTENCE)
    button.click()
    expect(panel).to_be_hidden()


def test_another_citation_takes_over_the_open_panel(open_page: OpenPage) -> None:
    page = open_page()
    buttons = ask(page, "Was kostet die Reparatur der Fährbrücke?").locator(".qa-cite")
    for number in range(2):
        buttons.nth(number).click()
        quote = buttons.nth(number).locator("xpath=ancestor::blockquote").locator(".qa-words").inner_text()
        expect(page.locator("#qa-panel mark")).to_have_text(quote)


def test_the_keyboard_alone_is_enough(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("Wann öffnet die Brücke?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".qa-question")).to_have_text(f"Wann öffnet die Brücke?\n{QUESTION}")
    button = page.locator(".qa-cite").first
    button.wait_for()
    expect(page.get_by_role("textbox")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.classList.contains('qa-cite')"):
            break
    focused = page.locator(":focus")
    assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#qa-panel mark")).to_be_focused()
    page.keyboard.press("Escape")
    expect(focused).to_have_class("qa-cite")


def test_the_whole_article_opens_at_the_sentence(open_page: OpenPage) -> None:
    page = open_page()
    citation(ask(page)).click()
    link = page.locator("#qa-panel").get_by_role("link", name="Open the whole article")
    start = BRIDGE.index(SENTENCE)
    expect(link).to_have_attribute("href", re.compile(f"/article/{ARTICLES[0].id}#c{start}-{start + len(SENTENCE)}$"))
    link.click()
    expect(page.locator("mark")).to_have_text(SENTENCE)
    expect(page.get_by_role("heading", level=1)).to_have_text(ARTICLES[0].title or "")


def test_an_article_page_scrolls_to_its_fragment_in_code_points(open_page: OpenPage, serve: Serve) -> None:
    text = "😀 Anfang mit Emoji 😀.\n\n" + "Füllung. " * 900 + "\n\nVor 😀 dem Ziel. Das Ziel 🎯 ist hier. Danach."
    quote = "Das Ziel 🎯 ist hier."
    start = text.index(quote)
    address = serve(FakeBot((make_article("lang", text, title="Lang"),)))
    page = open_page(address, f"article/lang#c{start}-{start + len(quote)}")
    expect(page.locator("mark")).to_have_text(quote)
    expect(page.locator("mark")).to_be_in_viewport(ratio=1)
    page.goto(f"{address}article/lang#c0-1")
    expect(page.locator("mark")).to_have_text("😀")
    expect(page.locator("mark")).to_have_count(1)
    page.goto(f"{address}article/lang#c90000-90009")
    expect(page.locator("mark")).to_have_count(0)


def test_a_quote_far_down_is_scrolled_to_inside_the_panel_alone(open_page: OpenPage, serve: Serve) -> None:
    target = "Zielsatz mit Giraffe und Elefant."
    text = "Füllsatz ohne Tiere. " * 400 + "\n\n" + target + "\n\n" + "Noch mehr Füllung. " * 400
    address = serve(FakeBot((make_article("zoo", text, title="Zoo"),)))
    page = open_page(address)
    button = citation(ask(page, "Giraffe Elefant Zielsatz"), target)
    before = page.evaluate("scrollY")
    button.click()
    mark = page.locator("#qa-panel mark")
    expect(mark).to_be_in_viewport(ratio=1)
    assert is_inside(page, mark, page.locator("#qa-panel"))
    assert page.evaluate("scrollY") == before


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_phone_has_no_sideways_scrolling_and_room_for_fingers(open_page: OpenPage, colours: str) -> None:
    page = open_page(**PHONE, color_scheme=colours, locale="de-DE")
    assert overflow(page) == 0
    answer = ask(page)
    assert overflow(page) == 0
    citation(answer).click()
    expect(page.locator("#qa-panel mark")).to_be_visible()
    assert overflow(page) == 0
    for button in page.locator("button:visible, .qa-links a:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert min(round(box["width"]), round(box["height"])) >= 40, button.inner_text()
    panel = page.locator("#qa-panel").bounding_box()
    assert panel is not None
    assert panel["width"] == 390


def luminance(page: Page, selector: str, property_name: str) -> float:
    colour = page.locator(selector).first.evaluate(f"element => getComputedStyle(element)['{property_name}']")
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("system", "path", "dark"), [("light", "", False), ("dark", "", True), ("dark", "?__theme=light", False)]
)
def test_light_and_dark_agree_with_gradio_and_can_be_read(
    open_page: OpenPage, system: str, path: str, dark: bool
) -> None:
    page = open_page(path=path, color_scheme=system)
    page.get_by_role("textbox").wait_for()
    citation(ask(page)).click()
    page.locator("#qa-panel mark").wait_for()
    pairs = {
        ".qa-question": "gradio-app",
        ".qa-words": ".qa-source",
        ".qa-byline": ".qa-source",
        "#qa-panel .qa-text": "#qa-panel",
        "#qa-panel .qa-byline": "#qa-panel",
        "mark": "mark",
        "#qa-send": "#qa-send",
        ".qa-note": "gradio-app",
    }
    for text, ground in pairs.items():
        ink, paper = luminance(page, text, "color"), luminance(page, ground, "backgroundColor")
        contrast = (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)
        assert contrast >= 4.5, (text, contrast)
        if text != "#qa-send":
            assert (ink > paper) is dark, text


def test_a_german_browser_gets_a_german_page(open_page: OpenPage) -> None:
    page = open_page(locale="de-DE")
    labels = LABELS["de"]
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#qa-tagline")).to_contain_text("3 Artikeln")
    expect(page.locator("#qa-greeting")).to_have_text(labels.welcome)
    expect(page.get_by_role("textbox", name=labels.box_label)).to_be_visible()
    expect(page.get_by_role("button", name=labels.send, exact=True)).to_be_visible()
    answer = ask(page, "What will the new tram tickets cost on the bus")
    expect(answer.locator(".qa-byline").first).to_contain_text("Harbour Post")
    expect(page.get_by_role("log", name=labels.log)).to_be_visible()
    answer.locator(".qa-cite").first.click()
    expect(page.get_by_role("dialog", name=labels.panel)).to_contain_text(labels.whole_article)
    expect(page.get_by_role("button", name=labels.close)).to_be_visible()


def test_an_english_browser_gets_an_english_page_with_german_quotes_marked_as_german(open_page: OpenPage) -> None:
    page = open_page(locale="en-GB")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#qa-greeting")).to_have_text(LABELS["en"].welcome)
    answer = ask(page)
    expect(answer.locator(".qa-lang").first).to_have_text("German")
    assert answer.locator("blockquote").first.get_attribute("lang") == "de"


def test_a_starter_asks_about_its_article_and_leaves(open_page: OpenPage) -> None:
    page = open_page(locale="de-DE")
    starters = page.locator(".qa-starter")
    expect(starters).to_have_text([article.title or "" for article in ARTICLES])
    starters.nth(1).click()
    expect(page.locator(".qa-question")).to_have_text("Worum geht es in „Sieben Eulenpaare im Moor“?")
    page.locator(".qa-answer").wait_for()
    expect(starters.first).to_be_hidden()
    expect(page.locator("#qa-welcome")).to_be_hidden()


def test_an_abstention_offers_passages_that_open_but_have_no_number(open_page: OpenPage) -> None:
    page = open_page()
    answer = ask(page, "Capital of Australia?")
    expect(answer).to_contain_text("The articles do not say.")
    expect(answer.get_by_role("heading", name=LABELS["en"].closest)).to_be_visible()
    expect(answer.locator(".qa-cite")).to_have_count(0)
    button = answer.get_by_role("button", name="Open passage").first
    text = answer.locator(".qa-excerpt").first.inner_text()
    button.click()
    expect(page.locator("#qa-panel mark")).to_have_text(text)


def test_the_new_turn_comes_into_view_and_focus_returns_to_the_box(open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    for question in (QUESTION, "Was kostet die Reparatur?", "Capital of Australia?"):
        ask(page, question)
        expect(page.locator(".qa-question").last).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("textbox")).to_be_focused()
        expect(page.get_by_role("textbox")).to_have_value("")


def test_a_new_turn_leaves_the_earlier_ones_alone(open_page: OpenPage) -> None:
    page = open_page()
    ask(page).evaluate("answer => { answer.kept = true; }")
    ask(page, "Capital of Australia?")
    assert page.locator(".qa-answer").first.evaluate("answer => answer.kept") is True


def test_what_is_refused_is_told_in_a_sentence(open_page: OpenPage) -> None:
    page = open_page()
    expect(ask(page, "x" * (QUESTION_LIMIT + 1))).to_contain_text(f"{QUESTION_LIMIT + 1} characters")
    expect(ask(page, "QAError")).to_contain_text("The index is damaged - qa build")
    expect(ask(page, "RuntimeError")).to_contain_text("That did not work.")
    expect(page.locator("body")).not_to_contain_text("secret detail")
    expect(ask(page)).to_contain_text(SENTENCE)


def test_an_empty_question_asks_for_one(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text(LABELS["en"].question_empty)).to_be_visible()
    expect(page.locator(".qa-question")).to_have_count(0)
    expect(ask(page)).to_contain_text(SENTENCE)


@pytest.fixture(scope="module")
def slow_address(browser: Browser) -> Iterator[str]:
    with start_server(FakeBot(delay=1.0)) as address:
        yield address


def test_while_it_searches_the_page_says_so_and_takes_no_second_question(
    open_page: OpenPage, slow_address: str
) -> None:
    page = open_page(slow_address)
    page.get_by_role("textbox").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("status").filter(has_text=LABELS["en"].searching)).to_be_visible()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_have_count(0)
    expect(page.get_by_role("textbox")).to_be_disabled()
    expect(page.locator(".qa-answer")).to_have_count(1)
    expect(page.locator(".qa-waiting")).to_have_count(0)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()


def test_two_browsers_ask_at_once_and_see_their_own_turns(open_page: OpenPage, slow_address: str) -> None:
    pages = [open_page(slow_address), open_page(slow_address)]
    for page, question in zip(pages, (QUESTION, "Was kostet die Reparatur?"), strict=True):
        page.get_by_role("textbox").fill(question)
        page.get_by_role("textbox").press("Enter")
    for page in pages:
        expect(page.locator(".qa-waiting")).to_have_count(1)  # both at the same time
    for page, question in zip(pages, (QUESTION, "Was kostet die Reparatur?"), strict=True):
        expect(page.locator(".qa-answer")).to_have_count(1)
        expect(page.locator(".qa-question")).to_have_text([question])


@pytest.fixture(scope="module")
def hostile_address(browser: Browser) -> Iterator[str]:
    articles = tuple(
        make_article(
            f"h{number}",
            f"Stichwort{number} {hostile} Satzende{number}.",
            title=f"Stichwort{number} {hostile}",
            outlet=hostile,
            author=hostile,
            published=hostile,
            url=f"https://x.example/{hostile}",
        )
        for number, hostile in enumerate(HOSTILE)
    )
    with start_server(FakeBot(articles)) as address:
        yield address


def test_hostile_texts_and_questions_stay_text(open_page: OpenPage, hostile_address: str) -> None:
    page = open_page(hostile_address)
    panel = page.locator("#qa-panel")
    for number, hostile in enumerate(HOSTILE):
        question = f"Stichwort{number} Satzende{number} {hostile}"
        answer = ask(page, question)
        expect(page.locator(".qa-question").last).to_have_text(question)
        button = citation(answer, f"Stichwort{number}").first
        quote = f"Stichwort{number} {hostile} Satzende{number}."
        assert button.locator("xpath=ancestor::blockquote").locator(".qa-words").text_content() == quote
        button.click()
        expect(panel.locator("mark")).to_have_text(quote)
        assert panel.locator(".qa-headline").text_content() == f"Stichwort{number} {hostile}"
        assert page.evaluate("window.qaHacked") is None, hostile
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()


def test_hostile_texts_stay_text_on_pages_of_their_own(open_page: OpenPage, hostile_address: str) -> None:
    page = open_page(hostile_address, "articles")
    for number, hostile in enumerate(HOSTILE):
        page.goto(f"{hostile_address}article/h{number}")
        assert page.locator(".qa-text").text_content() == f"Stichwort{number} {hostile} Satzende{number}."
        assert page.evaluate("window.qaHacked") is None, hostile
        assert page.locator("img, iframe, svg").count() == 0, hostile


def test_nothing_ran_on_the_page_that_shows_hostile_titles(open_page: OpenPage, hostile_address: str) -> None:
    page = open_page(hostile_address)
    for number in range(4):
        expect(page.locator(".qa-starter").nth(number)).to_have_text(f"Stichwort{number} {HOSTILE[number]}")
    ask(page, "Stichwort0 Stichwort1 Satzende0 Satzende1")
    assert page.evaluate("window.qaHacked") is None


def test_a_stopped_server_is_told_in_the_panel(open_page: OpenPage, browser: Browser) -> None:
    page = open_page(forgive="ERR_FAILED")
    button = citation(ask(page))
    page.route("**/panel", lambda route: route.abort())
    button.click()
    expect(page.locator("#qa-panel").get_by_role("alert")).to_have_text(LABELS["en"].panel_failed)
