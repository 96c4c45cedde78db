"""Pages of another origin that hold the widget, visitors of them, and a bot whose answers have all that one can have."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from playwright.sync_api import FrameLocator, Page, expect

from qa.server.widget_texts import widget_texts
from qa.types import Figure, Only, Prose, Span
from tests.browser.fakes import FakeBot
from tests.browser.tabs import Tabs

TRAM = "When will the tram line open?"
EN, DE = widget_texts()["en"], widget_texts()["de"]

#: Whatever would keep something in the browser fails on every page.
NO_STORAGE = """
    for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"])
        Object.defineProperty(window, name, { get() { throw new Error(`${name} was touched`); } });
    Object.defineProperty(Document.prototype, "cookie", {
        get() { throw new Error("a cookie was read"); }, set() { throw new Error("a cookie was set"); },
    });
"""


@dataclass
class Host:
    """Another site: what its one page holds, the policy it sends, and what else it serves as plain text."""

    origin: str = ""
    body: str = ""
    policy: str = ""
    lang: str = "en"
    texts: dict[str, Callable[[], str]] = field(default_factory=dict)

    def embed(self, address: str, attributes: str = "", body: str = "") -> None:
        """Put the widget on the page, under a policy that allows nothing but what the documentation names."""
        server = address.rstrip("/")
        self.policy = (
            f"default-src 'none'; img-src data:; script-src {server}; frame-src {server}; connect-src 'self'; "
            "require-trusted-types-for 'script'; base-uri 'none'; form-action 'none'"
        )
        self.body = (
            f'<main><h1>Intranet</h1><a href="#">News</a>{body}</main>'
            f'<script src="{address}widget.js" defer {attributes}></script>'
        )


@contextlib.contextmanager
def hosting() -> Iterator[Host]:
    """A server of another origin, and of another site: ``localhost``, where ours is ``127.0.0.1``."""
    host = Host()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = host.texts.get(self.path)
            page = (
                f'<!doctype html><html lang="{host.lang}"><meta charset="utf-8"><title>Intranet</title>'
                '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
                f"<body>{host.body}</body></html>"
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/plain" if text else "text/html; charset=utf-8")
            if not text:
                self.send_header("Content-Security-Policy", host.policy)
            self.end_headers()
            self.wfile.write((text() if text else page).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host.origin = f"http://localhost:{server.server_port}"
        try:
            yield host
        finally:
            server.shutdown()
            thread.join(10)


@dataclass
class Visit:
    """A visitor's page with everything the browser requested and complained about."""

    page: Page
    requested: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def window(self) -> FrameLocator:
        """Inside the widget's frame."""
        return self.page.frame_locator("iframe")

    @property
    def launch(self) -> Any:
        """The widget's button."""
        return self.page.locator("button.launch")

    def ask(self, question: str = TRAM) -> Any:
        """Type a question and wait for its answer."""
        box = self.window.get_by_role("textbox")
        box.fill(question)
        box.press("Enter")
        turn = self.window.locator(".turn").last
        expect(turn.locator(".answer:not([aria-busy])")).to_be_visible()
        return turn


Visiting = Callable[..., Visit]


@contextlib.contextmanager
def visiting(tabs: Tabs, host: Host) -> Iterator[Visiting]:
    """Opens the host's page; fails afterwards on a request to a third origin, on errors and on cookies.

    Args:
        tabs: Of a browser that blocks the cookies of other sites, with the script `NO_STORAGE`.
        host: What the page holds, and from where.
    """
    opened = []

    def open_one(address: str = "", forgive: str | None = None, **options: Any) -> Visit:
        options.setdefault("locale", "en-US")
        tab = tabs.take(options)
        visit = Visit(tab.page)
        listeners = {
            "request": lambda sent: visit.requested.append(sent.url),
            "pageerror": lambda error: visit.errors.append(str(error)),
            "console": lambda said: visit.errors.append(said.text) if said.type == "error" else None,
        }
        opened.append((visit, forgive, tab, listeners))
        for event, listener in listeners.items():
            visit.page.on(event, listener)
        visit.page.goto(address or host.origin)
        return visit

    yield open_one
    cookies = []
    for visit, _, tab, listeners in opened:
        cookies += visit.page.context.cookies()
        for event, listener in listeners.items():
            visit.page.remove_listener(event, listener)
        tabs.give_back(tab)
    known = (host.origin + "/", "http://127.0.0.1:", "data:")
    for visit, forgive, *_ in opened:
        assert [url for url in visit.requested if not url.startswith(known)] == []
        assert [error for error in visit.errors if forgive is None or forgive not in error] == []
    assert cookies == []


class FullBot(FakeBot):
    """Answers with all that an answer can have: what two articles say, in two steps where a writer has a part."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def answering(self, question, top=4, history=(), only=None):
        found = super().ask("tram Fährbrücke line Autoverkehr Montag open", 4)
        bridge, tram = (next(c for c in found.citations if c.lang == lang) for lang in ("de", "en"))
        cited = (
            replace(bridge, number=1, highlight=Span(21, 31)),
            replace(tram, number=2, same_as=1 if "repeat" in question else None),
        )
        answer = replace(found, question=question, searched_for=question, lang="en", citations=cited)
        if "differ" in question:
            figures = (Figure(1, "ab Montag", 1.0, 0, 0), Figure(2, "12 May", 12.0, 0, 0))
            answer = replace(answer, figures=figures)
        if "2025" in question:
            answer = replace(answer, searched_for="the bridge", only=Only("2025", "2025-03-14", ("Hafenbote",)))
        if "list" in question:
            answer = replace(answer, status="about", message="There are 3.", citations=(), articles=self.articles())
        if "write" in question:
            yield replace(answer, prose=Prose("Closed [1].", "tiny", complete=False))
            assert self.go_on.wait(30)
            answer = replace(answer, prose=Prose("Closed [1]. Open [2].", "tiny", faults=("figure",)))
        yield answer
