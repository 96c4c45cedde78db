"""An archive of any size for measuring: German sentences recombined into articles, with a date and an outlet each.

The sentences are the German side of ``train/wmt_lines.jsonl.xz`` in the order of their documents. An article is a few
stretches of consecutive sentences, drawn with its number as the seed: an archive is the beginning of every larger
one, and nothing has to be kept to make it again. Its texts never leave the machine that measures.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.types import Article

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Sentences of so many words are taken, with a mark at the end: no headings, no tables.
FEWEST_WORDS, MOST_WORDS = 6, 40

#: An article has so many stretches of so many consecutive sentences: 10 to 60 sentences, 27 on the average, like the
#: news pages the bot is made for.
STRETCHES, SENTENCES = (2, 4), (5, 15)

#: Of 997 stretches one is held out: its sentences stand in no article, and their English sides are questions about
#: what the archive does not hold. Questions about what it holds are English sides of its sentences.
HELD_OUT = 20

OUTLETS = 40
FIRST_DAY, DAYS = "2015-01-01", 4000

_END = re.compile(r"[.!?][\"“”»«')]?$")


@dataclass(frozen=True, slots=True)
class Pair:
    """A German sentence and its English side, of which one translates the other."""

    german: str
    english: str


@dataclass(frozen=True, slots=True)
class Material:
    """What articles and questions are made of: ``told`` in document order, ``held_out`` in no article."""

    told: tuple[Pair, ...]
    held_out: tuple[Pair, ...]


def read_material(train: Path) -> Material:
    """The sentences of ``wmt_lines.jsonl.xz`` that are neither too short nor too long, every `HELD_OUT`-th held out."""
    told: list[Pair] = []
    held_out: list[Pair] = []
    seen: set[str] = set()
    with lzma.open(train / "wmt_lines.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            german, english = row["t"][0], row["s"]
            if row["p"] == "de-en":
                german, english = english, german
            german, english = " ".join(german.split()), " ".join(english.split())
            fits = FEWEST_WORDS <= len(german.split()) <= MOST_WORDS and _END.search(german)
            if fits and german not in seen:
                seen.add(german)
                (held_out if len(seen) % HELD_OUT == 0 else told).append(Pair(german, english))
    return Material(tuple(told), tuple(held_out))


def article(number: int, material: Material) -> Article:
    """The article of a number: always the same."""
    rng = np.random.default_rng(number)
    paragraphs: list[str] = []
    for _ in range(int(rng.integers(*STRETCHES, endpoint=True))):
        length = int(rng.integers(*SENTENCES, endpoint=True))
        start = int(rng.integers(len(material.told) - length))
        paragraphs.extend(pair.german for pair in material.told[start : start + length])
    # A paragraph each: where a sentence ends must not depend on the one that follows, so that each is embedded once.
    text = "\n\n".join(paragraphs)
    day = np.datetime64(FIRST_DAY) + int(rng.integers(DAYS))
    name = f"archive-{number:07d}"
    return Article(
        id=name,
        title=" ".join(paragraphs[0].rstrip(".!?\"“”»«')").split()[:8]),
        text=text,
        lang="de",
        published=str(day),
        outlet=f"Blatt {int(rng.integers(1, OUTLETS + 1))}",
        author=None,
        url=None,
        path=f"{name}.md",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def articles(material: Material, first: int = 0) -> Iterator[Article]:
    """All articles, without an end, from a number on."""
    number = first
    while True:
        yield article(number, material)
        number += 1


def questions(pairs: Sequence[Pair], count: int, seed: int) -> list[str]:
    """English sides of pairs, drawn without repeating."""
    chosen = np.random.default_rng(seed).permutation(len(pairs))[:count]
    return [pairs[int(at)].english for at in chosen]
