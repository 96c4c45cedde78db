"""The web server: the Gradio page at ``/``, article pages, health, and what is kept shut around them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from qa.errors import QAError
from qa.labels import interface_language
from qa.pages import article_body, article_page, missing_page, missing_part
from qa.ui import build_page, mount_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from qa.bot import Bot
    from qa.types import Lang

STATIC: Final = Path(__file__).parent / "static"
#: Bytes of a request's body: a question has at most 2,000 characters, and nothing else is sent.
BODY_LIMIT: Final = 1_000_000
#: Seconds that a stopping server waits for answers under way.
GRACE: Final = 3

#: What the browser may do on our pages. Gradio's page has inline scripts and styles; ours have none.
_SHARED_POLICY = "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
_PAGE_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    f"img-src 'self' data: blob:; font-src 'self' data:; {_SHARED_POLICY}"
)
_ARTICLE_POLICY: Final = f"default-src 'self'; {_SHARED_POLICY}"


def create_app(bot: Bot, *, name: str = "article-qa") -> FastAPI:
    """The whole site over one bot.

    Routes: ``/`` the page, ``/article/{id}`` an article on a page of its own, ``/article/{id}/panel`` the same for the
    panel beside the conversation, ``/healthz`` (it runs), ``/readyz`` (an index is loaded; else status 503).

    Args:
        bot: Answers the questions; called from several threads at once.
        name: Shown as the name of the page.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Where no event loop runs, Gradio makes several while it is mounted and closes none of them.
        with asyncio.Runner() as runner:
            return runner.run(_create_app(bot, name))
    return _mounted(bot, name)


async def _create_app(bot: Bot, name: str) -> FastAPI:
    return _mounted(bot, name)


def _mounted(bot: Bot, name: str) -> FastAPI:
    app = FastAPI(title=name, docs_url=None, redoc_url=None, openapi_url=None)
    _add_routes(app, bot, name)
    app.mount("/static/qa", StaticFiles(directory=STATIC), name="static")
    # With this one in place Gradio leaves out its own, which lets any origin in on hosts other than localhost.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(Guard)
    settings = mount_settings(len(bot.articles()), written=bot.writer is not None)
    gr.mount_gradio_app(app, build_page(bot, name), path="/", **settings)
    app.state.stop = app.routes[-1].app.stop_event  # type: ignore[attr-defined]  # Gradio's app, mounted last
    return app


def _add_routes(app: FastAPI, bot: Bot, name: str) -> None:
    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        body = {"index_id": bot.index_id, "articles": len(bot.articles())}
        return JSONResponse(body, status_code=503 if bot.index_id is None else 200)

    @app.get("/article/{article_id}")
    def article(article_id: str, request: Request) -> HTMLResponse:
        ui = _language(request)
        found = bot.article(article_id)
        if found is None:
            return _html(missing_page(ui, name), status=404)
        return _html(article_page(found, ui, name))

    @app.get("/article/{article_id}/panel")
    def panel(article_id: str, request: Request) -> HTMLResponse:
        ui = _language(request)
        found = bot.article(article_id)
        if found is None:
            return _html(missing_part(ui), status=404)
        return _html(article_body(found, ui, inside=True))


def _language(request: Request) -> Lang:
    return interface_language(request.headers.get("accept-language"))


def _html(content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(content, status, headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"})


#: All that Gradio's page asks for under /gradio_api (Chromium's request log); app_id once a lost server is back.
_GRADIO_OPEN: Final = ("/gradio_api/queue/", "/gradio_api/heartbeat/", "/gradio_api/cancel", "/gradio_api/app_id")
#: What Gradio serves beside them and this page has no use for: uploads, files by path, a proxy, calls past the queue.
_GRADIO_SHUT: Final = ("/gradio_api/", "/monitoring", "/login", "/logout", "/svelte/")


class Guard:
    """ASGI middleware: shuts Gradio's other doors, limits the size of a request, sends security headers.

    Args:
        app: What it stands in front of.
        body_limit: Bytes a request's body may have; more is refused with status 413, a body of unknown length with 411.
    """

    def __init__(self, app: ASGIApp, body_limit: int = BODY_LIMIT) -> None:
        self.app = app
        self.body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        policy = _ARTICLE_POLICY if path.startswith("/article/") else _PAGE_POLICY

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                if path.startswith("/static/qa/"):
                    headers["Cache-Control"] = "no-cache"  # the browser asks whether it changed, by its ETag
            await send(message)

        await (self._refusal(scope) or self.app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        path, headers = scope["path"], Headers(scope=scope)
        if path.startswith(_GRADIO_SHUT) and not path.startswith(_GRADIO_OPEN):
            return PlainTextResponse("Not found", 404)
        if "transfer-encoding" in headers:
            return PlainTextResponse("The request must state its length", 411)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.body_limit:
            return PlainTextResponse(f"The request is larger than {self.body_limit} bytes", 413)
        return None


class PageServer(uvicorn.Server):
    """uvicorn that says when it listens and ends without a traceback on SIGINT and SIGTERM."""

    def __init__(self, app: FastAPI, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE, server_header=False
        )
        super().__init__(config)
        self._page = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call ``on_ready``."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; every open page holds a heartbeat connection, which would use up the grace and then be torn down."""
        self._page.state.stop.set()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; uvicorn's own raises the signal again afterwards, which ends in a traceback."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(bot: Bot, host: str, port: int, *, on_ready: Callable[[str], None], name: str = "article-qa") -> None:
    """Serve the page until SIGINT or SIGTERM.

    Args:
        bot: Answers the questions.
        host: Address to bind, such as ``127.0.0.1``.
        port: Port to bind; 0 takes a free one.
        on_ready: Called with the page's address once the server listens.
        name: Shown as the name of the page.

    Raises:
        QAError: The port is taken, or the address cannot be bound.
    """
    listener = bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/"
    with contextlib.closing(listener):
        PageServer(create_app(bot, name=name), lambda: on_ready(address)).run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to ``host`` and ``port``, before anything slow is done.

    Raises:
        QAError: The port is taken, or the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere this option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise QAError(f"Port {port} on {host} is taken", f"qa serve --port {port + 1}") from error
        raise QAError(
            f"Cannot listen on {host}, port {port}: {error.strerror or error}", "qa serve --host 127.0.0.1 --port 7860"
        ) from error
    return listener
