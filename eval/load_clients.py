"""Clients of a running server: ask, and compare answers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from eval.load_corpus import Asked

#: Seconds after which a client gives a reply up; counted as an error.
PATIENCE: Final = 120.0
#: Seconds after which a client that was refused asks again: a quarter of what Retry-After says.
PAUSE: Final = 0.5
#: How far two numbers of one answer may lie apart: sums in another order round differently.
ROUNDING: Final = 1e-3
#: What may differ between two answers to one question.
_PASSING: Final = frozenset({"timings_ms"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: ``status`` 0 where nothing did, ``seconds`` as the client waited, the answer or the problem."""

    status: int
    seconds: float
    body: Mapping[str, Any]
    retry_after: str | None = None


@dataclass(slots=True)
class Run:
    """The replies to some questions, in their order, and the seconds that all took."""

    replies: list[Reply]
    seconds: float

    def latencies(self) -> list[float]:
        """Milliseconds of the answers, ascending."""
        return sorted(1000 * one.seconds for one in self.replies if one.status == httpx.codes.OK)


def percentile(ascending: Sequence[float], share: float) -> float:
    """The value that a share of the values does not exceed; NaN of none."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))] if ascending else float("nan")


def new_client(url: str, connections: int) -> httpx.AsyncClient:
    """A client with so many connections; it asks the server alone, whatever proxies the environment names."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE, trust_env=False)


async def ask(client: httpx.AsyncClient, body: Mapping[str, object]) -> Reply:
    """One question."""
    started = time.perf_counter()
    try:
        reply = await client.post("/api/ask", json=body)
        return Reply(reply.status_code, time.perf_counter() - started, reply.json(), reply.headers.get("retry-after"))
    except (httpx.HTTPError, ValueError) as error:
        return Reply(0, time.perf_counter() - started, {"title": f"{type(error).__name__}: {error}"})


async def ask_all(
    urls: Sequence[str], asked: Sequence[Asked], clients: int, replies: dict[int, Reply] | None = None
) -> Run:
    """All questions, each once, by so many clients, of which each asks its server on as soon as it has its answer.

    ``replies`` is filled meanwhile, by the place of the question.
    """
    replies = {} if replies is None else replies
    following = iter(enumerate(asked))

    async def one_client(client: httpx.AsyncClient) -> None:
        for at, question in following:
            replies[at] = await ask(client, question.body)

    started = time.perf_counter()
    async with contextlib.AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(new_client(url, clients)) for url in urls]
        await asyncio.gather(*(one_client(pools[n % len(pools)]) for n in range(clients)))
    return Run([replies[at] for at in range(len(asked))], time.perf_counter() - started)


async def ask_for(
    url: str, asked: Sequence[Asked], clients: int, seconds: float, pause: float = PAUSE
) -> list[list[Reply]]:
    """So many clients ask for some seconds, ``pause`` after a refusal already; gives the replies to each question."""
    replies: list[list[Reply]] = [[] for _ in asked]
    following = itertools.cycle(range(len(asked)))
    ends = time.perf_counter() + seconds

    async def one_client(client: httpx.AsyncClient) -> None:
        while time.perf_counter() < ends:
            at = next(following)
            reply = await ask(client, asked[at].body)
            replies[at].append(reply)
            if reply.status != httpx.codes.OK:
                await asyncio.sleep(pause)

    async with new_client(url, clients) as client:
        await asyncio.gather(*(one_client(client) for _ in range(clients)))
    return replies


async def leave(url: str, asked: Sequence[Asked], seconds: float) -> None:
    """Ask all questions at once and go away after some seconds, before they are answered."""

    async def one_client(question: Asked) -> None:
        async with new_client(url, 1) as client:
            await ask(client, question.body)

    tasks = [asyncio.ensure_future(one_client(question)) for question in asked]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def taken(url: str) -> int:
    """How many places the server counts as taken."""
    async with new_client(url, 1) as client:
        text = (await client.get("/metrics")).text
    line = next(line for line in text.splitlines() if line.startswith("article_qa_questions_taken "))
    return int(float(line.split()[1]))


def differences(one: object, other: object, at: str = "") -> Iterator[str]:
    """Where two answers in their JSON form differ, but for times and rounding."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other} - _PASSING):
            yield from differences(one.get(key), other.get(key), f"{at}.{key}" if at else key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{at}[{number}]")
    elif isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool):
        if abs(one - other) > ROUNDING:
            yield f"{at}: {one} and {other}"
    elif one != other:
        yield f"{at}: {str(one)[:80]!r} and {str(other)[:80]!r}"
