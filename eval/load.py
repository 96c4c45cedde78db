"""A running server under load: ``python -m eval.load`` (20 minutes on a quiet machine of four cores, once built).

Over articles made of recombined sentences (`eval.load_corpus`), kept in a cache folder: every question asked alone,
which gives the answers to compare with and the latency of one client; the same questions by many clients at once, with
the server's memory and health watched; and more clients than the server has places for. Ends with status 1 where a
reply is wrong, memory grows or health cannot be reached. The clients run on the same machine and take part of its time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
from platformdirs import user_cache_path

from eval.load_clients import (
    Reply,
    Run,
    ask,
    ask_all,
    ask_for,
    differences,
    leave,
    new_client,
    percentile,
    taken,
)
from eval.load_corpus import Asked, make_questions, read_pairs, write_articles
from eval.load_report import HEALTH_MS, Load, Saturation, load_table, outcomes, put_under, saturation_table
from eval.load_server import ROOT, Server, build_once, measure_memory, running
from eval.load_watch import watching
from qa.config import Settings
from qa.machine import cores

#: Where articles and index are kept from one run to the next.
CACHE: Final = user_cache_path("article-qa") / "load"
#: Else the rate limits would be what is measured.
UNLIMITED: Final = {"rate": 1_000_000, "rate_all": 10_000_000}
#: The saturation run: places to wait in, clients for each place in all, seconds, questions that they take turns with.
WAITING, CLIENTS_PER_PLACE, SATURATED_SECONDS, SATURATED_QUESTIONS = 8, 3, 15.0, 200
#: Questions a minute of one client, in the run that shows what comes after them.
RATE: Final = 100
#: Seconds that clients wait before they go away, and for how long their places are then looked at.
IMPATIENCE, LOOKING = 0.2, 10.0
#: Paths that must answer whatever the load.
HEALTH: Final = ("/healthz", "/readyz")


@dataclass(frozen=True, slots=True)
class Place:
    """Articles with their index, and how many passages it has."""

    articles: Path
    index: Path
    chunks: int


def prepare(cache: Path, chunks: int, seed: int) -> Place:
    """Articles of so many passages with their index, made once and kept in ``cache``."""
    folder = cache / f"{chunks}-{seed}"
    articles, index = folder / "articles", folder / "index"
    if not articles.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as making:
            write_articles(Path(making) / "articles", read_pairs(), chunks, seed)
            (Path(making) / "articles").rename(articles)
    return Place(articles, index, build_once(articles, index))


async def ask_alone(server: Server, asked: Sequence[Asked]) -> Run:
    """Ask one question after the other."""
    return await ask_all([server.url], asked, 1)


async def ask_together(servers: Sequence[Server], asked: Sequence[Asked], clients: int, alone: Run) -> Load:
    """Ask everything with many clients and compare with ``alone``, watching the first server's memory and health."""
    done, replies = asyncio.Event(), dict[int, Reply]()
    with watching(servers[0].url, HEALTH) as health:
        measuring = asyncio.ensure_future(measure_memory(servers[0].pid, done, lambda: len(replies) // len(servers)))
        run = await ask_all([server.url for server in servers], asked, clients, replies)
        done.set()
    unlike = [fault for pair in zip(alone.replies, run.replies, strict=True) for fault in unlike_alone(*pair)]
    return Load(clients, len(servers), alone, run, unlike, health, await measuring)


def unlike_alone(alone: Reply, reply: Reply) -> Iterator[str]:
    """How a reply differs from the one to the same question asked alone; nothing where it does not."""
    failed = next((one for one in (alone, reply) if one.status != httpx.codes.OK), None)
    if failed is not None:
        yield f"status {failed.status}: {failed.body.get('title')}"
        return
    different = next(differences(alone.body, reply.body), None)
    if different is not None:
        yield f"{alone.body['question']!r}: {different}"


async def saturate(
    server: Server, asked: Sequence[Asked], alone: Run, places: int, seconds: float = SATURATED_SECONDS
) -> Saturation:
    """Ask with more clients than there are places; then let all ask and go away, and see when the places are free."""
    clients = CLIENTS_PER_PLACE * places
    with watching(server.url, HEALTH) as health:
        replies = await ask_for(server.url, asked, clients, seconds)
    async with new_client(server.url, 1) as client:
        recovered = await ask(client, asked[0].body)
    await leave(server.url, asked[: 2 * places], IMPATIENCE)
    freed = await _freed(server)
    every = [one for several in replies for one in several]
    return Saturation(places, clients, every, faults(alone, replies), health, recovered, freed)


def faults(alone: Run, replies: Sequence[Sequence[Reply]]) -> list[str]:
    """What is neither the right answer nor a refusal as docs/API.md promises it, of the replies to each question."""
    pairs = zip(alone.replies, replies, strict=True)
    return [fault for one, several in pairs for reply in several for fault in _faults_of(one, reply)]


async def _freed(server: Server) -> float:
    """Seconds until no place is taken; infinite where that takes longer than `LOOKING`."""
    started = time.perf_counter()
    while await taken(server.url):
        if time.perf_counter() - started > LOOKING:
            return float("inf")
        await asyncio.sleep(0.01)
    return time.perf_counter() - started


def _faults_of(alone: Reply, reply: Reply) -> Iterator[str]:
    if reply.status not in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
        yield from unlike_alone(alone, reply)
    elif not (reply.retry_after or "").isdecimal() or not str(reply.body.get("type")).startswith("/problems/"):
        yield f"status {reply.status} without Retry-After or type"


def judge(load: Load | None, saturation: Saturation | None) -> Iterator[str]:
    """What is not as promised."""
    if load is not None:
        yield from load.wrong
        yield from load.health.failures
        if not load.flat:
            yield f"memory grew by {load.memory.growth():.1f} MiB in the last half"
    if saturation is not None:
        yield from saturation.faults
        yield from saturation.health.failures
        if saturation.recovered.status != httpx.codes.OK:
            yield f"the next question after saturation: status {saturation.recovered.status}"
        if saturation.freed > LOOKING:
            yield "places of clients that went away stay taken"
        for path, times in saturation.health.milliseconds.items():
            if percentile(sorted(times), 0.95) > HEALTH_MS:
                yield f"{path} took more than {HEALTH_MS:.0f} ms under saturation (p95)"


def main() -> None:
    """Run what was asked for, print the tables, and end with status 1 where something is not as promised."""
    options = _options()
    place = prepare(options.cache, options.chunks, options.seed)
    asked = make_questions(read_pairs(), options.questions, options.seed)
    settings = UNLIMITED | dict(one.split("=", 1) for one in options.set)
    shown: list[str] = []
    load = saturation = None
    with _server(options.url, options.pid, place, settings) as server:
        alone = asyncio.run(ask_alone(server, asked))
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(_server(options.url, options.pid, place, settings)) for _ in range(options.servers)
        ]
        load = asyncio.run(ask_together(servers, asked, options.clients, alone))
    shown += [*load_table(load, place.chunks), ""]
    if options.url is None:
        few = asked[:SATURATED_QUESTIONS]
        places = int(settings.get("concurrent", Settings().concurrent)) + WAITING
        with running(place.articles, place.index, settings | {"waiting": WAITING}) as server:
            first = Run(alone.replies[: len(few)], alone.seconds)
            saturation = asyncio.run(saturate(server, few, first, places))
        with running(place.articles, place.index, UNLIMITED | {"rate": RATE}) as server:
            limited = asyncio.run(ask_all([server.url], few, 1))
        saturation = replace(
            saturation, faults=[*saturation.faults, *faults(first, [[one] for one in limited.replies])]
        )
        shown += [*saturation_table(saturation), "", f"With `rate = {RATE}`: {outcomes(limited)}.", ""]
    print("\n".join(shown))
    wrong = list(judge(load, saturation))
    print("\n".join(wrong[:20]) or "all as promised")
    if options.write and not wrong:
        write(shown)
    sys.exit(1 if wrong else 0)


def write(shown: Sequence[str]) -> None:
    """Put the tables into the documents."""
    about = (
        f"`python -m eval.load --write`, {datetime.now(UTC):%Y-%m-%d}, {cores()} cores, Python "
        f"{platform.python_version()}; clients and server share the machine."
    )
    text = "\n".join([about, "", *shown])
    put_under(ROOT / "docs" / "PERFORMANCE.md", "Under load", text, "Performance")
    put_under(ROOT / "docs" / "RELIABILITY.md", "Load", text, "Reliability")


def _server(
    url: str | None, pid: int, place: Place, settings: Mapping[str, object]
) -> contextlib.AbstractContextManager[Server]:
    if url is not None:
        return contextlib.nullcontext(Server(url, pid))
    return running(place.articles, place.index, settings)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a server that runs already, over the same articles; else one is started")
    parser.add_argument("--pid", type=int, default=0, help="its process, to measure the memory of")
    parser.add_argument("--servers", type=int, default=1, help="processes that the clients are spread over")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--chunks", type=int, default=10_000, help="passages, at least")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/")
    return parser.parse_args()


if __name__ == "__main__":
    main()
