"""Retrieval tasks to measure an encoder on: rankings by vectors, by BM25, and by both fused as the bot does it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.chunks import chunk_article, embedding_text, sentence_texts
from qa.config import Settings
from qa.lexical import LexicalDoc, LexicalHits, LexicalIndex
from qa.likeness import word_shares
from qa.measuring.datasets import load_dataset
from qa.metrics import DEEPEST, Estimate, mean_estimates, rank_of_relevant, ranking_scores
from qa.retrieve import DEPTH, FUSION, dense_score, fused_score, rarest_word
from qa.text import content_words, language
from qa.types import Article, Chunk, Lang, Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.interaction import AskedPieces
    from qa.likeness import Cosines
    from qa.measuring.questions import Question, QuestionSet
    from qa.types import Encoder, PieceCodes, Vectors

    Rows = NDArray[np.int64]

LANGS: tuple[Lang, ...] = ("de", "en")
MEASURES = ("R@1", "R@5", "nDCG@10")
XQUAD_DIRECTIONS: tuple[tuple[Lang, Lang], ...] = (("en", "de"), ("de", "de"), ("en", "en"), ("de", "en"))
OMOSQA_DIRECTIONS: tuple[tuple[Lang, Lang], ...] = (("en", "de"), ("de", "de"), ("en", "en"))


@dataclass(frozen=True, slots=True)
class Collection:
    """What is ranked in one language: ``owner[i]`` is the place of the article of ``chunks[i]`` in ``articles``.

    ``sentences`` are the texts that the encoder reads for the sentences of all chunks, chunk by chunk; those of
    ``chunks[i]`` begin at ``starts[i]``, and there is at least one.
    """

    articles: tuple[Article, ...]
    chunks: tuple[Chunk, ...]
    owner: Rows
    sentences: tuple[str, ...]
    starts: Rows

    @property
    def texts(self) -> list[str]:
        """What the encoder reads for each chunk."""
        return [embedding_text(self.articles[at], chunk) for at, chunk in zip(self.owner, self.chunks, strict=True)]


@dataclass(frozen=True, slots=True)
class Direction:
    """Questions in one language over articles in another (``en→de``).

    ``rows`` are the questions' places in the set's ``questions``, ``relevant`` those of the one article that answers
    each in the collection, both ``(q,)``.
    """

    asked: Lang
    written: Lang
    rows: Rows
    relevant: Rows

    @property
    def name(self) -> str:
        """Language of the questions, arrow, language of the articles."""
        return f"{self.asked}→{self.written}"


@dataclass(frozen=True, slots=True)
class TaskSet:
    """A set of questions: each text stands once in ``questions``, whatever it is asked of."""

    name: str
    note: str
    questions: tuple[str, ...]
    collections: Mapping[Lang, Collection]
    directions: tuple[Direction, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors of a set: questions ``(n, dim)``, chunks ``(c, dim)`` and their sentences ``(s, dim)`` by language.

    ``asked`` are the word pieces of the questions, ``pieces`` those of the chunks by language, where an encoder gives
    any.
    """

    questions: Vectors
    chunks: Mapping[Lang, Vectors]
    sentences: Mapping[Lang, Vectors]
    asked: Sequence[AskedPieces] = ()
    pieces: Mapping[Lang, PieceCodes] = field(default_factory=dict)

    def scores(self, direction: Direction) -> Vectors:
        """Cosine of every question and chunk of a direction, ``(q, c)``."""
        cosines: Vectors = self.questions[direction.rows] @ self.chunks[direction.written].T
        return cosines

    def nearest(self, direction: Direction, collection: Collection) -> Vectors:
        """Cosine of every question and the best sentence of every chunk of a direction, ``(q, c)``."""
        cosines = self.questions[direction.rows] @ self.sentences[direction.written].T
        best: Vectors = np.maximum.reduceat(cosines, collection.starts, axis=1)
        return best

    def met(self, direction: Direction, collection: Collection) -> Vectors:
        """How near every question's word pieces come to those of every chunk of a direction, ``(q, c)``."""
        shape = len(direction.rows), len(collection.chunks)
        if direction.written not in self.pieces:
            return np.zeros(shape, np.float32)
        pieces = self.pieces[direction.written]
        starts = np.cumsum(pieces.counts) - pieces.counts
        asked = (self.asked[row] for row in direction.rows)
        return np.array([one.mean(one.nearest(pieces.codes, starts)) for one in asked], np.float32).reshape(shape)

    def dense(self, direction: Direction, collection: Collection) -> Vectors:
        """`qa.retrieve.dense_score` of every question and chunk of a direction, ``(q, c)``."""
        nearest, met = self.nearest(direction, collection), self.met(direction, collection)
        return dense_score(self.scores(direction), nearest, met, FUSION)


#: Figures of one row of a table: by direction, then by measure.
Figures = Mapping[str, Mapping[str, Estimate]]


def xquad(folder: Path) -> TaskSet:
    """XQuAD, read from ``xquad.{de,en}.json``: paragraphs are ranked whole, as published figures have it.

    Raises:
        QuestionsError: A file is missing or in another format.
    """
    loaded = _crossed({lang: folder / f"xquad.{lang}.json" for lang in LANGS}, XQUAD_DIRECTIONS)
    collections = {lang: _whole(tuple(loaded[lang, lang].articles or ())) for lang in LANGS}
    asked = {pair: one.questions for pair, one in loaded.items()}
    note = (
        f"{len(asked['de', 'de'])} questions, each over all {len(collections['de'].articles)} paragraphs of a "
        "language. Paragraphs are ranked whole; relevant is the one that a question was asked of."
    )
    return _task_set("XQuAD", note, collections, asked)


def omosqa(folder: Path) -> TaskSet:
    """OMoS-QA dev over all pages of train and dev, read from ``omosqa.{train,dev}.{de,en}.jsonl``.

    As in ``qa eval``, relevant is the page that a question was asked of, and a question that its page does not answer
    has nothing to be found and is left out.

    Raises:
        QuestionsError: A file is missing or in another format.
    """
    loaded = _crossed({lang: folder / f"omosqa.dev.{lang}.jsonl" for lang in LANGS}, OMOSQA_DIRECTIONS)
    asked = {pair: [one for one in each.questions if one.answerable] for pair, each in loaded.items()}
    longest = Settings().chunk_words
    collections: dict[Lang, Collection] = {}
    for lang in LANGS:
        train = load_dataset(folder / f"omosqa.train.{lang}.jsonl")
        pages = {one.id: one for one in (*(train.articles or ()), *(loaded[lang, lang].articles or ()))}
        collections[lang] = _chunked(tuple(pages.values()), longest)
    note = (
        f"{len(asked['de', 'de'])} of {len(loaded['de', 'de'].questions)} questions, those that their page answers, "
        f"each over all pages of train and dev, {len(collections['de'].articles)} in German, "
        f"{len(collections['en'].articles)} in English. Relevant is the page that a question was asked of; a page "
        f"ranks where its best passage of at most {longest} words does."
    )
    return _task_set("OMoS-QA dev", note, collections, asked)


def _crossed(
    files: Mapping[Lang, Path], directions: Iterable[tuple[Lang, Lang]]
) -> dict[tuple[Lang, Lang], QuestionSet]:
    return {
        (asked, written): load_dataset(files[written], questions_from=None if asked == written else files[asked])
        for asked, written in directions
    }


def _whole(articles: tuple[Article, ...]) -> Collection:
    chunks = (Chunk(f"{at:016x}", one.id, 0, len(one.text), one.text) for at, one in enumerate(articles))
    longest = max((len(one.text) for one in articles), default=1)
    cut = (sentence_texts(one, chunk_article(one, max_words=longest)) for one in articles)
    return _collection(articles, tuple(chunks), np.arange(len(articles)), [[*chain.from_iterable(one)] for one in cut])


def _chunked(articles: tuple[Article, ...], longest: int) -> Collection:
    cut = [chunk_article(article, max_words=longest) for article in articles]
    owner = np.repeat(np.arange(len(articles)), [len(one.chunks) for one in cut])
    chunks = tuple(chunk for one in cut for chunk in one.chunks)
    sentences = (sentence_texts(article, one) for article, one in zip(articles, cut, strict=True))
    return _collection(articles, chunks, owner, [*chain.from_iterable(sentences)])


def _collection(
    articles: tuple[Article, ...], chunks: tuple[Chunk, ...], owner: Rows, sentences: Sequence[Sequence[str]]
) -> Collection:
    """With what the encoder reads for the sentences of each chunk."""
    starts = np.cumsum([0, *map(len, sentences)])[:-1]
    return Collection(articles, chunks, owner, tuple(chain.from_iterable(sentences)), starts)


def _task_set(
    name: str,
    note: str,
    collections: Mapping[Lang, Collection],
    asked: Mapping[tuple[Lang, Lang], Sequence[Question]],
) -> TaskSet:
    texts = tuple(dict.fromkeys(one.text for questions in asked.values() for one in questions))
    row = {text: at for at, text in enumerate(texts)}
    directions = []
    for (lang, written), questions in asked.items():
        place = {article.id: at for at, article in enumerate(collections[written].articles)}
        rows = np.array([row[one.text] for one in questions], np.int64)
        relevant = np.array([place[one.articles[0]] for one in questions], np.int64)
        directions.append(Direction(lang, written, rows, relevant))
    return TaskSet(name, note, texts, collections, tuple(directions))


def encode(encoder: Encoder, tasks: TaskSet) -> Encoded:
    """Vectors and pieces of all questions, chunks and sentences of a set."""
    sentences = {lang: encoder.encode_passages(one.sentences) for lang, one in tasks.collections.items()}
    questions = list(tasks.questions)
    if not encoder.piece_bytes:
        chunks = {lang: encoder.encode_passages(one.texts) for lang, one in tasks.collections.items()}
        return Encoded(encoder.encode_queries(questions), chunks, sentences)
    whole = {lang: encoder.encode_pieces(one.texts) for lang, one in tasks.collections.items()}
    asked = [encoder.encode_question(one) for one in questions]
    return Encoded(
        np.concatenate([one.vector for one in asked]),
        {lang: one.vectors for lang, one in whole.items()},
        sentences,
        [one.pieces for one in asked],
        {lang: one.pieces for lang, one in whole.items()},
    )


def passage_figures(tasks: TaskSet, vectors: Encoded) -> Figures:
    """Rankings by the vectors of whole passages."""
    return _figures(tasks, lambda one: rank_dense(vectors.scores(one), tasks.collections[one.written]))


def dense_figures(tasks: TaskSet, vectors: Encoded) -> Figures:
    """Rankings by vectors alone, as the bot ranks: passages, the nearest then with best sentences and word pieces."""

    def rank(one: Direction) -> list[list[int]]:
        found = tasks.collections[one.written]
        return rank_dense(reranked(vectors.scores(one), vectors.dense(one, found)), found)

    return _figures(tasks, rank)


def reranked(scores: Vectors, dense: Vectors) -> Vectors:
    """The dense scores, ``(q, c)``, of the best `DEPTH` passages; the others keep their order, below them.

    Args:
        scores: Cosines of questions and passages, ``(q, c)``.
        dense: Their dense scores (`Encoded.dense`), ``(q, c)``.
    """
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    # No dense score is below that of cosines at their lowest.
    lowest = dense_score(-1.0, -1.0, -1.0, FUSION)
    return np.where(ranks < DEPTH, dense, lowest - ranks).astype(np.float32)


def hybrid_figures(
    tasks: TaskSet, vectors: Encoded, hits: Mapping[str, Sequence[LexicalHits]], words: Cosines
) -> Figures:
    """Rankings by vectors and words, fused as the bot does.

    Args:
        tasks: The set.
        vectors: Of its texts.
        hits: As `lexical_hits` gives them.
        words: Single words to vectors.
    """
    return _figures(
        tasks,
        lambda one: rank_hybrid(
            vectors.scores(one),
            vectors.dense(one, tasks.collections[one.written]),
            hits[one.name],
            tasks.collections[one.written],
            [tasks.questions[row] for row in one.rows],
            words,
        ),
    )


def lexical_figures(tasks: TaskSet, hits: Mapping[str, Sequence[LexicalHits]]) -> Figures:
    """Rankings by BM25 alone."""
    return _figures(tasks, lambda one: rank_lexical(hits[one.name], tasks.collections[one.written]))


def _figures(tasks: TaskSet, rank: Callable[[Direction], Sequence[Sequence[int]]]) -> Figures:
    return {one.name: figures(rank(one), one.relevant) for one in tasks.directions}


def lexical_hits(tasks: TaskSet) -> dict[str, list[LexicalHits]]:
    """What the bot's BM25 finds for each question, by direction; keys are places in the collection's ``chunks``."""
    hits: dict[str, list[LexicalHits]] = {}
    for lang, collection in tasks.collections.items():
        with tempfile.TemporaryDirectory() as folder:
            index = LexicalIndex.create(Path(folder) / "lexical")
            owners = [collection.articles[at] for at in collection.owner]
            index.add(
                LexicalDoc(key, chunk.text, owner.title or "", owner.lang)
                for key, (chunk, owner) in enumerate(zip(collection.chunks, owners, strict=True))
            )
            index.commit()
            for one in tasks.directions:
                if one.written == lang:
                    hits[one.name] = [index.search(tasks.questions[row], DEPTH) for row in one.rows]
    return hits


def rank_dense(scores: Vectors, collection: Collection) -> list[list[int]]:
    """Places of the best articles for each row of chunk scores ``(q, c)``, an article by its best chunk.

    Equal scores stand in the order of the collection.
    """
    best = np.full((len(collection.articles), len(scores)), -np.inf, np.float32)
    np.maximum.at(best, collection.owner, scores.T)
    order: list[list[int]] = np.argsort(-best.T, axis=1, kind="stable")[:, :DEEPEST].tolist()
    return order


def rank_lexical(hits: Iterable[LexicalHits], collection: Collection) -> list[list[int]]:
    """Places of the articles whose chunks BM25 found, an article by its best chunk."""
    return [_articles(one.keys, collection) for one in hits]


def rank_hybrid(
    scores: Vectors,
    dense: Vectors,
    hits: Sequence[LexicalHits],
    collection: Collection,
    questions: Sequence[str],
    words: Cosines,
) -> list[list[int]]:
    """Places of the best articles by the fused score of `qa.retrieve`, an article by its best chunk.

    Candidates are the best `DEPTH` chunks of either ranking, as the bot takes them; equal scores stand in the order
    of the collection.
    """
    unit = rarest_word(len(collection.chunks))
    owners = [collection.articles[at] for at in collection.owner]
    texts = [content_words(chunk.text, one.lang) for chunk, one in zip(collection.chunks, owners, strict=True)]
    orders = []
    for row, near, found, question in zip(scores, dense, hits, questions, strict=True):
        bm25 = {key: score / unit for key, score in zip(found.keys, found.scores, strict=True)}
        candidates = sorted({*np.argsort(-row, kind="stable")[:DEPTH].tolist(), *bm25})
        met = word_shares(question, [texts[at] for at in candidates], words)
        lang = language(question)
        fused = [
            -fused_score(_passage(collection, at, bm25.get(at)), float(share), float(near[at]), FUSION, lang)
            for at, share in zip(candidates, met, strict=True)
        ]
        orders.append(_articles((at for _, at in sorted(zip(fused, candidates, strict=True))), collection))
    return orders


def _passage(collection: Collection, at: int, bm25: float | None) -> Passage:
    chunk, owner = collection.chunks[at], collection.articles[collection.owner[at]]
    return Passage(chunk, owner, 0.0, lexical_score=bm25)


def _articles(chunks: Iterable[int], collection: Collection) -> list[int]:
    return list(dict.fromkeys(int(collection.owner[at]) for at in chunks))


def figures(orders: Sequence[Sequence[int]], relevant: Rows) -> dict[str, Estimate]:
    """`MEASURES` of rankings, best first, with 95 % bootstrap intervals; ``relevant`` ``(q,)`` is the one of each."""
    rankings = [
        rank_of_relevant([str(at) for at in order], frozenset({str(right)}))
        for order, right in zip(orders, relevant, strict=True)
    ]
    scores = ranking_scores(rankings)
    columns = np.stack([scores[measure] for measure in MEASURES], axis=1)
    return dict(zip(MEASURES, mean_estimates(columns), strict=True))
