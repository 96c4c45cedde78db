"""Takes the documentation's pictures: ``make screenshots``.

It serves the articles of seeds/ on a free port for it; ``--url`` takes those of a server that runs already,
which needs its widget (``QA_WIDGET=true qa serve``).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parent / "images"
SEEDS = Path(__file__).resolve().parent.parent / "seeds"
REPORT = Path(__file__).resolve().parent.parent / "eval" / "reports" / "questions" / "report.html"


@dataclass(frozen=True)
class Shot:
    """One picture: which screen, in which colours and language, and whether the first citation is open."""

    name: str
    width: int = 1280
    height: int = 800
    scale: float = 1.0
    locale: str = "en-GB"
    colours: Literal["light", "dark"] = "light"
    panel: bool = False


SHOTS = (
    Shot("page"),
    Shot("panel", panel=True),
    Shot("phone", width=390, height=844, scale=2.0),
    Shot("dark", locale="de-DE", colours="dark", panel=True),
)


def take(browser: Browser, shot: Shot, url: str, question: str) -> None:
    """Ask the question and write the picture."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        device_scale_factor=shot.scale,
        locale=shot.locale,
        color_scheme=shot.colours,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    page.get_by_role("textbox").fill(question)
    page.get_by_role("textbox").press("Enter")
    page.locator(".qa-answer").wait_for()
    if shot.panel:
        page.locator(".qa-cite").first.click()
        page.locator("#qa-panel mark").wait_for()
    page.evaluate("document.activeElement?.blur()")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=IMAGES / f"{shot.name}.png", animations="disabled")
    context.close()


def take_listing(browser: Browser, url: str) -> None:
    """The list of the articles."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page.goto(f"{url}articles")
    page.screenshot(path=IMAGES / "articles.png")
    page.close()


def take_widget(browser: Browser, url: str, question: str) -> None:
    """The widget over the page it is tried on."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{url}widget-demo")
    page.evaluate("question => ArticleQA.ask(question)", question)
    page.frame_locator("iframe").locator(".answer:not([aria-busy])").wait_for()
    page.evaluate("document.fonts.ready")
    page.screenshot(path=IMAGES / "widget.png", animations="disabled")
    context.close()


def take_report(browser: Browser) -> None:
    """The plots at the head of the committed report."""
    page = browser.new_page(viewport={"width": 900, "height": 1180})
    page.goto(REPORT.as_uri())
    page.screenshot(path=IMAGES / "report.png")
    page.close()


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Serve seeds/ with the widget and give the address."""
    with tempfile.TemporaryDirectory() as index:
        command = [sys.executable, "-u", "-m", "qa", "serve", "--articles", str(SEEDS), "--index", index, "--port", "0"]
        server = subprocess.Popen(
            command,
            env={**os.environ, "QA_WIDGET": "true"},
            stdout=subprocess.PIPE,
            text=True,
            stderr=subprocess.STDOUT,
        )
        try:
            told = ""
            for told in server.stdout or ():
                if "http://" in told:
                    break
            address = next((word for word in told.split() if word.startswith("http://")), None)
            if address is None:
                raise SystemExit(f"the server did not start: {told.strip()}")
            yield address
        finally:
            server.terminate()
            server.communicate()


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="address of a running page; without it one is started")
    parser.add_argument("--question", default="which weapons did Seoul consider?", help="what to ask it")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="browser to use")
    options = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright, contextlib.ExitStack() as stack:
        url = options.url or stack.enter_context(serving())
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"]
        browser = playwright.chromium.launch(executable_path=options.chromium, args=arguments)
        for shot in SHOTS:
            take(browser, shot, url, options.question)
        take_listing(browser, url)
        take_widget(browser, url, options.question)
        take_report(browser)
        browser.close()


if __name__ == "__main__":
    main()
