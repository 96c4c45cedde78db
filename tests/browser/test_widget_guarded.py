"""What the widget withstands in Chromium: strangers, lost servers, blocked cookies, hostile texts; and its tokens."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Browser, expect

from qa.config import Settings
from qa.types import Source
from qa.web import PageServer, bind, create_app
from tests.browser.conftest import Serve, start_server
from tests.browser.fakes import HOSTILE, FakeBot, make_article
from tests.browser.hosts import EN, TRAM, Host, Visit, Visiting

pytestmark = pytest.mark.browser


def test_cookies_of_other_sites_are_blocked_and_it_works(blocking: Browser, host: Host, widget: str) -> None:
    host.embed(widget)
    context = blocking.new_context(locale="en-US")
    seen = Visit(context.new_page())
    seen.page.goto(host.origin)
    seen.launch.click()
    expect(seen.window.get_by_role("textbox")).to_be_focused()
    seen.page.frames[1].evaluate("document.cookie = 'a=1; SameSite=None; Secure'; document.cookie = 'b=2'")
    assert context.cookies() == []
    expect(seen.ask().locator(".card").first).to_be_visible()
    context.close()


def test_an_origin_that_is_not_allowed_sees_a_message_and_its_owner_the_reason(
    visit: Visiting, host: Host, serve: Serve
) -> None:
    address = serve(FakeBot(), Settings(widget=True, allowed_origins=("https://other.example",)))
    host.embed(address)
    seen = visit(forgive="")
    seen.launch.click()
    expect(seen.page.get_by_role("alert")).to_contain_text("cannot be reached from here")
    expect(seen.page.locator("iframe")).to_have_count(0)
    expect(seen.page.get_by_role("button", name="Try again")).to_be_focused()
    assert any("frame-ancestors" in error for error in seen.errors)
    assert any(f'"{host.origin}" is missing in allowed_origins' in error for error in seen.errors)
    seen.page.keyboard.press("Escape")
    expect(seen.launch).to_be_focused()


def test_a_server_that_goes_and_comes_back(visit: Visiting, host: Host) -> None:
    settings = Settings(widget=True, allowed_origins=(host.origin,))
    with contextlib.ExitStack() as stack:
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        address = f"http://127.0.0.1:{port}/"
        host.embed(address)
        with listener, running(settings, listener):
            seen = visit(forgive="ERR_CONNECTION_REFUSED")
            seen.launch.click()
            seen.ask()
        turn = seen.ask("What do tickets for the bus cost?")
        expect(turn.get_by_role("alert")).to_contain_text(EN["failures"]["offline"])
        seen.window.locator(".turn").first.locator(".cite").first.click()
        expect(seen.window.locator("#reader").get_by_role("alert")).to_contain_text(EN["failures"]["offline"])
        seen.page.keyboard.press("Escape")
        listener = stack.enter_context(bind("127.0.0.1", port))
        stack.enter_context(running(settings, listener))
        turn.get_by_role("button", name=EN["again"]).click()
        expect(seen.window.locator(".turn").last.locator(".card").first).to_be_visible()
        expect(seen.window.get_by_role("alert")).to_have_count(0)


@contextlib.contextmanager
def running(settings: Settings, listener: Any) -> Iterator[None]:
    ready = threading.Event()
    server = PageServer(create_app(FakeBot(), settings=settings), ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert ready.wait(30)
        yield
    finally:
        server.should_exit = True
        thread.join(30)


def test_a_window_that_cannot_load_is_told_and_loads_when_the_server_is_there(
    visit: Visiting, host: Host, widget: str
) -> None:
    host.embed(widget)
    seen = visit(forgive="")
    seen.page.route("**/widget?*", lambda route: route.abort())
    seen.page.evaluate("ArticleQA.addEventListener('error', ({ detail }) => { window.why = detail.type; })")
    seen.launch.click()
    expect(seen.page.get_by_role("alert")).to_be_visible()
    assert seen.page.evaluate("window.why") == "unreachable"
    seen.page.unroute("**/widget?*")
    seen.page.get_by_role("button", name="Try again").click()
    expect(seen.window.get_by_role("textbox")).to_be_focused()


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("QAError now", "not-ready"),
        ("RuntimeError now", "other"),
        ("", "question_empty"),
        ("ä" * 2001, "question_long"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(
    visit: Visiting, host: Host, widget: str, question: str, says: str
) -> None:
    host.embed(widget)
    seen = visit(forgive="Failed to load resource")
    seen.launch.click()
    box = seen.window.get_by_role("textbox")
    box.fill(question)
    box.press("Enter")
    wanted = EN["failures"].get(says) or EN[says].replace("{length}", "2001").replace("{limit}", "2000")
    expect(seen.window.get_by_role("alert")).to_contain_text(wanted)
    if len(question) > 2000:
        expect(box).to_have_value(question)


def test_too_many_questions_are_told_when_to_go_on(visit: Visiting, host: Host, serve: Serve) -> None:
    address = serve(FakeBot(), Settings(widget=True, allowed_origins=(host.origin,), rate=1))
    host.embed(address, 'data-starters=""')
    seen = visit(forgive="429")
    seen.launch.click()
    seen.ask()
    expect(seen.ask().get_by_role("alert")).to_contain_text(re.compile("The next one is welcome in [456]. s"))


def test_added_and_removed_by_script_there_is_one_or_none(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget)
    host.body = "<main><h1>Intranet</h1></main>"
    host.policy = "default-src 'none'; img-src data:; script-src *; frame-src *"
    seen = visit()
    add = """([address, stays]) => new Promise((done) => {
        const script = document.createElement("script");
        script.src = address;
        script.onload = done;
        document.body.append(script);
        if (!stays) script.remove();
    })"""
    for stays, buttons in ((False, 0), (True, 1), (True, 1)):
        seen.page.evaluate(add, [f"{widget}widget.js", stays])
        expect(seen.launch).to_have_count(buttons)
    seen.page.evaluate("ArticleQA.destroy()")
    expect(seen.launch).to_have_count(0)
    seen.page.evaluate(add, [f"{widget}widget.js", True])
    seen.launch.click()
    expect(seen.ask().locator(".card").first).to_be_visible()


def test_a_running_question_can_be_stopped(visit: Visiting, host: Host, serve: Serve) -> None:
    settings = Settings(widget=True, allowed_origins=(host.origin,))
    address = serve(FakeBot(delay=3), settings)
    host.embed(address)
    seen = visit()
    seen.launch.click()
    box = seen.window.get_by_role("textbox")
    box.fill(TRAM)
    box.press("Enter")
    expect(seen.window.locator(".answer")).to_contain_text(EN["searching"])
    seen.window.get_by_role("button", name=EN["stop"], exact=True).click()
    expect(seen.window.locator(".answer")).to_have_text(EN["stopped"])
    expect(seen.window.get_by_role("button", name=EN["send"], exact=True)).to_be_visible()


SECRET = "s" * 32


def signed(seconds: int) -> str:
    now = int(time.time())
    return jwt.encode({"aud": "article-qa", "iat": now - 500, "exp": now + seconds, "sub": "ada"}, SECRET, "HS256")


def test_tokens_come_from_the_host_page_and_are_renewed(
    visit: Visiting, host: Host, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(SECRET, encoding="utf-8")
    given = [signed(-100), signed(60)]  # the first one has run out by the time it is used
    settings = Settings(widget=True, auth="jwt", jwt_key=tmp_path / "key", allowed_origins=(host.origin,))
    address = serve(FakeBot(), settings)
    host.texts["/qa-token"] = lambda: given.pop(0)
    host.embed(address, 'data-token-url="/qa-token" data-starters=""')
    seen = visit(forgive="401")
    seen.launch.click()
    turn = seen.ask()
    expect(turn.get_by_role("alert")).to_contain_text(EN["failures"]["unauthenticated"])
    turn.get_by_role("button", name=EN["again"]).click()
    card = seen.window.locator(".card").first
    expect(card).to_be_visible()
    card.locator(".cite").first.click()
    expect(seen.window.locator("mark")).to_be_focused()
    assert not any(".".join(signed(60).split(".")[:1]) in url for url in seen.requested)
    host.embed(address, 'data-starters=""')
    bare = visit()
    bare.launch.click()
    expect(bare.ask().get_by_role("alert")).to_contain_text(EN["failures"]["no-token"])
    given.append(signed(60))
    bare.page.evaluate("token => ArticleQA.setToken(async () => token)", given.pop())
    bare.window.get_by_role("button", name=EN["again"]).click()
    expect(bare.window.locator(".card").first).to_be_visible()


def test_messages_of_others_are_not_taken(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget)
    seen = visit()
    seen.launch.click()
    expect(seen.window.get_by_role("textbox")).to_be_focused()
    heard = "window.heard = []; ArticleQA.addEventListener('answer', () => heard.push(1))"
    seen.page.evaluate(heard)
    # The page to itself, and the frame to itself: the source is another one.
    seen.page.evaluate("postMessage({ articleQA: 1, type: 'answer', status: 'answered' }, location.origin)")
    seen.page.evaluate("postMessage({ articleQA: 1, type: 'close' }, location.origin)")
    frame = seen.page.frames[1]
    frame.evaluate("postMessage({ articleQA: 1, type: 'ask', question: 'forged' }, location.origin)")
    # From the right frame, but no message of ours.
    frame.evaluate("origin => { parent.postMessage('close', origin); parent.postMessage(null, origin); }", host.origin)
    seen.ask()
    expect(seen.window.locator(".turn")).to_have_count(1)
    expect(seen.page.get_by_role("dialog")).to_be_visible()
    assert seen.page.evaluate("window.heard") == [1]


def test_a_frame_without_the_loader_works_and_obeys_nobody(visit: Visiting, host: Host, widget: str) -> None:
    host.embed(widget)
    host.body = f'<iframe title="QA" src="{widget}widget?locale=de&title=Archiv" width="400" height="600"></iframe>'
    seen = visit()
    expect(seen.window.get_by_role("heading", name="Archiv")).to_be_visible()
    expect(seen.ask().locator(".card").first).to_be_visible()


HOSTILE_ARTICLES = tuple(
    make_article(
        f"h{n}",
        f"Stichwort{n} {text} Satzende{n}.\n\nNoch ein Absatz.",
        title=f"Stichwort{n} {text}",
        outlet=text,
        author=text,
        url="javascript:window.qaHacked=1" if n % 2 else "https://ok.example/\u202e\"onclick='1",
        also=(Source(path=text, outlet=text, url=" javascript:window.qaHacked=1"),),
    )
    for n, text in enumerate([*HOSTILE, "links \u202e rechts \u2066 \u200f", "heap a" + "\u0301" * 10_000])
)


@pytest.fixture(scope="module")
def hostile(host: Host, browser: Browser) -> Iterator[str]:
    settings = Settings(widget=True, allowed_origins=(host.origin,), rate=10_000)
    with start_server(FakeBot(HOSTILE_ARTICLES), settings) as address:
        yield address


def test_hostile_texts_stay_text_and_within_their_place(visit: Visiting, host: Host, hostile: str) -> None:
    host.embed(hostile)
    seen = visit()
    seen.launch.click()
    for number, article in enumerate(HOSTILE_ARTICLES):
        ask_about_hostile(seen, number, article.outlet or "")


def ask_about_hostile(seen: Visit, number: int, text: str) -> None:
    """Ask, read the answer, open its article and come back."""
    question = f"Stichwort{number} Satzende{number} {text}"[:2000]
    turn = seen.ask(question)
    assert turn.locator("h2").text_content() == question
    card = turn.locator(".card").filter(has_text=f"Satzende{number}.").first
    assert card.locator(".words").first.text_content() == f"Stichwort{number} {text} Satzende{number}."
    assert card.locator("h3").text_content() == f"Stichwort{number} {text}"
    card.locator(".cite").first.click()
    mark = seen.window.locator("mark")
    expect(mark).to_be_focused()
    assert mark.text_content() == f"Stichwort{number} {text} Satzende{number}."
    # What turns the direction of writing turns only its own words: outlet and author stand in their order.
    places = seen.window.locator("#reader .byline bdi").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(at => [at.top, at.left, at.right])"
    )
    assert len(places) == 2
    assert places[0][0] < places[1][0] or places[0][2] <= places[1][1]
    hrefs = seen.window.locator("#reader a").evaluate_all("all => all.map(one => one.protocol)")
    assert set(hrefs) <= {"http:", "https:"}
    assert seen.window.locator("img, svg, iframe, object, script:not([src])").count() == 0
    frame = seen.page.frames[1]
    assert frame.evaluate("window.qaHacked") is None
    assert seen.page.evaluate("window.qaHacked") is None
    room = frame.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert room[0] <= room[1]
    # What is heaped up is clipped by its own block: the button over the text can still be reached.
    seen.window.get_by_role("button", name=EN["back"]).click(timeout=5000)
    expect(seen.window.locator("#talk")).to_be_visible()


def test_hostile_titles_as_first_questions_do_not_run(visit: Visiting, host: Host, hostile: str) -> None:
    host.embed(hostile)
    seen = visit()
    seen.launch.click()
    expect(seen.window.locator(".starter")).to_have_count(3)
    assert seen.page.frames[1].evaluate("window.qaHacked") is None
