"""The web server: the Gradio page at ``/``, article pages and the API of `qa.server`, behind one door."""

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
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from qa.config import Settings
from qa.errors import QAError
from qa.labels import interface_language
from qa.page_values import FreshPage, PageValues
from qa.pages import article_body, article_page, missing_page, missing_part
from qa.server.access import check_address, gatekeeper, own_hosts
from qa.server.api import api_routes
from qa.server.contract import add_contract
from qa.server.desk import log_questions
from qa.server.door import Door
from qa.server.failures import add_handlers
from qa.server.guard import ApiCors, Guard
from qa.server.limits import RateLimiter
from qa.server.listing import listing_routes
from qa.server.service import Service
from qa.server.widget import add_widget
from qa.stopping import Stops
from qa.ui import build_page, mount_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from qa.bot import Bot
    from qa.live import LiveBot
    from qa.reload import Reloader
    from qa.server.assistants import Assistants
    from qa.types import Lang
    from qa.watch import Watcher

STATIC: Final = Path(__file__).parent / "static"
#: Seconds that a stopping server waits for answers under way.
GRACE: Final = 3
#: Seconds that a connection may be idle: longer than nginx keeps its own, 60, so that no proxy sends a request into a
#: connection that is just being closed, of which its client would get an error. With uvicorn's 5 that befell 6 of 683
#: requests of 96 clients, whose replies took up to nine seconds on a busy machine; with 75 none of 741.
KEEP_ALIVE: Final = 75


def create_app(
    bot: Bot | LiveBot,
    *,
    name: str = "article-qa",
    settings: Settings | None = None,
    reloader: Reloader | None = None,
    watcher: Watcher | None = None,
) -> FastAPI:
    """The whole site over one bot.

    Routes: ``/`` the page, ``/article/{id}`` an article on a page of its own, ``/article/{id}/panel`` the same for the
    panel beside the conversation, and those of `qa.server.listing`, `qa.server.api` and `qa.server.widget`.

    Args:
        bot: Answers the questions; called from several threads at once.
        name: Shown as the name of the page.
        settings: Who is let in, and within which limits. Without them everyone, under any name of the host: for tests.
        reloader: Keeps the bot's index the published one while the server runs; None leaves the bot as it is.
        watcher: Builds the index again when the articles change, while the server runs; None leaves that to others.

    Raises:
        ConfigError: A setting that the way of authentication needs is missing or does not do.
    """
    hosts = None if settings is None else own_hosts(settings)
    service = Service.over(bot, settings or Settings(), name, reloader, watcher)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Where no event loop runs, Gradio makes several while it is mounted and closes none of them.
        with asyncio.Runner() as runner:
            return runner.run(_create_app(service, hosts))
    return _mounted(service, hosts)


async def _create_app(service: Service, hosts: frozenset[str] | None) -> FastAPI:
    return _mounted(service, hosts)


def _mounted(service: Service, hosts: frozenset[str] | None) -> FastAPI:
    settings = service.settings
    assistants = _assistants(service)

    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(service.desk.close)
            for follower in (service.reloader, service.watcher):
                if follower is not None:
                    stack.enter_context(follower.running())
            if assistants is not None:
                await stack.enter_async_context(assistants.running())
            yield

    app = FastAPI(title=service.name, docs_url=None, redoc_url=None, openapi_url=None, lifespan=running)
    _add_articles(app, service)
    stops = Stops()
    _add_stop(app, stops)
    app.include_router(api_routes(service))
    app.include_router(listing_routes(service))
    add_contract(app, service, STATIC)
    add_widget(app, service, STATIC)
    if assistants is not None:
        app.router.routes.append(assistants.route())
    app.mount("/static/qa", StaticFiles(directory=STATIC), name="static")
    add_handlers(app, service.telemetry)
    kept = {"logged": settings.log_questions, "feedback": settings.feedback}
    page = build_page(service.desk, service.name, stops=stops, **kept)
    # Added first, stands innermost. A CORSMiddleware makes Gradio leave out its own: see ApiCors.
    limiter = RateLimiter(settings.rate, settings.rate_all)
    app.add_middleware(FreshPage, values=PageValues(page, service.desk))
    app.add_middleware(Door, gatekeeper=gatekeeper(settings), limiter=limiter, allowed_origins=settings.allowed_origins)
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(ApiCors, allowed_origins=settings.allowed_origins)
    app.add_middleware(Guard, allowed_origins=settings.allowed_origins, hosts=hosts, telemetry=service.telemetry)
    shown = mount_settings(service.desk.article_count, written=service.desk.writer is not None)
    gr.mount_gradio_app(app, page, path="/", **shown)
    app.state.stop = app.routes[-1].app.stop_event  # type: ignore[attr-defined]  # Gradio's app, mounted last
    return app


def _assistants(service: Service) -> Assistants | None:
    if not service.settings.mcp:
        return None
    from qa.server.assistants import Assistants  # noqa: PLC0415 - needs the extra mcp

    return Assistants(service)


def _add_articles(app: FastAPI, service: Service) -> None:
    desk, name = service.desk, service.name

    @app.get("/article/{article_id}", include_in_schema=False)
    def article(article_id: str, request: Request) -> HTMLResponse:
        ui = _language(request)
        found = desk.article(article_id)
        if found is None:
            return _html(missing_page(ui, name), status=404)
        return _html(article_page(found, ui, name))

    @app.get("/article/{article_id}/panel", include_in_schema=False)
    def panel(article_id: str, request: Request) -> HTMLResponse:
        ui = _language(request)
        found = desk.article(article_id)
        if found is None:
            return _html(missing_part(ui), status=404)
        return _html(article_body(found, ui, inside=True))


def _add_stop(app: FastAPI, stops: Stops) -> None:
    @app.post("/stop/{key}", include_in_schema=False)
    def stop(key: str) -> Response:
        """The key of an answer is known to the page that waits for it alone."""
        stops.stop(key)
        return Response(status_code=204)


def _language(request: Request) -> Lang:
    return interface_language(request.headers.get("accept-language"))


def _html(content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(content, status, headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"})


class PageServer(uvicorn.Server):
    """uvicorn that says when it listens and ends without a traceback on SIGINT and SIGTERM."""

    def __init__(self, app: FastAPI, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=KEEP_ALIVE,
            server_header=False,
            proxy_headers=False,  # it would put an address that the client wrote in place of the proxy's own
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


def serve(
    bot: Bot | LiveBot,
    settings: Settings,
    *,
    on_ready: Callable[[str], None],
    name: str = "article-qa",
    reloader: Reloader | None = None,
    watcher: Watcher | None = None,
) -> None:
    """Serve the site until SIGINT or SIGTERM.

    Args:
        bot: Answers the questions.
        settings: ``host`` and ``port`` (0 takes a free one) to listen on, who is let in, and the limits.
        on_ready: Called with the page's address once the server listens.
        name: Shown as the name of the page.
        reloader: As for `create_app`.
        watcher: As for `create_app`.

    Raises:
        ConfigError: The settings would let everyone in from beyond this machine, or cannot be.
        QAError: The port is taken, or the address cannot be bound.
    """
    check_address(settings)
    if settings.log_questions:
        log_questions()
    host = settings.host
    listener = bind(host, settings.port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/"
    with contextlib.closing(listener):
        site = create_app(bot, name=name, settings=settings, reloader=reloader, watcher=watcher)
        PageServer(site, lambda: on_ready(address)).run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to ``host`` and ``port``, before anything slow is done.

    Raises:
        QAError: The port is taken, or the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns off Nagle's delay for what is accepted: without that a reply in two parts
    # waits 40 ms for the client to acknowledge the first (measured: 52 ms a question, 11 with it).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
