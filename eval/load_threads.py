"""How many questions at once, with how many encoder threads: ``python -m eval.load_threads`` (five minutes).

Over the articles of `eval.load`, in this process. For each pair: the median of a question with one client, then, with
fifty clients, questions a second, the median, and how long the server's event loop is held up, which is what
/healthz waits for. Ends with the encoder given one question at a time and eight together.
A question is one batch of the bundled encoder, and so are eight: one thread computes it, however many there are.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eval.load import CACHE, prepare
from eval.load_clients import percentile
from eval.load_corpus import make_questions, read_pairs
from qa.bot import Bot
from qa.config import Settings
from qa.embed import load_encoder
from qa.index import load_index
from qa.machine import cores

AT_ONCE: Final = (1, 2, 3, 4, 8)
ENCODER_THREADS: Final = (1, 2, 4)
#: Questions asked before anything is timed, and those timed.
WARM, TIMED = 150, 250
CLIENTS: Final = 50
#: Seconds that the event loop sleeps between two looks at how late it wakes.
_NAP: Final = 0.005
#: Questions given to the encoder at once, and rounds.
TOGETHER, ROUNDS = 8, 100


@dataclass(frozen=True, slots=True)
class Timed:
    """Questions a second, milliseconds of each as its client waits, and milliseconds that the loop woke late."""

    rate: float
    waits: Sequence[float]
    late: Sequence[float]


def crowd(ask: Callable[[str], object], questions: Sequence[str], clients: int, at_once: int) -> Timed:
    """All questions by so many clients, of which so many at once are answered."""
    done, late, waits = threading.Event(), list[float](), list[float]()
    turn = threading.BoundedSemaphore(at_once)

    async def nap() -> None:
        while not done.is_set():
            before = time.perf_counter()
            await asyncio.sleep(_NAP)
            late.append(1000 * (time.perf_counter() - before - _NAP))

    def one(question: str) -> None:
        before = time.perf_counter()
        with turn:
            ask(question)
        waits.append(1000 * (time.perf_counter() - before))

    loop = threading.Thread(target=lambda: asyncio.run(nap()))
    loop.start()
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, questions))
    seconds = time.perf_counter() - started
    done.set()
    loop.join()
    return Timed(len(questions) / seconds, sorted(waits), sorted(late))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    place = prepare(options.cache, options.chunks, options.seed)
    asked = make_questions(read_pairs(), WARM + TIMED, options.seed + 1)
    questions = [str(one.body["question"]) for one in asked]
    print(f"{place.chunks:,} passages, {cores()} cores, load {os.getloadavg()[0]:.1f}")
    print("| encoder threads | at once | 1 client, p50 ms | 50 clients, a second | p50 ms | loop held up, p95 ms |")
    print("|---|---|---|---|---|---|")
    for threads in ENCODER_THREADS:
        encoder = load_encoder(threads=threads)
        bot = Bot(load_index(Settings(articles=place.articles, index=place.index), encoder), encoder)
        for question in questions[:WARM]:
            bot.ask(question)
        alone = crowd(bot.ask, questions[WARM:], 1, 1)
        for at_once in AT_ONCE:
            found = crowd(bot.ask, questions[WARM:], CLIENTS, at_once)
            print(
                f"| {threads} | {at_once} | {statistics.median(alone.waits):.1f} | {found.rate:.1f} | "
                f"{statistics.median(found.waits):.0f} | {percentile(found.late, 0.95):.0f} |",
                flush=True,
            )
    print_batching(questions)


def print_batching(questions: Sequence[str]) -> None:
    """What encoding several questions in one call saves."""
    print(f"\n| encoder threads | one question, ms | each of {TOGETHER} in one call, ms |\n|---|---|---|")
    for threads in ENCODER_THREADS:
        encoder = load_encoder(threads=threads)
        ones, manys = [], []
        for at in range(ROUNDS):
            group = [questions[(TOGETHER * at + n) % len(questions)] for n in range(TOGETHER)]
            before = time.perf_counter()
            encoder.encode_queries(group[:1])
            between = time.perf_counter()
            encoder.encode_queries(group)
            ones.append(1000 * (between - before))
            manys.append(1000 * (time.perf_counter() - between) / TOGETHER)
        print(f"| {threads} | {statistics.median(ones):.2f} | {statistics.median(manys):.2f} |", flush=True)


if __name__ == "__main__":
    main()
