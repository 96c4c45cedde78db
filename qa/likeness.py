"""How much of a question's words stand in a text, in their own form, another one, or another language."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from qa.text import content_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from qa.types import Vectors

    #: Words of a question and of texts to the cosine of each two, ``(question, texts)``.
    Cosines = Callable[[Sequence[str], Sequence[str]], Vectors]

#: Letters at the beginning that make two words one ("Soldaten" and "Soldat"): a stemmer for both languages at once.
STEM = 5

#: Cosine of two words' vectors up to which they have nothing to do with each other. Of 0.1 to 0.4 the lowest is best by
#: a little on OMoS-QA dev: first quote right .434 (mean of four directions), at 0.2 .423, at 0.3 .419, at 0.4 .418.
UNLIKE = 0.1


def stems(words: Iterable[str]) -> frozenset[str]:
    """The beginnings that make words one."""
    return frozenset(word[:STEM] for word in words)


def word_shares(question: str, texts: Sequence[Sequence[str]], cosines: Cosines) -> NDArray[np.float64]:
    """Share of a question's words that each text meets, ``(texts,)``, 0 to 1.

    Args:
        question: Any text; without content words all shares are 0.
        texts: Content words of each text.
        cosines: How alike two words are (`qa.types.Encoder.word_cosines`).
    """
    return shares(matches(list(dict.fromkeys(content_words(question))), texts, cosines))


def matches(asked: Sequence[str], texts: Sequence[Sequence[str]], cosines: Cosines) -> NDArray[np.float64]:
    """How well each word of a question is met by the best word of each text, ``(asked, texts)``, 0 to 1.

    1 is the word itself or one that begins alike; else it is the cosine of the two, from `UNLIKE` on.

    Args:
        asked: Content words of the question.
        texts: Content words of each text.
        cosines: How alike two words are (`qa.types.Encoder.word_cosines`).
    """
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    places = np.fromiter(map(numbers.__getitem__, chain.from_iterable(texts)), np.intp)
    found = np.zeros((len(asked), len(texts)))
    if not asked or not numbers:
        return found
    alike = _alike(asked, list(numbers), cosines)
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    filled = np.flatnonzero(lengths)
    starts = (np.cumsum(lengths) - lengths)[filled]
    found[:, filled] = np.maximum.reduceat(np.take(alike, places, axis=0), starts, axis=0).T
    return found


def _alike(asked: Sequence[str], words: Sequence[str], cosines: Cosines) -> NDArray[np.float64]:
    """How well each of some words meets each word of a question, ``(words, asked)``, 0 to 1.

    A row a word, as many are looked up: 4,000 of 2,000 take 0.1 ms, columns 0.3.
    """
    alike = np.ascontiguousarray(cosines(asked, words).T, np.float64)
    alike -= UNLIKE
    alike /= 1.0 - UNLIKE
    np.clip(alike, 0.0, 1.0, out=alike)
    own: defaultdict[str, list[int]] = defaultdict(list)
    for column, word in enumerate(asked):
        own[word[:STEM]].append(column)
    for at in [at for at, word in enumerate(words) if word[:STEM] in own]:
        alike[at, own[words[at][:STEM]]] = 1.0
    return alike


def shares(met: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a question's words that each text meets, ``(texts,)``, a word weighing the more the fewer meet it.

    Inverse document frequency (Spärck Jones 1972) over the texts: they are all on the topic, so a word that they share
    says little. A word that none meets weighs most, and lowers them all.

    Args:
        met: What `matches` gives, ``(asked, texts)``.
    """
    asked, texts = met.shape
    if not asked or not texts:
        return np.zeros(texts)
    rarity = np.log((texts + 1) / (met.sum(axis=1) + 0.5))
    total = rarity.sum()
    result: NDArray[np.float64] = rarity @ met / total if total > 0 else np.zeros(texts)
    return result
