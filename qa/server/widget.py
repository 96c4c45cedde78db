"""The widget that other sites embed: its loader, the page inside its frame, and a page to try it on."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles

from qa.server.models import QUESTION_LIMIT
from qa.server.problems import Problem
from qa.server.widget_texts import widget_texts

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

    from qa.config import Settings
    from qa.server.service import Service

#: Addresses are relative, so that a proxy may offer the server under a folder of its own.
_PAGE: Final = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{name}</title>
    <meta name="qa-widget" content="{settings}">
    <link rel="icon" href="static/qa/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="static/qa/widget.css">
    <script type="module" src="static/qa/widget-frame.js"></script>
  </head>
  <body>
    <main>
      <div id="talk">
        <h1 id="title">{name}</h1>
        <p id="start">Loading … If this stays, the browser did not get our script or does not run it.</p>
        <div id="welcome"></div>
        <div id="turns"></div>
      </div>
      <article id="reader" hidden></article>
    </main>
    <form id="ask" hidden>
      <label for="box" class="unseen"></label>
      <textarea id="box" rows="1" dir="auto" autocomplete="off"></textarea>
      <button id="send"></button>
    </form>
    <p id="said" class="unseen" role="status"></p>
    <noscript><p>JavaScript is switched off; this page needs it.</p></noscript>
  </body>
</html>
"""

#: What is told to whoever asks for the widget while it is off.
_OFF: Final = "The widget is off; the server's owner sets widget = true in qa.toml"


def add_widget(app: FastAPI, service: Service, static: Path) -> None:
    """Serve ``/widget.js``, ``/widget`` and ``/widget-demo``; with the setting off each says so, with status 404.

    Args:
        app: Gets the routes.
        service: What the widget asks.
        static: Folder of the files.
    """
    settings = service.settings
    files = StaticFiles(directory=static)
    page = widget_page(service.name, settings, written=service.desk.writer is not None)

    def check() -> None:
        if not settings.widget:
            raise Problem("not-found", _OFF)

    @app.get("/widget.js", include_in_schema=False)
    async def loader(request: Request) -> Response:
        check()
        reply = await files.get_response("widget-loader.js", request.scope)
        # Gradio and some systems' tables have the older application/javascript.
        reply.headers["Content-Type"] = "text/javascript; charset=utf-8"
        reply.headers["Cache-Control"] = "no-cache"  # asked for again by its ETag: an old loader meets a new page
        reply.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return reply

    @app.get("/widget", include_in_schema=False)
    async def widget() -> HTMLResponse:
        check()
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    @app.get("/widget-demo", include_in_schema=False)
    async def demo() -> FileResponse:
        check()
        return FileResponse(static / "widget-demo.html", media_type="text/html", headers={"Cache-Control": "no-cache"})


def widget_page(name: str, settings: Settings, *, written: bool) -> str:
    """The page inside the frame. It holds no word of an article: its script gets those through the API.

    Args:
        name: Shown as the title where the host page gives none.
        settings: Who may embed it, how it is let in, and the limits.
        written: Whether a language model writes over the quotes.
    """
    told: dict[str, Any] = {
        "name": name,
        "origins": settings.allowed_origins,
        "bearer": settings.auth in {"token", "jwt"},
        "history": settings.max_history,
        "limit": QUESTION_LIMIT,
        "logged": settings.log_questions,
        "written": written,
        "texts": widget_texts(),
    }
    content = html.escape(json.dumps(told, ensure_ascii=False, separators=(",", ":")))
    return _PAGE.format(name=html.escape(name), settings=content)
