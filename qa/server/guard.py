"""ASGI middleware around everything: size of a request, names of the server, security headers; CORS of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware

from qa.server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from qa.server.telemetry import Telemetry

#: Bytes of a request's body: 100 questions of 2,000 characters, should each be written as ``\\uXXXX``, are 1.2 MB.
BODY_LIMIT: Final = 1_500_000
#: The pages that another page may embed, where its origin is allowed.
EMBEDDABLE: Final = frozenset({"/", "/widget"})

#: What the browser may do on our pages. Gradio's page has inline scripts and styles; ours have none.
_SHARED_POLICY: Final = "object-src 'none'; base-uri 'self'; form-action 'self'"
_GRADIO_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    f"img-src 'self' data: blob:; font-src 'self' data:; {_SHARED_POLICY}"
)
_OWN_POLICY: Final = f"default-src 'self'; {_SHARED_POLICY}"


def security_headers(path: str, allowed_origins: tuple[str, ...]) -> Mapping[str, str]:
    """The headers of every reply at ``path``; no page may be embedded but those of `EMBEDDABLE`, by these origins."""
    policy = _GRADIO_POLICY if path == "/" else _OWN_POLICY
    ancestors = " ".join(["'self'", *allowed_origins]) if path in EMBEDDABLE else "'none'"
    return {
        "Content-Security-Policy": f"{policy}; frame-ancestors {ancestors}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


class Guard:
    """Refuses what is too large or asked for under a strange name, and puts the security headers on every reply.

    Args:
        app: What it stands in front of.
        allowed_origins: Origins whose pages may embed those of `EMBEDDABLE`.
        hosts: Names the server may be asked for under, or None for any.
        telemetry: Counts the replies.
        body_limit: Bytes a request's body may have; more is refused with status 413, a body of unknown length with 411.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed_origins: tuple[str, ...],
        hosts: frozenset[str] | None,
        telemetry: Telemetry,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self.app = app
        self.allowed_origins = allowed_origins
        self.hosts = hosts
        self.telemetry = telemetry
        self.body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.telemetry.replied(message["status"])
                headers = MutableHeaders(scope=message)
                headers.update(security_headers(path, self.allowed_origins))
                if path.startswith("/static/qa/"):
                    headers["Cache-Control"] = "no-cache"  # the browser asks whether it changed, by its ETag
            await send(message)

        problem = self._problem(Headers(scope=scope))
        await (problem.response() if problem else self.app)(scope, receive, send_guarded)

    def _problem(self, headers: Headers) -> Problem | None:
        if self.hosts is not None and _name(headers.get("host", "")) not in self.hosts:
            name = _name(headers.get("host", ""))
            return Problem("host-not-allowed", f"{name[:200] or 'a request without Host'} is not in hosts of qa.toml")
        if "transfer-encoding" in headers:
            return Problem("length-required")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.body_limit:
            return Problem("too-large", f"A request has at most {self.body_limit} bytes")
        return None


def _name(host: str) -> str:
    """The name in a ``Host`` header, without port and brackets."""
    name = host.strip().lower()
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0].rstrip(".")


class ApiCors:
    """CORS for the API and nothing else: pages of the allowed origins may call it, with a token, never with cookies.

    A `CORSMiddleware` without origins must stand further in as the application's own: with one in place Gradio leaves
    out its own, which on hosts other than localhost reflects whatever origin asks.
    """

    def __init__(self, app: ASGIApp, allowed_origins: tuple[str, ...]) -> None:
        self.app = app
        self.api = CORSMiddleware(
            app,
            allow_origins=allowed_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type"),
            expose_headers=("Retry-After",),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers where the path is the API's."""
        api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (self.api if api else self.app)(scope, receive, send)
