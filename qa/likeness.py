"""How much of a question's words stand in a text, in their own form, another one, or another language."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from qa.text import content_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from qa.types import Vectors

#: Letters at the beginning that make two words one ("Soldaten" and "Soldat"): a stemmer for both languages at once.
STEM = 5

#: Cosine of two words' vectors up to which they have nothing to do with each other. Of 0.1 to 0.4 the lowest is best by
#: a little on OMoS-QA dev: first quote right .434 (mean of four directions), at 0.2 .423, at 0.3 .419, at 0.4 .418.
UNLIKE = 0.1


def stems(words: Iterable[str]) -> frozenset[str]:
    """The beginnings that make words one."""
    return frozenset(word[:STEM] for word in words)


def word_shares(
    question: str, texts: Sequence[Sequence[str]], vectors: Callable[[Sequence[str]], Vectors]
) -> NDArray[np.float64]:
    """Share of a question's words that each text meets, ``(texts,)``, 0 to 1.

    Args:
        question: Any text; without content words all shares are 0.
        texts: Content words of each text.
        vectors: Words to rows of length 1 (`qa.types.Encoder.encode_words`).
    """
    return shares(matches(list(dict.fromkeys(content_words(question))), texts, vectors))


def matches(
    asked: Sequence[str], texts: Sequence[Sequence[str]], vectors: Callable[[Sequence[str]], Vectors]
) -> NDArray[np.float64]:
    """How well each word of a question is met by the best word of each text, ``(asked, texts)``, 0 to 1.

    1 is the word itself or one that begins alike; else it is the cosine of the two, from `UNLIKE` on.

    Args:
        asked: Content words of the question.
        texts: Content words of each text.
        vectors: Words to rows of length 1 (`qa.types.Encoder.encode_words`).
    """
    known = {word: at for at, word in enumerate(dict.fromkeys(word for text in texts for word in text))}
    found = np.zeros((len(asked), len(texts)))
    if not asked or not known:
        return found
    cosines = vectors(asked).astype(np.float64) @ vectors(list(known)).T.astype(np.float64)
    alike = np.clip((cosines - UNLIKE) / (1.0 - UNLIKE), 0.0, 1.0)
    by_stem: defaultdict[str, list[int]] = defaultdict(list)
    for word, at in known.items():
        by_stem[word[:STEM]].append(at)
    for row, word in zip(alike, asked, strict=True):
        row[by_stem.get(word[:STEM], [])] = 1.0
    filled = [at for at, text in enumerate(texts) if text]
    places = np.array([known[word] for at in filled for word in texts[at]])
    starts = np.cumsum([0, *(len(texts[at]) for at in filled)])[:-1]
    found[:, filled] = np.maximum.reduceat(alike[:, places], starts, axis=1)
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
