"""The one door: everything the server offers, Gradio's routes too, is behind it but for a short list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from qa.server.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from qa.server.access import Client, Gatekeeper
    from qa.server.limits import RateLimiter

#: What is served to everyone: nothing of it holds a word of an article or of a question.
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/widget", "/widget.js"})
OPEN_FOLDERS: Final = ("/static/qa/", "/problems/")

#: Where the client of a request stands in its scope.
CLIENT: Final = "qa.client"

#: What costs a question's work, and is counted.
_COUNTED: Final = ("/api/", "/mcp", "/gradio_api/queue/join")
#: What reads the measurements, and needs a key made for it where keys are used.
_METRICS: Final = "/metrics"
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

#: All that Gradio's page asks for under /gradio_api (Chromium's request log); app_id once a lost server is back.
_GRADIO_OPEN: Final = ("/gradio_api/queue/", "/gradio_api/heartbeat/", "/gradio_api/cancel", "/gradio_api/app_id")
#: What Gradio serves beside them and this page has no use for: uploads, files by path, a proxy, calls past the queue.
_GRADIO_SHUT: Final = ("/gradio_api/", "/monitoring", "/login", "/logout", "/svelte/")


class Door:
    """ASGI middleware: lets in whom the gatekeeper lets in, from pages that may ask, as often as the limits allow.

    Args:
        app: What is behind it.
        gatekeeper: Says who a request is from.
        limiter: Counts requests.
        allowed_origins: Origins whose pages may call the API.
    """

    def __init__(
        self, app: ASGIApp, gatekeeper: Gatekeeper, limiter: RateLimiter, allowed_origins: tuple[str, ...]
    ) -> None:
        self.app = app
        self.gatekeeper = gatekeeper
        self.limiter = limiter
        self.allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            scope[CLIENT] = self._admit(scope)
        except Problem as problem:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await problem.response()(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _admit(self, scope: Scope) -> Client | None:
        path, headers = scope["path"], Headers(scope=scope)
        try:
            client = self.gatekeeper.admit(headers, (scope.get("client") or ("", 0))[0])
        except Problem:
            if is_open(path):
                return None
            raise
        self._check_origin(scope, headers)
        if client.use is not None and not is_open(path) and (path == _METRICS) != (client.use == "metrics"):
            raise Problem("not-permitted", f"This key is for {client.use} only")
        if path.startswith(_GRADIO_SHUT) and not path.startswith(_GRADIO_OPEN):
            raise Problem("not-found")
        if path.startswith(_COUNTED):
            seconds = self.limiter.wait(client.name)
            if seconds:
                said = f"Too many requests; the next one is welcome in {seconds} s"
                raise Problem("rate-limited", said, {"Retry-After": str(seconds)})
        return client

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Browsers send credentials of their own accord; so what does more than read must come from our own pages."""
        origin = headers.get("origin")
        if origin is None or scope.get("method", "POST") in _READING:
            return
        if origin.lower().partition("://")[2] == headers.get("host", "").lower() != "":
            return
        if scope["path"].startswith("/api/") and origin in self.allowed_origins:
            return
        raise Problem("origin-not-allowed", f"{origin[:200]} is not in allowed_origins of qa.toml")


def is_open(path: str) -> bool:
    """Whether everyone may read what is at ``path``."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)
