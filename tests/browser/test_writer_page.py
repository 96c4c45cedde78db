"""A writer's prose in a real browser: it grows above the quotes and leaves them, and the article beside them, alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from qa.bot import Bot
from qa.writer import OpenAIWriter
from tests.browser.conftest import OpenPage, Serve
from tests.llm_server import Asked, Connection, serving

pytestmark = pytest.mark.browser

WEAPONS = "which weapons did Seoul consider?"


def in_two_parts(connection: Connection, _: Asked) -> None:
    connection.start()
    connection.piece("Seoul could give Ukraine K9 howitzers [1]. And so it might ")
    connection.hold()
    connection.piece("think about it [1].")
    connection.end()


def test_prose_grows_above_the_quotes_and_leaves_them_alone(open_page: OpenPage, serve: Serve, seed_bot: Bot) -> None:
    with serving(in_two_parts) as server:
        bot = Bot(seed_bot.index, seed_bot.encoder, writer=OpenAIWriter(server.url, "tiny"))
        address = serve(bot)
        page = open_page(at=address)
        page.get_by_role("textbox").fill(WEAPONS)
        page.get_by_role("textbox").press("Enter")
        prose = page.locator(".qa-prose")
        expect(prose.locator(".qa-prose-text")).to_have_text("Seoul could give Ukraine K9 howitzers [1].")
        expect(prose).to_contain_text("is summing up")
        page.locator(".qa-source .qa-cite").first.click()
        expect(page.get_by_role("dialog").locator("mark")).to_be_focused()
        server.released.set()
        expect(prose).to_contain_text("think about it")
        expect(prose).to_contain_text("Written by the language model tiny")
        expect(page.get_by_role("dialog").locator("mark")).to_be_focused()
        expect(page.locator('.qa-source [aria-expanded="true"]')).to_have_count(1)
        top, below = prose.bounding_box(), page.locator(".qa-source").first.bounding_box()
        assert top is not None
        assert below is not None
        assert top["y"] + top["height"] < below["y"]
        page.keyboard.press("Escape")
        prose.locator(".qa-cite").first.click()
        expect(page.get_by_role("dialog").locator("mark")).to_have_text(seed_bot.ask(WEAPONS).citations[0].quote)
        expect(page.get_by_role("textbox")).to_be_enabled()
