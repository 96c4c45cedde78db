"""What stands around an answer in Chromium: stop, change, copy, save, say whether it is right, and the list of all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from qa.config import Settings
from qa.feedback import FeedbackFile
from qa.labels import LABELS
from qa.types import Answer, Only, Prose
from tests.browser.conftest import OpenPage, Serve, built
from tests.browser.fakes import ARTICLES, HOSTILE, FakeBot, make_article
from tests.browser.test_page import PHONE, QUESTION, ask, overflow

pytestmark = pytest.mark.browser

EN, DE = LABELS["en"], LABELS["de"]


class WaitingBot(FakeBot):
    """Answers a question with "slow" in it when it is told to; "prose" gets a sentence of prose each time it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Semaphore(0)
        self.closed = threading.Event()

    def answering(
        self, question: str, top: int = 4, history: tuple[str, ...] = (), only: Only | None = None
    ) -> Iterator[Answer]:
        if "slow" in question:
            self.go.acquire(timeout=30)
        answer = self.ask(question, top, history, only)
        if "prose" not in question:
            yield answer
            return
        try:
            text = ""
            while True:
                yield replace(answer, prose=Prose(text, "fake", complete=False))
                self.go.acquire(timeout=30)
                text = f"{text} Ein Satz [1].".strip()
        finally:
            self.closed.set()


@pytest.fixture
def bot(browser: Browser) -> Iterator[WaitingBot]:
    bot = WaitingBot()
    yield bot
    for _ in range(9):
        bot.go.release()


@pytest.fixture
def kept(tmp_path: Path) -> FeedbackFile:
    return FeedbackFile(tmp_path / "feedback.sqlite")


@pytest.fixture
def waiting(bot: WaitingBot, kept: FeedbackFile, serve: Serve) -> str:
    settings = Settings(concurrent=1, waiting=1, answer_seconds=30, feedback_file=kept.path, rate=10_000)
    return serve(bot, settings)


def send(page: Page, question: str) -> None:
    page.get_by_role("textbox").fill(question)
    page.get_by_role("textbox").press("Enter")


def taken(page: Page, address: str) -> float:
    text = page.request.get(f"{address}metrics").text()
    return float(next(line for line in text.splitlines() if line.startswith("article_qa_questions_taken ")).split()[1])


def until(told: object, page: Page) -> None:
    ends = time.monotonic() + 20
    while not told():
        assert time.monotonic() < ends
        page.wait_for_timeout(50)


def test_a_question_that_waits_is_stopped_and_its_place_is_free(
    open_page: OpenPage, waiting: str, bot: WaitingBot
) -> None:
    first, second = open_page(waiting), open_page(waiting)
    send(first, "slow tram line")
    until(lambda: taken(first, waiting) == 1, first)
    send(second, "slow tram line")
    until(lambda: taken(first, waiting) == 2, first)
    second.get_by_role("button", name="Stop").click()
    expect(second.locator(".qa-answer")).to_have_text(EN.stopped)
    expect(second.get_by_role("textbox")).to_be_focused()
    assert taken(first, waiting) == 1
    bot.go.release()
    expect(first.locator(".qa-copy")).to_have_count(1)
    assert len(bot.asked) == 1
    expect(second.get_by_role("button", name="Ask", exact=True)).to_be_enabled()


def test_prose_is_stopped_and_the_quotes_stay(open_page: OpenPage, waiting: str, bot: WaitingBot) -> None:
    page = open_page(waiting)
    send(page, "prose tram line")
    page.locator(".qa-cite").first.wait_for()
    bot.go.release()
    expect(page.locator(".qa-prose-text")).to_have_text("Ein Satz [1].")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".qa-prose")).to_have_text(EN.stopped_prose)
    expect(page.locator(".qa-answer .qa-cite").first).to_be_visible()
    bot.go.release()
    assert bot.closed.wait(10)
    until(lambda: taken(page, waiting) == 0, page)


def test_a_closed_page_asks_for_nothing_more(open_page: OpenPage, waiting: str, bot: WaitingBot) -> None:
    page, other = open_page(waiting), open_page(waiting)
    send(page, "slow tram line")
    until(lambda: taken(other, waiting) == 1, other)
    send(other, "slow tram line")
    until(lambda: taken(page, waiting) == 2, page)
    other.close()
    until(lambda: taken(page, waiting) == 1, page)


def test_busy_and_too_late_are_told_in_the_language_of_the_page(
    open_page: OpenPage, serve: Serve, bot: WaitingBot, kept: FeedbackFile
) -> None:
    settings = Settings(concurrent=1, waiting=0, answer_seconds=1.5, feedback_file=kept.path)
    address = serve(bot, settings)
    page, other = open_page(address, locale="de-DE"), open_page(address, locale="en-US")
    send(page, "slow tram line")
    until(lambda: taken(page, address) == 1, page)
    send(other, "tram line")
    expect(other.locator(".qa-answer")).to_have_text(EN.busy)
    expect(page.locator(".qa-answer")).to_have_text(DE.too_long.format(seconds="1,5"))
    bot.go.release()


def test_too_many_questions_are_told_in_german(open_page: OpenPage, serve: Serve, kept: FeedbackFile) -> None:
    address = serve(FakeBot(), Settings(rate=1, feedback_file=kept.path))
    page = open_page(address, locale="de-DE", forgive="429")
    ask(page)
    send(page, "Noch eine Frage?")
    expect(page.locator(".toast-wrap")).to_contain_text("Das waren zu viele Fragen in kurzer Zeit.")
    expect(page.get_by_role("textbox")).to_be_enabled()


def test_an_earlier_question_is_changed_and_asked_anew(open_page: OpenPage) -> None:
    page = open_page()
    ask(page)
    ask(page, "Where does the tram line go?")
    page.get_by_role("button", name=EN.again_name).first.click()
    box = page.get_by_role("textbox")
    expect(box).to_be_focused()
    expect(box).to_have_value(QUESTION)
    expect(page.get_by_text(EN.again_note)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text(EN.again_note)).to_have_count(0)
    expect(box).to_have_value("")
    page.get_by_role("button", name=EN.again_name).first.press("Enter")
    box.fill("Was kostet die Reparatur der Fährbrücke?")
    box.press("Enter")
    expect(page.locator(".qa-question")).to_have_text(["Was kostet die Reparatur der Fährbrücke?"])
    expect(page.locator(".qa-copy")).to_have_count(1)
    expect(page.get_by_text(EN.again_note)).to_have_count(0)
    ask(page, "Where does the tram line go?")
    expect(page.locator(".qa-question")).to_have_count(2)


def test_the_answer_is_copied_with_its_sources(open_page: OpenPage, address: str) -> None:
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = ask(page)
    answer.get_by_role("button", name=EN.copy_name).click()
    expect(answer.get_by_role("status")).to_have_text(EN.copied)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"## {QUESTION}\n\n> ")
    assert "(<https://hafenbote.example/faehrbruecke>), Hafenbote, 14 March 2025, 16:05" in copied
    assert f"]({address}article/{ARTICLES[0].id}#c" in copied


def test_the_conversation_is_saved_as_a_file(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    expect(page.get_by_role("button", name=EN.download)).to_have_count(0)
    ask(page)
    ask(page, "Capital of Australia")
    with page.expect_download() as saved:
        page.get_by_role("button", name=EN.download).click()
    assert saved.value.suggested_filename.startswith("article-qa-2")
    saved.value.save_as(tmp_path / "saved.md")
    text = (tmp_path / "saved.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        f"## {QUESTION}",
        "## Capital of Australia",
    ]
    assert "The articles do not say." in text


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desk", "phone"])
def test_verdicts_by_mouse_and_keyboard_are_kept(
    open_page: OpenPage, waiting: str, kept: FeedbackFile, screen: dict
) -> None:
    page = open_page(waiting, **screen)
    answer = ask(page)
    right = answer.get_by_role("button", name=EN.right)
    right.click()
    expect(answer.get_by_role("status")).to_have_text(EN.kept)
    expect(right).to_have_attribute("aria-pressed", "true")
    wrong = answer.get_by_role("button", name=EN.wrong)
    wrong.press("Enter")
    form = answer.get_by_role("group", name=EN.why)
    expect(form.get_by_role("radio").first).to_be_focused()
    assert overflow(page) == 0
    page.keyboard.press("Escape")
    expect(wrong).to_be_focused()
    expect(form).to_have_count(0)
    wrong.press("Enter")
    answer.get_by_role("radio", name=EN.why_old).check()
    answer.get_by_label(EN.remark).fill("Seit <b>Mai</b> offen")
    answer.get_by_role("button", name=EN.give).click()
    expect(wrong).to_have_attribute("aria-pressed", "true")
    expect(right).to_have_attribute("aria-pressed", "false")
    expect(wrong).to_be_focused()
    (row,) = kept.rows()
    assert (row.verdict, row.reason, row.remark) == ("wrong", "out of date", "Seit <b>Mai</b> offen")
    assert row.question == QUESTION
    assert row.quotes


def test_a_verdict_that_cannot_be_kept_is_told(open_page: OpenPage, serve: Serve, tmp_path: Path) -> None:
    settings = Settings(feedback_file=tmp_path / "missing" / "feedback.sqlite")
    address = serve(FakeBot(), settings)
    page = open_page(address, forgive="503")
    answer = ask(page)
    answer.get_by_role("button", name=EN.right).click()
    expect(answer.get_by_role("status")).to_have_text(EN.not_kept)


def test_hostile_titles_in_the_list_and_in_a_saved_conversation(
    open_page: OpenPage, serve: Serve, tmp_path: Path
) -> None:
    texts = [*HOSTILE, "\u202e\u2066umgedreht", "z" + "\u0301" * 10_000]
    articles = tuple(
        make_article(f"h{n}", f"Stichwort{n} {text}", title=f"Stichwort{n} {text}", outlet=text)
        for n, text in enumerate(texts)
    )
    address = serve(FakeBot(articles), Settings(feedback_file=tmp_path / "f.sqlite"))
    page = open_page(address, "articles", viewport={"width": 320, "height": 600})
    assert page.evaluate("window.qaHacked") is None
    assert overflow(page) == 0
    expect(page.locator(".qa-list li")).to_have_count(len(texts))
    assert page.locator("main img, main iframe, main svg, main script").count() == 0
    page.goto(f"{address}articles?q=%3Cscript%3Ewindow.qaHacked%3D1%3C%2Fscript%3E&sort=x&page=-1")
    expect(page.get_by_role("status")).to_contain_text("<script>window.qaHacked=1</script>")
    page.goto(address)
    built(page)
    answer = ask(page, "Stichwort3 [x](javascript:1)")
    answer.get_by_role("button", name=EN.right).click()
    expect(answer.get_by_role("status")).to_have_text(EN.kept)
    with page.expect_download() as saved:
        page.get_by_role("button", name=EN.download).click()
    saved.value.save_as(tmp_path / "saved.md")
    assert "](javascript:" not in (tmp_path / "saved.md").read_text(encoding="utf-8")
    assert page.evaluate("window.qaHacked") is None
    assert overflow(page) == 0


@pytest.mark.parametrize("screen", [{"width": 320, "height": 640}, {"width": 640, "height": 400}], ids=["320", "200 %"])
def test_narrow_and_enlarged_pages_fit(open_page: OpenPage, screen: dict) -> None:
    page = open_page(viewport=screen, locale="de-DE")
    assert overflow(page) == 0
    answer = ask(page)
    answer.get_by_role("button", name=DE.wrong).click()
    page.get_by_role("button", name=DE.again_name).click()
    assert overflow(page) == 0
    for button in page.locator("#qa-chat button:visible, #qa-ask button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= screen["width"]


def test_in_the_systems_colours_and_without_motion(open_page: OpenPage) -> None:
    page = open_page(forced_colors="active", reduced_motion="reduce")
    answer = ask(page)
    thumb = answer.get_by_role("button", name=EN.right)
    assert thumb.evaluate("element => getComputedStyle(element).borderStyle") == "solid"
    thumb.focus()
    page.keyboard.press("Tab")
    style = page.locator(":focus").evaluate("element => getComputedStyle(element).outlineStyle")
    assert style == "solid"
    moving = "[...document.querySelectorAll('.gradio-container *')].filter(e => getComputedStyle(e).animationName !== 'none')"
    assert page.evaluate(f"{moving}.length") == 0
