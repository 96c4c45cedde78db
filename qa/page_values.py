"""What the page says of the index in use: how many articles there are, starter questions, outlets, dates.

Gradio puts the components' values into one configuration when the page is mounted, and gives it to every browser. Here
it is made again when another index is in use: whoever loads the page then reads the new values, and a page that is
open stays as it is. (A ``load`` event, Gradio's own way, shows the old values first and costs each visit a turn in the
queue.)
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool

from qa.ui import STARTERS, starter_titles, translations

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Receive, Scope, Send

    from qa.server.desk import Desk

#: The addresses at which Gradio gives its configuration.
_CONFIGURED: Final = frozenset({"/", "/config", "/config/"})
#: Articles looked at for starter questions: as many as are shown may lack a title or share one.
_LOOKED_AT: Final = 8 * STARTERS


class PageValues:
    """Keeps the configuration of a page that `qa.ui.build_page` made that of the index in use.

    Args:
        page: The page, mounted or not yet.
        desk: What the page asks.
    """

    def __init__(self, page: gr.Blocks, desk: Desk) -> None:
        self._page = page
        self._desk = desk
        self._lock = threading.Lock()
        self._of: str | None = None
        self._made = False
        self._chosen: dict[str, None] = {}
        parts = list(page.blocks.values())
        named = {part.elem_id: part for part in parts if getattr(part, "elem_id", None)}
        self._starters = named["qa-starters"]
        self._starter = [part for part in parts if "qa-starter" in (getattr(part, "elem_classes", None) or [])]
        self._row, self._outlets = named["qa-filter"], named["qa-filter-outlets"]
        self._dates = [part for part in parts if "qa-date" in (getattr(part, "elem_classes", None) or [])]

    @property
    def stale(self) -> bool:
        """Whether another index is in use than the configuration tells of."""
        return not self._made or self._of != self._desk.index_id

    def refresh(self) -> None:
        """Make the configuration again, if it is stale."""
        with self._lock:
            while self.stale:
                index_id = self._desk.index_id
                self._fill()
                self._of, self._made = index_id, True

    def _fill(self) -> None:
        desk = self._desk
        titles = starter_titles(desk.newest(_LOOKED_AT))
        outlets, dated = desk.outlets, bool(desk.days)
        _show(self._starters, bool(titles))
        for place, starter in enumerate(self._starter):
            starter.value = titles[place] if place < len(titles) else ""
            _show(starter, place < len(titles))
        self._outlets.choices = [(name, name) for name in outlets]
        _show(self._outlets, bool(outlets))
        for date in self._dates:
            _show(date, dated)
        _show(self._row, dated or bool(outlets))
        self._page.i18n_instance = translations(desk.article_count, written=desk.writer is not None)
        self._page.config = self._page.get_config_file()
        # Gradio refuses what is not among the choices with an error of its own. A page that was opened before may name
        # an outlet that has gone; the bot then says so.
        self._chosen |= dict.fromkeys(outlets)
        self._outlets.choices = [(name, name) for name in self._chosen]
        self._outlets.constructor_args["choices"] = self._outlets.choices


def _show(part: Any, shown: bool) -> None:  # noqa: ANN401 - Gradio's components have no types
    part.visible = shown


class FreshPage:
    """ASGI middleware in front of the mounted page: it is up to date before it is given to a browser."""

    def __init__(self, app: ASGIApp, values: PageValues) -> None:
        self.app = app
        self.values = values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and scope["path"] in _CONFIGURED and self.values.stale:
            await run_in_threadpool(self.values.refresh)
        await self.app(scope, receive, send)
