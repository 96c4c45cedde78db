"""A real server and Debian's Chromium, which reports every request and every error."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from qa.config import Settings
from qa.web import PageServer, bind, create_app
from tests.browser.fakes import FakeBot
from tests.browser.hosts import NO_STORAGE, Host, Visiting, hosting, visiting
from tests.browser.tabs import Tabs

if TYPE_CHECKING:
    from qa.bot import Bot

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]

# Playwright gives up after 5 s; a shared machine with two cores may be busy for longer than that.
expect.set_options(timeout=30_000)


@contextlib.contextmanager
def start_server(bot: Bot | FakeBot, settings: Settings | None = None) -> Iterator[str]:
    """Serve ``bot`` on a free port of 127.0.0.1 and give the page's address."""
    ready = threading.Event()
    with bind("127.0.0.1", 0) as listener:
        server = PageServer(create_app(bot, settings=settings), ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert ready.wait(30), "the server did not start"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(scope="package")  # idle, it would take a twentieth of a core and 500 MB from the tests that follow
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is missing: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI=true but {message}")
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def address(browser: Browser) -> Iterator[str]:
    with start_server(FakeBot()) as address:
        yield address


@dataclass
class Seen:
    """What the browser saw go wrong: requests to another origin, failed ones, errors in scripts."""

    strangers: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def built(page: Page) -> None:
    """Wait until Gradio's script has built the page and our styles have hidden the second box, which only a script fills."""
    page.locator("#qa-cut").wait_for(state="attached")
    expect(page.get_by_role("textbox")).to_have_count(1)


OpenPage = Callable[..., Page]
Serve = Callable[..., str]


@pytest.fixture(scope="package")
def tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def serve(browser: Browser) -> Iterator[Serve]:
    """Starts servers, as `start_server` does, that are there until no page of the test is.

    A browser asks for the icon of a page after the page has loaded, and Gradio's script for news of its server as long
    as it is open: where nobody answers any more, that is an error.
    """
    with contextlib.ExitStack() as stack:
        yield lambda bot, settings=None: stack.enter_context(start_server(bot, settings))


@pytest.fixture
def open_page(tabs: Tabs, address: str, serve: Serve) -> Iterator[OpenPage]:
    """Opens the page in a browser of its own; keywords are those of Playwright's ``new_context``.

    After the test it fails on any request to another origin, on anything that a page stored, and on any error the
    browser reported that does not hold the text ``forgive``.
    """
    seen = Seen()
    taken = []

    def open_one(at: str = address, path: str = "", forgive: str | None = None, **options: Any) -> Page:
        def note(text: str) -> None:
            if forgive is None or forgive not in text:
                seen.failures.append(text)

        options.setdefault("locale", "en-US")
        tab = tabs.take(options)
        page = tab.page
        origins = (at, "data:", "blob:")
        listeners = {
            "request": lambda sent: seen.strangers.append(sent.url) if not sent.url.startswith(origins) else None,
            "pageerror": lambda error: note(str(error)),
            "console": lambda said: note(said.text) if said.type == "error" else None,
        }
        taken.append((tab, listeners))
        for event, listener in listeners.items():
            page.on(event, listener)
        page.goto(at + path)
        if not path:
            built(page)
        return page

    yield open_one
    stored = 0
    for tab, listeners in taken:
        if tab.page.url.startswith("http") and not tab.page.is_closed():
            stored += tab.page.evaluate("localStorage.length + sessionStorage.length")
        for event, listener in listeners.items():
            tab.page.remove_listener(event, listener)
        tabs.give_back(tab)
    assert stored == 0
    assert seen.strangers == []
    assert seen.failures == []


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Another site, which may embed the widget of `widget`."""
    with hosting() as host:
        yield host


@pytest.fixture(scope="module")
def widget(host: Host, browser: Browser) -> Iterator[str]:
    """Address of a server with the widget on."""
    with start_server(FakeBot(), Settings(widget=True, allowed_origins=(host.origin,), rate=10_000)) as address:
        yield address


@pytest.fixture(scope="package")
def blocking(browser: Browser) -> Iterator[Browser]:
    """Chromium that blocks the cookies of other sites."""
    browser = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, "--test-third-party-cookie-phaseout"])
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def strict_tabs(blocking: Browser) -> Tabs:
    """Where whatever would keep something fails."""
    return Tabs(blocking, NO_STORAGE)


@pytest.fixture
def visit(strict_tabs: Tabs, host: Host, serve: Serve) -> Iterator[Visiting]:
    """Opens the host's page; `visiting` says what it watches."""
    with visiting(strict_tabs, host) as visit:
        yield visit
