"""Errors of the API as problem documents (RFC 9457), each kind with a ``type`` that never changes.

A ``type`` is the full path of a page of this server (`/problems/busy`): the same on every installation, and it can be
opened where nothing leaves the network (RFC 9457, section 3.1.1, allows relative references with a full path).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its name in the ``type``, its HTTP status, and what it means and what helps."""

    name: str
    status: int
    title: str
    help: str

    @property
    def type(self) -> str:
        """The problem's ``type``."""
        return f"/problems/{self.name}"


#: Every kind. Names are public: one may be added, none renamed or given another meaning.
KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("bad-request", 400, "The request cannot be read", "Send well-formed HTTP."),
        Kind("unauthenticated", 401, "No valid credentials", "Send the credentials that this server asks for."),
        Kind("not-permitted", 403, "Not permitted with these credentials", "Use a key that was made for this."),
        Kind(
            "origin-not-allowed",
            403,
            "Pages of this origin may not call this server",
            "The server's owner adds the origin to allowed_origins in qa.toml.",
        ),
        Kind(
            "host-not-allowed",
            403,
            "This server is not known under that name",
            "The server's owner adds the name to hosts in qa.toml.",
        ),
        Kind("not-found", 404, "There is nothing at this address", "Ask /api/articles for the ids that exist."),
        Kind("method-not-allowed", 405, "This address takes other methods", "The header Allow names them."),
        Kind("length-required", 411, "The request does not state its length", "Send Content-Length."),
        Kind("too-large", 413, "The request is too large", "Send less than the limit it names."),
        Kind(
            "invalid",
            422,
            "The request holds a value that cannot be",
            "errors or detail says what and where.",
        ),
        Kind("rate-limited", 429, "Too many requests", "Wait as many seconds as Retry-After says."),
        Kind("internal", 500, "The server failed", "Its log has the reason."),
        Kind("busy", 503, "All places are taken and the queue is full", "Ask again after Retry-After seconds."),
        Kind("not-ready", 503, "The server cannot answer at present", "detail says what its owner must do."),
        Kind("time-limit", 504, "The question took longer than the server allows", "Ask again, or ask less at once."),
    )
}


@dataclass(slots=True, eq=False)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """What went wrong with one request.

    Attributes:
        name: Name of its kind in `KINDS`.
        detail: One sentence on this occurrence, or "".
        headers: Headers of the reply, such as ``Retry-After``.
        members: Further members of the document.
    """

    name: str
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Exception.__init__(self, self.name, self.detail)

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return KINDS[self.name]

    def to_dict(self) -> dict[str, Any]:
        """The problem document."""
        kind = self.kind
        document: dict[str, Any] = {"type": kind.type, "title": kind.title, "status": kind.status}
        if self.detail:
            document["detail"] = self.detail
        return document | dict(self.members)

    def response(self) -> Response:
        """The problem as a reply, in ASCII: the name of a field that it tells of may hold halves of surrogates."""
        headers = {"Cache-Control": "no-store", **self.headers}
        return Response(json.dumps(self.to_dict()), self.kind.status, headers, MEDIA_TYPE)


def from_status(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Problem:
    """The problem for an HTTP status that a library chose."""
    fallback = "internal" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "bad-request"
    name = next((kind.name for kind in KINDS.values() if kind.status == status), fallback)
    return Problem(name, detail, headers or {})


def describe(name: str) -> str | None:
    """What a problem's ``type`` leads to, as plain text; None for a kind that there is not."""
    kind = KINDS.get(name)
    return None if kind is None else f"{kind.title} (HTTP status {kind.status})\n\n{kind.help}\n"
