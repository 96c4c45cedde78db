"""Questions to ranked passages: dense and lexical search, fused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from qa.likeness import numbered_shares
from qa.text import language
from qa.types import Passage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from qa.corpus import ChunkRecord, ChunkWords
    from qa.index import Allowed, Index
    from qa.types import EncodedQuestion, Encoder, Lang, Only, Vectors

Mode = Literal["hybrid", "dense", "lexical"]

#: One score, or those of many passages.
Score = TypeVar("Score", float, "NDArray[Any]")


@dataclass(frozen=True, slots=True)
class Fusion:
    """Weights of the fused score: ``cosine + weight * bm25 / (bm25 + half)`` in the language of the question.

    A combination of scores rather than of ranks: Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for
    Hybrid Retrieval". BM25 has no upper end, so it saturates (``half`` is where it is worth half its weight): a German
    passage that shares only "Seoul" with an English question gains little, where reciprocal ranks would give it as
    much as an exact match. BM25 counts in units of `rarest_word`, so that it means the same in a small index and a
    large one.

    In a passage of another language words count ``across`` instead of ``weight``, and ``bonus`` is added, about what a
    passage of the question's language that does not answer gets for the common words that the other cannot share.

    ``met`` and, in another language, ``met_across`` weigh the share of the question's words that the passage meets, in
    whatever form or language (`qa.likeness.shares`): what BM25 cannot see.

    ``sentence`` weighs the cosine of the passage's best sentence, which is added to that of the whole passage, with
    words and without: one vector of a long passage is a mean of what it says, and one sentence answers. Akkalyoncu
    Yilmaz et al. 2019, "Cross-Domain Modeling of Sentence-Level Evidence for Document Retrieval". ``pieces`` weighs how
    near the question's word pieces come to those of the passage (`qa.interaction`), in the same place; an encoder that
    gives no pieces does without.
    """

    weight: float
    half: float
    across: float
    bonus: float
    met: float = 0.0
    met_across: float = 0.0
    sentence: float = 0.0
    pieces: float = 0.0


#: Chosen by ``python -m qa.train.calibrate`` on OMoS-QA train: questions and keywords in both languages over pages in
#: German, in English, and half in each. Mean nDCG@10 of the page 0.710; weight 0.5 to 1.5, half 1.5 to 6, across 0.2 to
#: 0.7 and bonus 0 to 0.4 were tried, then met 0 to 0.3 and met_across 0 to 0.6, then sentence 0 to 1.5 and pieces 0 to
#: 2: 0, 0.5 and 1 give .709, .712 and .710, of pages in one language R@1 .560, .567 and .568; XQuAD over German text,
#: which it is not fitted on, R@1 .929, .937 and .940 (eval/LOG.md).
FUSION = Fusion(weight=1.0, half=3.0, across=0.4, bonus=0.25, met=0.1, met_across=0.25, sentence=0.5, pieces=1.0)

#: Candidates taken from each ranking before they are fused.
DEPTH = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with the record that leads to its sentences and their vectors.

    ``met`` is the share of the question's words that it meets, 0 to 1 (`qa.likeness.shares`), ``nearest`` the cosine of
    the question and its best sentence, ``pieces`` how near the question's word pieces come to its own (`Fusion`).
    """

    passage: Passage
    record: ChunkRecord
    met: float = 0.0
    nearest: float = 0.0
    pieces: float = 0.0


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found: candidates best first, the question as encoded, who encoded it, milliseconds by stage."""

    candidates: tuple[Candidate, ...]
    question: EncodedQuestion
    encoder: Encoder
    timings_ms: Mapping[str, float]


def retrieve(
    index: Index,
    encoder: Encoder,
    question: str,
    k: int,
    *,
    mode: Mode = "hybrid",
    fusion: Fusion = FUSION,
    only: Only | None = None,
) -> Retrieval:
    """The k best passages for a question.

    Under a filter both rankings are made among the passages that it lets in, so that no others take their places; a
    passage has the same dense score and the same BM25 as without it.

    Args:
        index: What is searched.
        encoder: The one that the index was built with.
        question: Any text.
        k: How many at most, at least 1.
        mode: Both rankings fused, or one alone (for measuring).
        fusion: Weights of the fusion.
        only: Which articles may be found; None for all.
    """
    clock = _Clock()
    lang = language(question)
    asked = encoder.encode_question(question)
    clock.lap("encode")
    depth = max(k, DEPTH)
    allowed = index.allowed(only) if only else None
    dense = _dense(index, asked.vector, depth, allowed) if mode != "lexical" else {}
    clock.lap("dense")
    lexical = _lexical(index, question, depth, allowed) if mode != "dense" else {}
    clock.lap("lexical")
    found = _found(index, asked, dense, lexical)
    clock.lap("pieces")
    if mode == "hybrid":
        texts = [one.chunk.words for one in found]
        met = numbered_shares(question, texts, index.corpus.word_list, encoder.word_cosines)
        for one, share in zip(found, met.tolist(), strict=True):
            one.met = share
        clock.lap("words")
    for one in found:
        one.score = _score(one, mode, fusion, lang)
    best = sorted(found, key=lambda one: (-one.score, one.chunk.key))[:k]
    candidates = tuple(_candidates(index, best, dense, lexical))
    clock.lap("fuse")
    return Retrieval(candidates, asked, encoder, clock.laps)


def _dense(index: Index, query: Vectors, depth: int, allowed: Allowed | None) -> dict[int, float]:
    count = len(index.store) if allowed is None else allowed.count
    hits = index.store.search(query, min(depth, max(1, count)), allowed.selection if allowed else None)
    return {int(key): float(score) for key, score in zip(hits.keys[0], hits.scores[0], strict=True) if key >= 0}


def _lexical(index: Index, question: str, depth: int, allowed: Allowed | None) -> dict[int, float]:
    hits = index.words.search(question, depth, allowed.ranges if allowed else None)
    unit = rarest_word(index.manifest.chunk_count)
    return {key: score / unit for key, score in zip(hits.keys, hits.scores, strict=True)}


def rarest_word(chunk_count: int) -> float:
    """BM25's weight (inverse document frequency) of a word that stands in a single one of so many passages."""
    return math.log(1.0 + max(chunk_count - 0.5, 0.5) / 1.5)


@dataclass(slots=True)
class _Found:
    """A chunk that either ranking found, with what it is ranked by, step by step."""

    chunk: ChunkWords
    dense: float
    nearest: float
    pieces: float
    lexical: float | None
    met: float = 0.0
    score: float = 0.0


def _found(
    index: Index, asked: EncodedQuestion, dense: Mapping[int, float], lexical: Mapping[int, float]
) -> list[_Found]:
    """Everything that either ranking found, scores still to be fused."""
    chunks = index.chunks.read([*dict.fromkeys([*dense, *lexical])])
    query = asked.vector[0]
    nearest = index.best_sentences(chunks, query).tolist()
    # Exact, not "somewhere below the last one found": a fused score needs both parts.
    others = [chunk for chunk in chunks if chunk.key not in dense]
    similarities = index.similarities([chunk.row for chunk in others], query)
    known = {**dense, **{chunk.key: score for chunk, score in zip(others, similarities, strict=True)}}
    pieces = index.pieces_of(chunks)
    met = asked.pieces.mean(asked.pieces.nearest(pieces.codes, pieces.starts)).tolist()
    return [
        _Found(chunk, known[chunk.key], best, near, lexical.get(chunk.key))
        for chunk, best, near in zip(chunks, nearest, met, strict=True)
    ]


def _candidates(
    index: Index, found: Sequence[_Found], dense: Mapping[int, float], lexical: Mapping[int, float]
) -> Iterator[Candidate]:
    """What was found as passages; their texts and articles are read for the best alone."""
    dense_ranks, lexical_ranks = _ranks(dense), _ranks(lexical)
    records = index.corpus.chunks([one.chunk.key for one in found])
    articles = index.corpus.articles_of({record.chunk.article_id for record in records.values()})
    for one in found:
        record = records[one.chunk.key]
        chunk = record.chunk
        article = articles.get(chunk.article_id)
        if article is None:
            continue
        ranks = dense_ranks.get(chunk.key), lexical_ranks.get(chunk.key)
        passage = Passage(chunk, article, one.score, *ranks, one.dense, one.lexical)
        yield Candidate(passage, record, one.met, one.nearest, one.pieces)


def _score(one: _Found, mode: Mode, fusion: Fusion, lang: Lang) -> float:
    if mode == "lexical":
        return one.lexical or 0.0
    dense = dense_score(one.dense, one.nearest, one.pieces, fusion)
    if mode == "dense":
        return dense
    return _fused(dense, one.lexical or 0.0, one.met, fusion, crossed=one.chunk.lang != lang)


def dense_score(passage: Score, nearest: Score, pieces: Score, fusion: Fusion) -> Score:
    """What vectors alone say of passages: the cosines of the whole of each and of its best sentence, and its pieces."""
    return passage + fusion.sentence * nearest + fusion.pieces * pieces


def fused_score(passage: Passage, met: float, dense: float, fusion: Fusion, lang: Lang) -> float:
    """The fused score of a passage by its words, what it meets and its `dense_score`, for a question in ``lang``."""
    return _fused(dense, passage.lexical_score or 0.0, met, fusion, crossed=passage.article.lang != lang)


def _fused(dense: float, lexical: float, met: float, fusion: Fusion, *, crossed: bool) -> float:
    words = saturated(lexical, fusion.half)
    if crossed:
        return dense + fusion.bonus + fusion.across * words + fusion.met_across * met
    return dense + fusion.weight * words + fusion.met * met


def saturated(bm25: float, half: float) -> float:
    """A BM25 score brought into ``[0, 1)``; ``half`` becomes 0.5."""
    return bm25 / (bm25 + half) if math.isfinite(bm25) else 1.0


def _ranks(scores: Mapping[int, float]) -> dict[int, int]:
    order = sorted(scores, key=lambda key: (-scores[key], key))
    return {key: rank for rank, key in enumerate(order, start=1)}


class _Clock:
    """Milliseconds from lap to lap."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self.laps[name] = (now - self._last) * 1000
        self._last = now
