"""Takes the documentation's pictures of a running page: ``python docs/screenshots.py --url http://127.0.0.1:7860/``.

The server needs its widget for the last one: ``QA_WIDGET=true qa serve``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parent / "images"
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


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7860/", help="address of the running page")
    parser.add_argument("--question", default="which weapons did Seoul consider?", help="what to ask it")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="browser to use")
    options = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"]
        browser = playwright.chromium.launch(executable_path=options.chromium, args=arguments)
        for shot in SHOTS:
            take(browser, shot, options.url, options.question)
        take_widget(browser, options.url, options.question)
        take_report(browser)
        browser.close()


if __name__ == "__main__":
    main()
