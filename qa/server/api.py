"""The JSON API: questions, articles, health, measurements; docs/API.md is its contract."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.routing import Match

from qa.server.catalogue import as_of, line
from qa.server.door import CLIENT
from qa.server.failures import as_problem
from qa.server.feedback import add_feedback
from qa.server.models import AnswerOut, ArticleList, ArticleOut, AskRequest, Live, Ready, problems
from qa.server.problems import Problem, describe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from qa.server.desk import Desk, Ticket, Way
    from qa.server.service import Service
    from qa.types import Answer

#: Longest search in the list of articles, and most articles in one reply.
_SEARCH: Final = 200
_PAGE: Final = 200

#: Seconds between two signs of life in a stream, so that no proxy takes it for dead (nginx gives up after 60 s).
_BEAT: Final = 10.0

_LOG: Final = logging.getLogger("qa.server")

#: Status of the reply that nobody reads, as nginx has it in its log: the client has closed the connection.
_CLIENT_CLOSED: Final = 499

_REFUSALS: Final = (401, 403, 404, 413, 422, 429, 500, 503)
_JSON: Final = "application/json"


def api_routes(service: Service) -> APIRouter:
    """``/api``, health and ``/metrics`` over one service."""
    router = APIRouter()
    _add_asking(router, service)
    _add_articles(router, service)
    _add_health(router, service)
    add_feedback(router, service)

    @router.get("/problems/{name}", include_in_schema=False)
    async def problem(name: str) -> PlainTextResponse:
        text = describe(name)
        if text is None:
            raise Problem("not-found")
        return PlainTextResponse(text)

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

    @router.api_route("/api/{rest:path}", methods=methods, include_in_schema=False)
    async def unknown(request: Request) -> Response:
        """Else the page mounted at ``/`` would answer, in a form of its own."""
        known = {method for route in router.routes for method in _methods(route, request) if route is not this[0]}
        if known:
            raise Problem("method-not-allowed", headers={"Allow": ", ".join(sorted(known))})
        raise Problem("not-found", f"There is nothing at {request.url.path}")

    this = [router.routes[-1]]
    return router


def _methods(route: Any, request: Request) -> set[str]:  # noqa: ANN401 - Starlette's routes have no common type
    return set(route.methods) if route.matches(request.scope)[0] is Match.PARTIAL else set()


def _add_asking(router: APIRouter, service: Service) -> None:
    desk, settings = service.desk, service.settings
    named = {"event": {"enum": ["evidence", "prose", "answer", "error"]}, "data": {"type": "string"}}
    events = {"schema": {"type": "object", "properties": named, "required": ["event", "data"]}}

    @router.post(
        "/api/ask",
        operation_id="ask",
        summary="Ask a question",
        response_model=None,
        responses={
            200: {"model": AnswerOut, "content": {"text/event-stream": events}},
            **problems(400, *_REFUSALS, 411, 504),
        },
    )
    async def ask(body: AskRequest, request: Request) -> Response:
        """Quotes that answer, with citations, or that the articles do not say: both are status 200.

        A stream ends with the event `answer` or `error`. Before it, `evidence` brings the quotes as soon as they are
        found, and each `prose` the answer as a writer's text grows; comment lines only keep the connection alive.
        """
        if len(body.history) > settings.max_history:
            errors = [{"at": "body.history", "message": f"it may have at most {settings.max_history} questions"}]
            raise Problem("invalid", members={"errors": errors})
        if body.stream:
            steps: asyncio.Queue[Answer] = asyncio.Queue()
            loop = asyncio.get_running_loop()
            ticket = desk.submit(
                body.query(), "api", lambda answer: loop.call_soon_threadsafe(steps.put_nowait, answer)
            )
            headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            return StreamingResponse(_events(desk, ticket, steps), media_type="text/event-stream", headers=headers)
        answer = await awaited_by(request, desk, desk.submit(body.query(), "api"), "api")
        return Response(status_code=_CLIENT_CLOSED) if answer is None else _json(answer.to_dict())


async def awaited_by(request: Request, desk: Desk, ticket: Ticket, way: Way) -> Answer | None:
    """`awaited` by one client; None when it goes away before, whose question then takes nobody's place.

    Raises:
        TimeLimitError, QAError: As `awaited`.
    """
    answer, leaving = asyncio.ensure_future(awaited(desk, ticket, way)), asyncio.ensure_future(_leaving(request))
    try:
        await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        desk.gone(ticket, way)
        return None
    finally:
        answer.cancel()
        leaving.cancel()


async def _leaving(request: Request) -> None:
    """Ends when the client closes the connection, of which an endpoint that only replies is not told."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def awaited(desk: Desk, ticket: Ticket, way: Way) -> Answer:
    """The answer to a question that was handed in, without holding up the server meanwhile.

    Raises:
        TimeLimitError: It took longer than `Desk.seconds`.
        QAError: The bot cannot answer.
    """
    try:
        return await asyncio.wait_for(asyncio.wrap_future(ticket.future), desk.seconds)
    except TimeoutError:
        raise desk.give_up(ticket, way) from None


async def _events(desk: Desk, ticket: Ticket, steps: asyncio.Queue[Answer]) -> AsyncIterator[bytes]:
    """The events of one stream: the first step is the evidence, the last one the answer, those between `prose`."""
    final = asyncio.ensure_future(awaited(desk, ticket, "api"))
    name = "evidence"
    try:
        yield b": searching\n\n"
        while not final.done() or not steps.empty():
            step = asyncio.ensure_future(steps.get())
            done, _ = await asyncio.wait({step, final}, timeout=_BEAT, return_when=asyncio.FIRST_COMPLETED)
            if step in done:
                yield _event(name, step.result().to_dict())
                name = "prose"
            else:
                step.cancel()
                if not done:
                    yield b": still searching\n\n"
        yield _event("answer", (await final).to_dict())
    except Exception as error:  # noqa: BLE001 - the status is sent: every failure must become an event
        problem = as_problem(error)
        if problem.name == "internal":
            _LOG.exception("A question failed")
        yield _event("error", problem.to_dict())
    finally:
        final.cancel()
        desk.leave(ticket)


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _add_articles(router: APIRouter, service: Service) -> None:
    catalogue, desk = service.catalogue, service.desk

    @router.get(
        "/api/articles",
        operation_id="list_articles",
        summary="What is in here",
        response_model=None,
        responses={200: {"model": ArticleList}, **problems(400, *_REFUSALS)},
    )
    def articles(
        q: Annotated[str, Query(max_length=_SEARCH, description="Words of title, outlet, author or date.")] = "",
        lang: Annotated[Literal["de", "en"] | None, Query(description="Language of the text.")] = None,
        offset: Annotated[int, Query(ge=0, le=10**9, description="Articles to leave out at the start.")] = 0,
        limit: Annotated[int, Query(ge=1, le=_PAGE, description="Most articles in the reply.")] = 50,
    ) -> Response:
        """The articles, newest first, those without a date last."""
        part = catalogue.find(q, lang, offset, limit)
        about = {"index_id": part.index_id, "built": part.built}
        return _json({**about, "total": part.total, "offset": offset, "articles": part.lines})

    @router.get(
        "/api/articles/{article_id}",
        operation_id="read_article",
        summary="A whole article",
        response_model=None,
        responses={200: {"model": ArticleOut}, **problems(400, *_REFUSALS)},
    )
    def article(article_id: str) -> Response:
        """Its text, in which `start` and `end` of a citation count Unicode code points."""
        read = as_of(desk, lambda: desk.article(article_id))
        found = read.found
        if found is None:
            raise Problem("not-found", "There is no such article; it may have been removed or renamed")
        also = [asdict(source) for source in found.also]
        return _json({**line(found), "text": found.text, "also": also, "index_id": read.index_id})


def _add_health(router: APIRouter, service: Service) -> None:
    @router.get("/healthz", operation_id="live", summary="Is it running?", responses={**problems(400, 403)})
    async def healthz() -> Live:
        """Says that the server runs, to everyone."""
        return Live(status="ok")

    @router.get(
        "/readyz",
        operation_id="ready",
        summary="Is an index loaded?",
        response_model=None,
        responses={200: {"model": Ready}, 503: {"model": Ready}, **problems(400, 403)},
    )
    async def readyz(request: Request) -> Response:
        """Status 200 with an index, 503 without.

        Which index it is, since when it is in use, how large it is, and why a newer one is not, is told to those who
        are let in.
        """
        # Here and not in a thread: it reads a few attributes, and a busy server gives a thread its turn 50 ms late.
        state = service.readiness()
        client = request.scope.get(CLIENT)
        told = client is not None and client.use != "metrics"
        body = state if told else {"status": state["status"]}
        return _json(body, 503 if state["index_id"] is None else 200)

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Measurements for Prometheus",
        response_class=PlainTextResponse,
        responses={**problems(400, 401, 403, 500)},
    )
    def metrics() -> Response:
        """Questions by outcome, times by stage, errors, the age of the index; nothing of what was asked."""
        return Response(service.telemetry.render(), media_type=CONTENT_TYPE_LATEST)


def _json(body: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})
