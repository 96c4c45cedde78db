"""Passages to learn from, and what somebody might ask to find them.

A passage is a window of consecutive lines. It comes with a query made from one of its own lines, in either language
(the inverse cloze task: Lee, Chang and Toutanova 2019, "Latent Retrieval for Weakly Supervised Open Domain Question
Answering", section 4), and with the windows before or after it as neighbours that are about the same and do not hold
that line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

Language = Literal["en", "de"]

#: Neighbours on each side whose mean says what a stretch of lines is about.
STRETCH = 3
#: Cosine of the stretches before and after a gap below which another text begins. In news articles in order about 85 of
#: 100 gaps lie above; in captions and sentences without an order 85 to 95 lie below (0.20 to 0.35 tried by eye on the
#: runs).
SAME_TEXT = 0.30
#: Lines that a run must have to be more than an accident.
SHORTEST_RUN = 6
#: Pieces of a passage, drawn evenly between the two. Chunks of the index have 100 words, 130 to 180 German pieces.
PASSAGE_PIECES = (50, 240)
#: Windows of one run that stand in a batch together.
NEIGHBOURS = 3
#: Share of passages from runs; the rest comes from lines in whatever order they stand, for their vocabulary.
FROM_RUNS = 0.65
#: Share of queries whose line is taken out of the passage: the passage must be known by what else it says.
TAKEN_OUT = 0.5
#: Share of queries that are a fragment of their line, as readers type, and words of a line that a fragment keeps.
FRAGMENTS = 0.6
FRAGMENT_WORDS = (3, 10)

_ASKING: dict[Language, tuple[str, ...]] = {
    "en": ("what", "who", "when", "where", "why", "how", "how many", "which", "what did", "who is", "where does"),
    "de": ("was", "wer", "wann", "wo", "warum", "wie", "wie viele", "welche", "was hat", "wer ist", "wo liegt"),
}


@dataclass(frozen=True, slots=True)
class Window:
    """A passage: positions of its lines, and the one that its query comes from.

    Attributes:
        lines: In order.
        asked: One of ``lines``.
        without: Whether the passage is read without the line asked for.
    """

    lines: tuple[int, ...]
    asked: int
    without: bool

    @property
    def read(self) -> tuple[int, ...]:
        """The lines that the passage is made of."""
        return tuple(line for line in self.lines if not self.without or line != self.asked)


def runs(vectors: NDArray[np.float32], start: int = 0) -> list[range]:
    """Cut lines in order into stretches of one text each.

    Args:
        vectors: Of the lines, ``(n, dim)``, length 1.
        start: Position of the first line.

    Returns:
        Ranges of positions, at least ``SHORTEST_RUN`` long; lines that belong to no text are in none.
    """
    count = len(vectors)
    if count < SHORTEST_RUN:
        return []
    sums = np.concatenate([np.zeros((1, vectors.shape[1]), np.float64), np.cumsum(vectors, axis=0, dtype=np.float64)])
    gaps = np.arange(1, count)
    before = sums[gaps] - sums[np.maximum(0, gaps - STRETCH)]
    after = sums[np.minimum(count, gaps + STRETCH)] - sums[gaps]
    norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    alike = (before * after).sum(axis=1) / np.maximum(norms, 1e-9)
    cuts = [0, *(int(gap) for gap in gaps[alike < SAME_TEXT]), count]
    return [range(start + first, start + last) for first, last in pairwise(cuts) if last - first >= SHORTEST_RUN]


def windows(
    texts: Sequence[range], everything: Sequence[range], pieces: NDArray[np.int64], seed: int
) -> Iterator[list[Window]]:
    """Windows without end, in groups of up to ``NEIGHBOURS`` that follow each other.

    Args:
        texts: Stretches of lines that belong together.
        everything: Stretches of lines in any order.
        pieces: Length of each line in word pieces, ``(lines,)``.
        seed: Of the drawing.
    """
    random = np.random.default_rng(seed)
    sources = [list(texts) or list(everything), list(everything)]
    shares = [np.array([len(stretch) for stretch in source], np.float64) for source in sources]
    while True:
        kind = 0 if random.random() < FROM_RUNS else 1
        stretch = sources[kind][int(random.choice(len(sources[kind]), p=shares[kind] / shares[kind].sum()))]
        at = stretch.start + int(random.integers(0, max(1, len(stretch) - 1)))
        budget = int(random.integers(*PASSAGE_PIECES))
        group: list[Window] = []
        while at < stretch.stop and len(group) < (NEIGHBOURS if kind == 0 else 1):
            lines = [at]
            while lines[-1] + 1 < stretch.stop and pieces[at : lines[-1] + 2].sum() <= budget:
                lines.append(lines[-1] + 1)
            at = lines[-1] + 1
            asked = int(random.choice(lines))
            group.append(Window(tuple(lines), asked, len(lines) > 1 and bool(random.random() < TAKEN_OUT)))
        yield group


def query(line: str, language: Language, random: np.random.Generator) -> str:
    """What somebody might type to find the passage that ``line`` comes from: the line, or a fragment of it."""
    words = [word for word in line.split() if any(letter.isalnum() for letter in word)]
    shortest, longest = FRAGMENT_WORDS
    if random.random() >= FRAGMENTS or len(words) <= shortest:
        return line
    count = int(random.integers(shortest, min(longest, len(words)) + 1))
    if random.random() < 0.5:  # noqa: PLR2004 - both as often
        start = int(random.integers(0, len(words) - count + 1))
        kept = words[start : start + count]
    else:
        kept = [words[at] for at in sorted(random.choice(len(words), count, replace=False))]
    if random.random() < 0.6:  # noqa: PLR2004 - a little more often than not
        return f"{random.choice(_ASKING[language])} {' '.join(kept).rstrip('.,;:!?')}?"
    return " ".join(kept).rstrip(".,;:!?")
