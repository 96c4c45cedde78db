"""The door in Chromium: a key asked for by the browser, the page of the API, who may embed the page."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect

from qa.config import Settings
from qa.server.tokens import TokenFile
from tests.browser.conftest import OpenPage, Serve
from tests.browser.fakes import FakeBot
from tests.browser.test_page import ask, citation

pytestmark = pytest.mark.browser


def test_with_a_key_the_browser_reads_the_page_and_without_it_nothing(
    open_page: OpenPage, serve: Serve, browser: Browser, tmp_path: Path
) -> None:
    keys = TokenFile(tmp_path / "tokens.json")
    login = {"username": "anyone", "password": keys.add("me")}
    address = serve(FakeBot(), Settings(auth="token", token_file=keys.path))
    # The browser reports the first reply, which asks for the key.
    page = open_page(address, http_credentials=login, forgive="401")
    citation(ask(page)).click()
    expect(page.locator("mark").first).to_be_visible()
    page.goto(f"{address}article/tram-77aa")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tram line to the harbour opens in May")
    stranger = browser.new_page()
    with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
        stranger.goto(address)
    stranger.close()
    page.close()  # no other test has this key


def test_the_page_of_the_api_shows_and_tries_every_operation(open_page: OpenPage) -> None:
    page = open_page(path="docs#ask")
    expect(page.get_by_role("heading", level=1)).to_have_text("article-qa: API")
    expect(page.locator("details")).to_have_count(7)
    operation = page.locator("details#ask")
    operation.get_by_label("Body").fill('{"question": "When does the tram line open?"}')
    operation.get_by_role("button", name="Send").click()
    expect(operation.get_by_role("status")).to_contain_text('"status": "answered"')


@contextlib.contextmanager
def host_page() -> Iterator[str]:
    """The origin of another site, whose page has an empty frame."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'<!doctype html><title>Intranet</title><link rel="icon" href="data:,"><iframe id="qa"></iframe>'
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.parametrize(("allowed", "path"), [(True, ""), (False, ""), (True, "article/tram-77aa")])
def test_an_allowed_origin_embeds_the_page_and_nothing_else(
    browser: Browser, serve: Serve, allowed: bool, path: str
) -> None:
    with host_page() as host:
        origins = (host if allowed else "http://other.example",)
        address = serve(FakeBot(), Settings(allowed_origins=origins))
        page = browser.new_page()
        page.goto(host)
        embed = "address => { document.getElementById('qa').src = address }"
        if allowed and not path:
            page.evaluate(embed, address)
            expect(page.frame_locator("#qa").get_by_role("textbox")).to_be_visible()
        else:  # the owner of the host page finds out why
            with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
                page.evaluate(embed, address + path)
        page.close()


def test_an_allowed_page_calls_the_api_and_another_does_not(browser: Browser, serve: Serve) -> None:
    call = """address => fetch(address + "api/ask", {
        method: "POST", headers: {"Content-Type": "application/json"}, body: '{"question": "the tram line?"}',
    }).then(reply => reply.json()).then(answer => answer.status, error => error.name)"""
    with contextlib.ExitStack() as stack:
        allowed, other = stack.enter_context(host_page()), stack.enter_context(host_page())
        address = serve(FakeBot(), Settings(allowed_origins=(allowed,)))
        page = browser.new_page()
        page.goto(allowed)
        assert page.evaluate(call, address) == "answered"
        page.goto(other)
        assert page.evaluate(call, address) == "TypeError"
        page.close()
