"""How much of a question's words stand in a text, in their own form, another one, or another language."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from qa.numbered import LETTERS, Numbered
from qa.text import content_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from qa.numbered import Numbers, WordList
    from qa.types import Vectors

    #: Words of a question and of texts to the cosine of each two, ``(question, texts)``.
    Cosines = Callable[[Sequence[str], Sequence[str]], Vectors]

#: Letters at the beginning that make two words one ("Soldaten" and "Soldat"): a stemmer for both languages at once.
STEM = LETTERS

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


def numbered_shares(question: str, texts: Sequence[Numbers], words: WordList, cosines: Cosines) -> NDArray[np.float64]:
    """As `word_shares`, of texts whose words are numbers in a list of words."""
    return shares(numbered_matches(list(dict.fromkeys(content_words(question))), texts, words, cosines))


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
    if not asked or not numbers:
        return np.zeros((len(asked), len(texts)))
    words = list(numbers)
    alike = _alike(asked, words, cosines)
    own: defaultdict[str, list[int]] = defaultdict(list)
    for column, word in enumerate(asked):
        own[word[:STEM]].append(column)
    for at in [at for at, word in enumerate(words) if word[:STEM] in own]:
        alike[at, own[words[at][:STEM]]] = 1.0
    return _best(alike, places, texts)


def numbered_matches(
    asked: Sequence[str], texts: Sequence[Numbers], words: WordList, cosines: Cosines
) -> NDArray[np.float64]:
    """As `matches`, of texts whose words are numbers.

    Args:
        asked: Content words of the question.
        texts: Numbers of the content words of each text.
        words: What they are the numbers of.
        cosines: How alike two words are; may take the words as `qa.numbered.Numbered`.
    """
    if not asked or not any(map(len, texts)):
        return np.zeros((len(asked), len(texts)))
    distinct, places = np.unique(np.concatenate(texts), return_inverse=True)
    alike = _alike(asked, Numbered(words, distinct), cosines)
    begins = words.begins(distinct)
    for column, word in enumerate(asked):
        alike[begins == words.beginning(word), column] = 1.0
    return _best(alike, places, texts)


def _alike(asked: Sequence[str], words: Sequence[str], cosines: Cosines) -> NDArray[np.float64]:
    """How like each of some words is to each word of a question, ``(words, asked)``, 0 to 1."""
    alike = np.ascontiguousarray(cosines(asked, words).T, np.float64)
    alike -= UNLIKE
    alike /= 1.0 - UNLIKE
    np.clip(alike, 0.0, 1.0, out=alike)
    return alike


def _best(
    alike: NDArray[np.float64], places: NDArray[np.intp], texts: Sequence[Sequence[str] | Numbers]
) -> NDArray[np.float64]:
    """The best row of ``alike`` for each text, ``(asked, texts)``; ``places`` are those of all texts in order."""
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    filled = np.flatnonzero(lengths)
    starts = (np.cumsum(lengths) - lengths)[filled]
    found = np.zeros((alike.shape[1], len(texts)))
    found[:, filled] = np.maximum.reduceat(np.take(alike, places, axis=0), starts, axis=0).T
    return found


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
