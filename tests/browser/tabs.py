"""Tabs of Chromium, kept from test to test: the page takes 1.8 s of CPU time in a new one, 0.4 s in one that has had it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Tabs that wait for a test; each is a process of about 100 MB.
KEPT = 4
#: What a tab can be given anew, and what it has unless it is asked for; everything else makes a context.
MEDIA = {
    "color_scheme": "light",
    "contrast": "no-preference",
    "forced_colors": "none",
    "reduced_motion": "no-preference",
}
VIEWPORT = {"width": 1280, "height": 800}


@dataclass(frozen=True)
class Tab:
    """A tab in a context of its own, and how that was made."""

    page: Page
    made: str


class Tabs:
    """Tabs of one browser; no two of them share a context, and none of them keeps a trace of the test before.

    Args:
        browser: Whose tabs they are.
        script: Run in every document before its own.
    """

    def __init__(self, browser: Browser, script: str = "") -> None:
        self._browser = browser
        self._script = script
        self._free: list[Tab] = []

    def take(self, options: dict[str, Any]) -> Tab:
        """An empty tab with these options of Playwright's ``new_context``; `VIEWPORT` and `MEDIA` are its defaults."""
        fixed = {name: value for name, value in options.items() if name not in MEDIA and name != "viewport"}
        made = json.dumps(fixed, sort_keys=True)
        tab = next((tab for tab in reversed(self._free) if tab.made == made), None)
        if tab is None:
            context = self._browser.new_context(**fixed)
            if self._script:
                context.add_init_script(self._script)
            tab = Tab(context.new_page(), made)
        else:
            self._free.remove(tab)
        tab.page.set_viewport_size(options.get("viewport", VIEWPORT))
        tab.page.emulate_media(**{name: options.get(name, value) for name, value in MEDIA.items()})
        return tab

    def give_back(self, tab: Tab) -> None:
        """Empty a tab and keep it; one that was closed, or has opened others, is thrown away."""
        page, context = tab.page, tab.page.context
        if page.is_closed() or len(context.pages) > 1:
            context.close()
            return
        page.unroute_all()
        page.mouse.move(0, 0)
        page.goto("about:blank")
        context.clear_cookies()
        context.clear_permissions()
        self._free.append(tab)
        if len(self._free) > KEPT:
            self._free.pop(0).page.context.close()
