"""What filters cost: ``python -m eval.filters`` times questions with and without, and tries what "the latest" may cost.

Times, of the processor, so that other programs do not count: over seeds/ and over some 20,000 generated passages (5
years, 40 outlets; sentences of seeds/ with their words put in another order, passages under random vectors: times do
not depend on what they are).

The latest: XQuAD's paragraphs are given random dates, so that to prefer the newest can only harm; by how much the
first quote holds the answer less often is the price of `qa.recency.NEARLY_EQUAL`. ``--latest FILE`` with one of XQuAD.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.answer import EVIDENCE, PASSAGES, THRESHOLD, weigh
from qa.bot import Bot
from qa.build import ensure_index, index_articles
from qa.config import Settings
from qa.embed import load_encoder
from qa.recency import newest_first
from qa.retrieve import retrieve
from qa.text import sentences
from qa.types import Article, Encoded, Only, PieceCodes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qa.index import Index
    from qa.types import EncodedQuestion, Encoder, Vectors

PASSAGE_COUNT = 20_000
ROUNDS = 12
WITHIN = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
QUESTIONS = (
    "which weapons did Seoul consider?",
    "Welche Luftverteidigungssysteme könnte Seoul liefern?",
    "Wie viele nordkoreanische Soldaten sind in Russland?",
    "What did the Duma decide?",
)


@dataclass(frozen=True)
class Case:
    """A filter and what to call it."""

    name: str
    only: Only


@dataclass(frozen=True)
class RandomPassages:
    """An encoder that reads questions and gives passages random unit vectors and a random code for each word."""

    inner: Encoder
    rng: np.random.Generator

    @property
    def name(self) -> str:
        """Of the encoder that reads questions."""
        return self.inner.name

    @property
    def sha256(self) -> str:
        """Of the encoder that reads questions."""
        return self.inner.sha256

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.inner.dim

    @property
    def prompts(self) -> Mapping[str, str]:
        """Of the encoder that reads questions."""
        return self.inner.prompts

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """What the encoder reads in them."""
        return self.inner.encode_queries(texts)

    @property
    def piece_bytes(self) -> int:
        """Of the encoder that reads questions."""
        return self.inner.piece_bytes

    def encode_question(self, text: str) -> EncodedQuestion:
        """What the encoder reads in it."""
        return self.inner.encode_question(text)

    def encode_pieces(self, texts: Sequence[str]) -> Encoded:
        """Random vectors and codes."""
        begins = [[word.start() for word in re.finditer(r"\S+", text)] for text in texts]
        places = np.array([place for one in begins for place in one], np.int32)
        codes = self.rng.integers(0, 256, (len(places), self.piece_bytes), np.uint8)
        counts = np.array([len(one) for one in begins], np.int64)
        return Encoded(self.encode_passages(texts), PieceCodes(codes, places, counts))

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """As the encoder has them."""
        return self.inner.encode_words(words)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """As the encoder has them."""
        return self.inner.word_cosines(asked, words)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Random rows of length 1."""
        rows = self.rng.standard_normal((len(texts), self.dim), dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def generated(seeds: Sequence[Article], count: int, rng: random.Random) -> list[Article]:
    """Articles of about ten passages, about ``count`` of these altogether."""
    lines = [span.of(one.text) for one in seeds for span in sentences(one.text, one.lang)]
    made = []
    for n in range(count // 10):
        text = "\n\n".join(" ".join(_shuffled(rng.choice(lines), rng) for _ in range(4)) for _ in range(10))
        day = date(2020, 1, 1) + timedelta(days=rng.randrange(5 * 365))
        name = f"generated-{n:05}"
        made.append(
            replace(
                seeds[0],
                id=name,
                path=f"{name}.md",
                text=text,
                title=None,
                sha256=name,
                published=day.isoformat(),
                outlet=f"Outlet {rng.randrange(40)}",
                also=(),
            )
        )
    return made


def _shuffled(sentence: str, rng: random.Random) -> str:
    words = sentence.rstrip(".").split()
    rng.shuffle(words)
    return " ".join(words).capitalize() + "."


def show_times(bot: Bot, cases: Sequence[Case]) -> None:
    """Median and 95th percentile of a question under each filter, after one that works the filter out."""
    for case in cases:
        bot.index.allowed.cache_clear()
        started = time.process_time()
        if case.only:
            bot.index.allowed(case.only)
        first = (time.process_time() - started) * 1000
        times, searches = [], []
        for n in range(ROUNDS * len(QUESTIONS)):
            started = time.process_time()
            answer = bot.ask(f"{QUESTIONS[n % len(QUESTIONS)]} ({n})", only=case.only)
            times.append((time.process_time() - started) * 1000)
            started = time.process_time()
            retrieve(bot.index, bot.encoder, answer.searched_for, PASSAGES, only=case.only)
            searches.append((time.process_time() - started) * 1000)
        slow = sorted(times)[int(0.95 * len(times))]
        allowed = bot.index.allowed(case.only).count if case.only else bot.index.manifest.chunk_count
        print(
            f"  {case.name:<28} {allowed:>6} passages  median {statistics.median(times):6.1f} ms  p95 {slow:6.1f} ms"
            f"  finding passages {statistics.median(searches):5.1f} ms  first use of the filter {first:5.1f} ms"
        )


def show_latest(path: Path, encoder: Encoder) -> None:
    """Share of XQuAD's questions whose first quote holds the answer, by how far below the best counts as equal."""
    paragraphs = [
        one for article in json.loads(path.read_text(encoding="utf-8"))["data"] for one in article["paragraphs"]
    ]
    rng = random.Random(1)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        index = index_articles(
            Settings(index=Path(folder)), encoder, [_paragraph(n, one, rng) for n, one in enumerate(paragraphs)]
        )
        found = [_first_quotes(index, encoder, asked) for one in paragraphs for asked in one["qas"]]
    answered = [one for one in found if one is not None]
    print(f"{path.name}: {len(found)} questions, {len(answered)} answered; the first quote holds the answer of")
    for n, within in enumerate(WITHIN):
        right = statistics.mean(one[n] for one in answered)
        print(f"  within {within:4.2f}: {right:.3f}")


def _paragraph(n: int, record: Mapping[str, Any], rng: random.Random) -> Article:
    day = date(2024, 1, 1) + timedelta(days=rng.randrange(366))
    name = f"p{n:03}"
    return Article(name, None, record["context"], "de", day.isoformat(), None, None, None, f"{name}.md", name)


def _first_quotes(index: Index, encoder: Encoder, asked: Mapping[str, Any]) -> list[bool] | None:
    """Whether the first quote holds the answer, for each of `WITHIN`; None where the bot would abstain."""
    evidence = weigh(index, asked["question"], retrieve(index, encoder, asked["question"], PASSAGES))
    if EVIDENCE.confidence(evidence[0].logit) < THRESHOLD:
        return None
    gold = [answer["text"] for answer in asked["answers"]]
    return [any(text in newest_first(evidence, within)[0].quote for text in gold) for within in WITHIN]


def main() -> None:
    """Print the times, or with ``--latest`` what preferring the newest costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latest", type=Path, help="XQuAD file in German")
    options = parser.parse_args()
    encoder = load_encoder()
    if options.latest:
        show_latest(options.latest, encoder)
        return
    with tempfile.TemporaryDirectory() as folder:
        bot = Bot(ensure_index(Settings(index=Path(folder) / "seeds"), encoder), encoder)
        print(f"seeds/, {bot.index.manifest.chunk_count} passages")
        named = Case("one outlet", Only(outlets=bot.outlets[:1]))
        show_times(bot, [Case("no filter", Only()), Case("October 2024", Only("2024-10", "2024-10")), named])
        made = generated(bot.articles(), PASSAGE_COUNT, random.Random(1))  # noqa: S311
        stand_in = RandomPassages(encoder, np.random.default_rng(1))
        large = Bot(index_articles(Settings(index=Path(folder) / "made", chunk_words=60), stand_in, made), stand_in)
        print(f"generated, {large.index.manifest.chunk_count} passages")
        cases = [
            Case("no filter", Only()),
            Case("one day", Only("2022-06-01", "2022-06-01")),
            Case("one month", Only("2022-06", "2022-06")),
            Case("one year", Only("2022", "2022")),
            Case("all but a month", Only("2020-02", None)),
            Case("one outlet", Only(outlets=large.outlets[:1])),
            Case("ten outlets, one year", Only("2022", "2022", large.outlets[:10])),
        ]
        show_times(large, cases)


if __name__ == "__main__":
    main()
