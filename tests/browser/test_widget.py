"""The widget in Chromium, on a page of another origin: what a visitor sees and does."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from qa.config import Settings
from tests.browser.axe import violations
from tests.browser.conftest import Serve
from tests.browser.hosts import DE, EN, TRAM, FullBot, Host, Visit, Visiting

pytestmark = pytest.mark.browser


def test_the_keyboard_alone_asks_reads_and_comes_back(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget)
    seen = visit()
    expect(seen.launch).to_have_attribute("aria-expanded", "false")
    assert [url for url in seen.requested if url.startswith(widget)] == [f"{widget}widget.js"]  # nothing before
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Tab")
    expect(seen.launch).to_be_focused()
    seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("dialog")).to_be_visible()
    expect(seen.launch).to_have_attribute("aria-expanded", "true")
    expect(seen.window.get_by_role("textbox")).to_be_focused()
    seen.page.keyboard.type(TRAM)
    seen.page.keyboard.press("Enter")
    said = seen.window.get_by_role("status")
    expect(said).to_contain_text("The new tram line will open on 12 May")
    expect(seen.window.locator(".answer [aria-live], .answer [role=status]")).to_have_count(0)
    for _ in range(20):
        seen.page.keyboard.press("Shift+Tab")
        if seen.window.locator(".cite:focus").count():
            break
    cite = seen.window.locator(".cite:focus")
    name = cite.get_attribute("aria-label") or ""
    cite.press("Enter")
    expect(seen.window.locator("mark")).to_be_focused()
    assert seen.window.locator(".text").inner_text().startswith("The new tram line")
    seen.page.keyboard.press("Escape")
    expect(seen.window.get_by_role("button", name=name)).to_be_focused()
    seen.page.keyboard.press("Escape")
    expect(seen.page.get_by_role("dialog")).to_be_hidden()
    expect(seen.launch).to_be_focused()
    expect(seen.launch).to_have_attribute("aria-expanded", "false")
    seen.page.keyboard.press("Enter")  # the conversation is still there
    expect(seen.window.locator(".turn")).to_have_count(1)


def test_the_answer_shows_quotes_with_source_language_and_repeats(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget)
    seen = visit()
    seen.launch.click()
    turn = seen.ask("Does the bridge Fährbrücke close for Autoverkehr and Radfahrer?")
    card = turn.locator(".card").first
    expect(card.get_by_role("heading")).to_have_text("Fährbrücke ab Montag gesperrt: Risse in zwei Pfeilern")
    expect(card.locator(".byline")).to_have_text("Hafenbote · 14 March 2025, 16:05 · German")
    expect(card.locator(".words").first).to_have_attribute("lang", "de")
    expect(card).to_contain_text("The same text also in: Nordpresse, 15 March 2025")
    card.locator(".cite").first.click()
    original = seen.window.get_by_role("link", name=EN["original"])
    expect(original).to_have_attribute("href", "https://hafenbote.example/faehrbruecke")
    expect(original).to_have_attribute("rel", "noopener noreferrer")
    expect(seen.window.locator("mark")).to_have_text(card.locator(".words").first.text_content() or "-")


def test_an_abstention_offers_passages_that_open(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget)
    seen = visit()
    seen.launch.click()
    turn = seen.ask("Quantum chromodynamics?")
    expect(turn.locator(".message")).to_have_text("The articles do not say.")
    expect(turn.locator(".card")).to_have_count(3)
    expect(turn).to_contain_text(EN["closest"])
    expect(seen.window.get_by_role("status")).to_have_text("The articles do not say.")
    turn.locator(".open").first.click()
    expect(seen.window.locator("mark").first).to_be_focused()


def test_a_follow_up_says_what_was_searched_for(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget)
    seen = visit()
    seen.launch.click()
    seen.ask()
    turn = seen.ask("and where does the harbour tram line go")
    search = f"{TRAM}: and where does the harbour tram line go"
    expect(turn.locator(".note").first).to_contain_text(f"Searched for: {search}")
    turn.get_by_role("button", name=EN["edit_name"]).click()
    expect(seen.window.get_by_role("textbox")).to_have_value(search)


@pytest.fixture
def full(visit: Visiting, host: Host, serve: Serve) -> tuple[Visit, FullBot]:
    """The widget over a `FullBot`, opened."""
    bot = FullBot()
    address = serve(bot, Settings(widget=True, allowed_origins=(host.origin,), log_questions=True))
    host.embed(address)
    seen = visit()
    seen.launch.click()
    return seen, bot


def test_the_phrase_that_answers_is_bold_and_a_repeat_is_named_beside(full: tuple[Visit, FullBot]) -> None:
    seen, _ = full
    expect(seen.window.locator("#welcome")).to_contain_text(EN["logged"])
    turn = seen.ask("repeat")
    expect(turn.locator("strong")).to_have_text("Fährbrücke")
    expect(turn.locator(".card")).to_have_count(1)
    expect(turn.locator(".card")).to_contain_text("also in [2] Harbour Post")
    turn.get_by_role("button", name="Citation 2").click()
    expect(seen.window.locator("mark")).to_have_text(
        "The new tram line will open on 12 May, the transport authority said."
    )


def test_figures_that_differ_stand_in_one_line(full: tuple[Visit, FullBot]) -> None:
    turn = full[0].ask("differ")
    expect(turn.locator(".differ")).to_have_text(
        "The sources differ: ab Montag [1] (Hafenbote, 14 March 2025), 12 May [2] (Harbour Post, undated)"
    )


def test_a_filter_is_shown_and_can_be_lifted(full: tuple[Visit, FullBot]) -> None:
    seen, _ = full
    turn = seen.ask("the bridge in 2025")
    expect(turn.locator(".only")).to_contain_text("Only articles: 2025 to 14 March 2025 · Hafenbote")
    turn.get_by_role("button", name=EN["without_filter_name"]).click()
    expect(seen.window.locator(".turn").last.locator("h2")).to_have_text("the bridge")
    expect(seen.window.locator(".turn").last.locator(".only")).to_have_count(0)


def test_a_list_of_articles_opens_each(full: tuple[Visit, FullBot]) -> None:
    seen, _ = full
    turn = seen.ask("list")
    expect(turn.locator(".card")).to_have_count(3)
    turn.get_by_role("button", name="Open article: “Sieben Eulenpaare im Moor”").click()
    expect(seen.window.locator(".text")).to_contain_text("Sumpfohreulen")


def test_prose_grows_above_quotes_that_stay_and_only_the_end_is_announced(full: tuple[Visit, FullBot]) -> None:
    seen, bot = full
    box = seen.window.get_by_role("textbox")
    box.fill("write")
    box.press("Enter")
    expect(seen.window.locator(".prose")).to_contain_text("Closed [1].")
    expect(seen.window.locator(".prose")).to_contain_text("is summing up")
    cite = seen.window.locator(".card .cite").first
    cite.focus()
    expect(seen.window.get_by_role("status")).to_be_empty()
    bot.go_on.set()
    expect(seen.window.locator(".prose-text")).to_have_text("Closed [1]. Open [2].")
    expect(seen.window.locator(".prose")).to_contain_text("Written by the language model tiny")
    expect(seen.window.locator(".prose")).to_contain_text(EN["left_out_one"])
    expect(seen.window.get_by_role("status")).to_contain_text(EN["found_many"].replace("{count}", "2"))
    expect(cite).to_be_focused()


def test_a_german_page_gets_a_german_widget(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget)
    host.lang = "de"
    try:
        seen = visit(locale="en-US")
    finally:
        host.lang = "en"
    expect(seen.launch).to_have_text("Frage an die Artikel")
    seen.launch.click()
    expect(seen.window.get_by_role("button", name=DE["send"], exact=True)).to_be_visible()
    assert seen.window.locator("html").get_attribute("lang") == "de"


def test_attributes_and_script_steer_it(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget, 'data-title="Archiv" data-position="top-left" data-accent="#ffe000" data-theme="dark" '
               'data-locale="de" data-starters="Was ist los? | Wer war da?"')  # fmt: skip
    seen = visit()
    seen.page.evaluate("""() => {
        window.seen = [];
        for (const name of ["ready", "answer", "error"])
            ArticleQA.addEventListener(name, ({ detail }) => window.seen.push([name, detail]));
        ArticleQA.ask("When will the tram line open?");
    }""")
    expect(seen.window.locator(".card").first).to_be_visible()
    expect(seen.launch).to_have_text("Archiv")
    assert seen.launch.bounding_box()["x"] == seen.launch.bounding_box()["y"] == 20
    assert seen.launch.evaluate("one => getComputedStyle(one).color") == "rgb(0, 0, 0)"
    assert seen.window.locator("body").evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(25, 24, 22)"
    told = seen.page.evaluate("window.seen")
    assert [name for name, _ in told] == ["ready", "answer"]
    assert sorted(told[1][1]) == ["ms", "quotes", "status"]  # neither the question nor the answer
    seen.page.evaluate("ArticleQA.close()")
    expect(seen.page.get_by_role("dialog")).to_be_hidden()
    seen.page.evaluate("ArticleQA.destroy()")
    expect(seen.launch).to_have_count(0)
    assert seen.page.evaluate("window.ArticleQA") is None


def test_starters_are_the_hosts_or_of_the_titles(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget, 'data-starters="When will the tram line open? | Wer war da?"')
    seen = visit()
    seen.launch.click()
    expect(seen.window.locator(".starter")).to_have_text([TRAM, "Wer war da?"])
    seen.window.locator(".starter").first.click()
    expect(seen.window.locator(".card").first).to_be_visible()
    host.embed(widget)
    seen = visit()
    seen.launch.click()
    expect(seen.window.locator(".starter")).to_have_count(3)
    host.embed(widget, 'data-starters=""')
    seen = visit()
    seen.launch.click()
    expect(seen.window.get_by_role("textbox")).to_be_focused()
    expect(seen.window.locator(".starter")).to_have_count(0)


def test_inline_it_stands_in_the_page(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget, 'data-mode="inline" data-target="#here"', '<div id="here"></div>')
    seen = visit()
    expect(seen.launch).to_have_count(0)
    expect(seen.window.get_by_role("heading", name="Ask the articles")).to_be_visible()
    expect(seen.ask().locator(".card").first).to_be_visible()
    assert seen.page.locator("#here").bounding_box()["height"] == 576
    seen.page.evaluate("ArticleQA.destroy()")
    expect(seen.page.locator("iframe")).to_have_count(0)


@pytest.mark.parametrize(("width", "height"), [(320, 568), (640, 400), (320, 256)])
def test_narrow_and_low_windows_are_filled_and_nothing_is_cut(
    visit: Visiting, host: Host, widget: str, width: int, height: int
) -> None:
    """640 by 400 is what 1280 by 800 has at 200 %, 320 by 256 what 1280 by 1024 has at 400 %."""
    host.embed(widget)
    seen = visit(viewport={"width": width, "height": height})
    seen.launch.click()
    dialog = seen.page.get_by_role("dialog")
    assert dialog.bounding_box() == {"x": 0, "y": 0, "width": width, "height": height}
    seen.ask()
    frame = seen.page.frames[1]
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in (seen.window.get_by_role("textbox"), seen.window.locator("#send")):
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    seen.page.evaluate("document.querySelector('a').focus()")  # the page behind is out of reach
    assert seen.page.evaluate("document.activeElement.tagName") != "A"
    seen.window.get_by_role("textbox").press("Escape")
    expect(seen.launch).to_be_focused()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing(blocking: Browser, host: Host, widget: str, colours: str) -> None:
    host.embed(widget)
    context = blocking.new_context(color_scheme=colours, bypass_csp=True, locale="en-US")
    seen = Visit(context.new_page())
    seen.page.goto(host.origin)
    seen.launch.click()
    seen.ask("Does the bridge Fährbrücke close for Autoverkehr and Radfahrer?")
    seen.ask("Quantum chromodynamics?")
    frame = seen.page.frames[1]
    assert violations(seen.page.main_frame) == []
    assert violations(frame) == []
    seen.window.locator(".cite").first.click()
    expect(seen.window.locator("mark")).to_be_focused()
    assert violations(frame) == []
    context.close()


def test_the_demo_page_shows_it_and_its_events(blocking: Browser, widget: str) -> None:
    page = blocking.new_page(locale="en-US")
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(f"{widget}widget-demo")
    expect(page.locator("#line")).to_contain_text(f'<script src="{widget}widget.js" defer></script>')
    page.get_by_role("button", name="ArticleQA.ask").click()
    expect(page.frame_locator("iframe").locator(".answer:not([aria-busy])")).to_be_visible()
    expect(page.locator("#events")).to_contain_text("answer {")
    assert errors == []
    page.close()
