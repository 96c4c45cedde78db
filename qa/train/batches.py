"""Batches without end: sentences, dictionary entries and passages, each batch about as many word pieces.

Every stream is drawn from a seed alone and yields positions, so that a training that goes on skips what it has seen.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.batching import token_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

#: Texts that are sorted by length together before they are cut into batches.
_POOL = 16_384
#: Pieces of a text that count, the two marks included.
MAX_PIECES = 256
_TOKENIZED_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Pieces:
    """Word pieces of many texts without the marks: text ``i`` is ``ids[starts[i]:starts[i + 1]]``."""

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    first: int
    last: int

    @classmethod
    def of(cls, tokenizer: Any, texts: Sequence[str]) -> Pieces:  # noqa: ANN401 - tokenizers is imported lazily
        """Tokenize once; texts are cut at ``MAX_PIECES - 2``."""
        parts: list[NDArray[np.int32]] = []
        lengths = [0]
        for at in range(0, len(texts), _TOKENIZED_AT_ONCE):
            some = list(texts[at : at + _TOKENIZED_AT_ONCE])
            rows = [row.ids[: MAX_PIECES - 2] for row in tokenizer.encode_batch_fast(some, add_special_tokens=False)]
            lengths += [len(row) for row in rows]
            parts.append(np.fromiter(itertools.chain.from_iterable(rows), np.int32))
        ids = np.concatenate(parts) if parts else np.empty(0, np.int32)
        return cls(ids, np.cumsum(lengths), tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]"))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Of each text, without the marks."""
        return np.diff(self.starts)

    def text(self, at: int) -> list[int]:
        """One text without the marks."""
        pieces: list[int] = self.ids[self.starts[at] : self.starts[at + 1]].tolist()
        return pieces

    def marked(self, at: int) -> list[int]:
        """One text between its marks."""
        return [self.first, *self.text(at), self.last]

    def joined(self, texts: Sequence[int]) -> tuple[list[int], list[tuple[int, int]]]:
        """Several texts as one, and where each of them stands in it (empty at the end where it was cut off)."""
        row, spans = [self.first], []
        for at in texts:
            start = min(len(row), MAX_PIECES - 1)
            row += self.text(at)
            spans.append((start, min(len(row), MAX_PIECES - 1)))
        return [*row[: MAX_PIECES - 1], self.last], spans


@dataclass(frozen=True, slots=True)
class Wordings:
    """Texts of many lines, the wordings of line ``i`` next to each other: ``range(starts[i], starts[i + 1])``."""

    starts: NDArray[np.int64]

    @classmethod
    def of(cls, counts: Sequence[int]) -> Wordings:
        """From the number of wordings of each line."""
        return cls(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]))

    def draw(self, lines: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
        """One wording of each line, evenly."""
        counts = self.starts[lines + 1] - self.starts[lines]
        return self.starts[lines] + (random.random(len(lines)) * counts).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Batch:
    """Positions of lines and of the wording drawn for each, both ``(b,)``."""

    lines: NDArray[np.int64]
    texts: NDArray[np.int64]


def text_batches(
    wordings: Wordings,
    lengths: NDArray[np.int64],
    weights: NDArray[np.float64],
    budget: int,
    seed: int,
) -> Iterator[Batch]:
    """Go through all lines again and again, each time in another order and another wording.

    Args:
        wordings: Texts of each line.
        lengths: Pieces of each text, ``(texts,)``.
        weights: Of each line, ``(lines,)``: drawn without putting back, heavier ones tend to come earlier (Efraimidis
            and Spirakis 2006), and a pass ends after half of the lines where weights differ, so that they come more
            often.
        budget: Padded pieces in a batch.
        seed: Of the drawing.
    """
    random = np.random.default_rng(seed)
    even = bool(np.all(weights == weights[0]))
    while True:
        order = np.argsort(np.log(random.random(len(weights))) / weights)[::-1]
        # Heavy ones stand first: shuffled, or the first batches of a pass would be all questions.
        order = order if even else random.permutation(order[: max(1, len(order) // 2)])
        for at in range(0, len(order), _POOL):
            lines = order[at : at + _POOL]
            texts = wordings.draw(lines, random)
            batches = list(token_batches(lengths[texts] + 2, budget))
            for batch in random.permutation(len(batches)):
                chosen = batches[int(batch)]
                yield Batch(lines[chosen], texts[chosen])
