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
from tests.browser.hosts import Host, Visiting, hosting, visiting

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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def address(browser: Browser) -> Iterator[str]:
    with start_server(FakeBot()) as address:
        yield address


@dataclass
class Seen:
    """What the browser saw go wrong: requests to another origin, failed ones, errors in scripts."""

    strangers: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Opens the page in a browser of its own; keywords are those of Playwright's ``new_context``.

    After the test it fails on any request to another origin, and on any error the browser reported that does not hold
    the text ``forgive``.
    """
    seen = Seen()
    contexts = []

    def open_one(at: str = address, path: str = "", forgive: str | None = None, **options: Any) -> Page:
        def note(text: str) -> None:
            if forgive is None or forgive not in text:
                seen.failures.append(text)

        options.setdefault("locale", "en-US")
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        origins = (at, "data:", "blob:")
        page.on("request", lambda sent: seen.strangers.append(sent.url) if not sent.url.startswith(origins) else None)
        page.on("pageerror", lambda error: note(str(error)))
        page.on("console", lambda said: note(said.text) if said.type == "error" else None)
        page.goto(at + path)
        if not path:
            page.get_by_role("textbox").wait_for()
        return page

    yield open_one
    for context in contexts:
        context.close()
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


@pytest.fixture(scope="module")
def blocking(browser: Browser) -> Iterator[Browser]:
    """Chromium that blocks the cookies of other sites."""
    browser = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, "--test-third-party-cookie-phaseout"])
    yield browser
    browser.close()


@pytest.fixture
def visit(blocking: Browser, host: Host) -> Iterator[Visiting]:
    """Opens the host's page; `visiting` says what it watches."""
    with visiting(blocking, host) as visit:
        yield visit
