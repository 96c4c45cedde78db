"""Fits what `qa.retrieve` and `qa.answer` weigh: ``python -m qa.train.calibrate --data ../shared/data/dev``.

Fitted on OMoS-QA train (461 questions on 308 advice pages, CC BY 4.0), every question asked in both languages over
the pages in both languages, once in full and once as keywords, and each once more with its page held back, when
nothing answers. Confirmed on what nothing is fitted on: OMoS-QA dev, and XQuAD (1,190 questions on 240 paragraphs,
CC BY-SA 4.0), where a question's whole article is held back. Prints the fusion grid, the evidence model, where to
abstain and how far from the best a quote may lie.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from qa.answer import FEATURES, OF_PIECES, PASSAGES, EvidenceModel, sentence_features
from qa.build import index_articles
from qa.config import Settings
from qa.embed import load_encoder
from qa.measuring.datasets import load_dataset
from qa.retrieve import FUSION, Fusion, Retrieval, dense_score, retrieve
from qa.text import content_words, language
from qa.types import Article, Lang

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.index import Index
    from qa.types import Encoder

LANGS: tuple[Lang, ...] = ("de", "en")
WEIGHTS = (0.5, 0.7, 1.0, 1.5)
HALVES = (1.5, 3.0, 6.0)
ACROSS = (0.2, 0.4, 0.7)
BONUSES = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4)
MET = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
MET_ACROSS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.6)
SENTENCE = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
PIECES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
FURTHER = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)

#: Passages taken per question before the weights are tried; the shipped fusion decides which.
POOL = 100

#: Share of answerable questions that must be answered (the trade-off that the threshold is chosen for).
ANSWERED = 0.9

#: Most quotes of an answer.
TOP = 4

#: Rank from which on a page counts for nothing.
DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the page it was asked of, and the texts of that page that answer it (none: it does not).

    ``whole`` says whether a text is a whole line, in which any sentence answers, or a phrase that it must hold.
    """

    text: str
    article_id: str
    gold: tuple[str, ...]
    whole: bool

    def is_gold(self, article_id: str, sentence: str) -> bool:
        """Whether a sentence of an article answers."""
        if article_id != self.article_id:
            return False
        return any(gold in sentence or (self.whole and sentence in gold) for gold in self.gold)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what was found for it."""

    question: Question
    found: Retrieval


@dataclass(frozen=True, slots=True)
class Sample:
    """The candidate sentences of one question: features ``(n, f)`` and labels ``(n,)``."""

    features: NDArray[np.float64]
    labels: NDArray[np.bool_]
    answerable: bool
    held_back: bool
    direction: str


@dataclass(frozen=True, slots=True)
class Task:
    """Articles in one language and the questions on them in each language."""

    articles: list[Article]
    questions: dict[Lang, list[Question]]


def omosqa(folder: Path, part: str, lang: Lang) -> Task:
    """The pages of one part in one language; gold texts are whole lines."""
    return _task({asked_in: folder / f"omosqa.{part}.{asked_in}.jsonl" for asked_in in LANGS}, lang)


def xquad(folder: Path, lang: Lang) -> Task:
    """The paragraphs in one language; gold texts are the answers in that language."""
    return _task({asked_in: folder / f"xquad.{asked_in}.json" for asked_in in LANGS}, lang)


def _task(files: Mapping[Lang, Path], lang: Lang) -> Task:
    """The articles of one language's file, asked the questions of every language's."""
    articles: Sequence[Article] = ()
    questions: dict[Lang, list[Question]] = {}
    for asked_in, path in files.items():
        loaded = load_dataset(files[lang], questions_from=None if asked_in == lang else path)
        articles = loaded.articles or ()
        questions[asked_in] = [
            Question(one.text, one.articles[0], one.evidence[0] if one.evidence else (), one.whole)
            for one in loaded.questions
        ]
    return Task(list(articles), questions)


def mixed(tasks: Mapping[Lang, Task]) -> Task:
    """Every other page (XQuAD: article) in German, the rest in English: a question has its page in one language only.

    Args:
        tasks: By language of the pages; the n-th question is the same in both.
    """
    pages = [
        {lang: tasks[lang].questions[LANGS[0]][at].article_id for lang in LANGS}
        for at in range(len(tasks[LANGS[0]].questions[LANGS[0]]))
    ]
    chosen: dict[str, Lang] = {}
    for pair in pages:
        chosen.setdefault(_family(pair[LANGS[0]]), LANGS[len(chosen) % 2])
    written = [chosen[_family(pair[LANGS[0]])] for pair in pages]
    kept = {(lang, pair[lang]) for lang, pair in zip(written, pages, strict=True)}
    return Task(
        [article for lang in LANGS for article in tasks[lang].articles if (lang, article.id) in kept],
        {asked_in: [tasks[lang].questions[asked_in][at] for at, lang in enumerate(written)] for asked_in in LANGS},
    )


def _family(article_id: str) -> str:
    """What a page belongs to: in XQuAD the article of a paragraph."""
    return article_id.partition("#")[0]


def keywords(questions: Sequence[Question]) -> list[Question]:
    """The same questions as people type them into a search box: content words only, lower case."""
    return [replace(one, text=" ".join(content_words(one.text))) for one in questions]


@dataclass(frozen=True, slots=True)
class Pool:
    """What was found for one question, as arrays ``(n,)``: for trying many fusions.

    Attributes:
        cosine: Of question and passage.
        bm25: In units of the rarest word.
        crossed: Whether the passage is in another language than the question.
        met: Share of the question's words that it meets.
        nearest: Cosine of the question and the passage's best sentence.
        pieces: How near the question's word pieces come to its own.
        page: Which page it belongs to, numbered from 0.
        right: The number of the page that was asked of, -1 where none of its passages was found.
    """

    cosine: NDArray[np.float64]
    bm25: NDArray[np.float64]
    crossed: NDArray[np.bool_]
    met: NDArray[np.float64]
    nearest: NDArray[np.float64]
    pieces: NDArray[np.float64]
    page: NDArray[np.int64]
    right: int

    @classmethod
    def of(cls, asked: Asked) -> Pool:
        """From what was retrieved."""
        passages = [candidate.passage for candidate in asked.found.candidates]
        lang = language(asked.question.text)
        numbers = {name: at for at, name in enumerate(dict.fromkeys(passage.article.id for passage in passages))}
        return cls(
            np.array([passage.dense_score or 0.0 for passage in passages]),
            np.array([passage.lexical_score or 0.0 for passage in passages]),
            np.array([passage.article.lang != lang for passage in passages], bool),
            np.array([candidate.met for candidate in asked.found.candidates]),
            np.array([candidate.nearest for candidate in asked.found.candidates]),
            np.array([candidate.pieces for candidate in asked.found.candidates]),
            np.array([numbers[passage.article.id] for passage in passages], np.int64),
            numbers.get(asked.question.article_id, -1),
        )

    def ndcg(self, fusion: Fusion) -> float:
        """nDCG@10 of the right page, the rank of a page being that of its best passage."""
        if self.right < 0:
            return 0.0
        words = self.bm25 / (self.bm25 + fusion.half)
        weights = np.where(self.crossed, fusion.across, fusion.weight)
        met = np.where(self.crossed, fusion.met_across, fusion.met)
        dense = dense_score(self.cosine, self.nearest, self.pieces, fusion)
        scores = dense + weights * words + fusion.bonus * self.crossed + met * self.met
        best = np.full(self.page.max() + 1, -np.inf)
        np.maximum.at(best, self.page, scores)
        rank = 1 + int((best > best[self.right]).sum())
        return float(1 / np.log2(rank + 1)) if rank <= DEEPEST else 0.0


def samples(index: Index, asked: Sequence[Asked], direction: str) -> Iterator[Sample]:
    """Candidate sentences of every question, once with its page (in XQuAD: its whole article) and once without."""
    for one in asked:
        family = _family(one.question.article_id)
        for held_back in (False, True):
            kept = [
                candidate
                for candidate in one.found.candidates
                if not (held_back and _family(candidate.passage.article.id) == family)
            ]
            retrieval = replace(one.found, candidates=tuple(kept[:PASSAGES]))
            labels = [
                one.question.is_gold(found.passage.article.id, span.of(found.passage.article.text))
                for found in retrieval.candidates
                for span in found.record.sentences
            ]
            features = sentence_features(index, one.question.text, retrieval)
            answerable = bool(one.question.gold) and not held_back
            yield Sample(features, np.array(labels), answerable, held_back, direction)


def fit(data: Sequence[Sample]) -> EvidenceModel:
    """Logistic regression over the candidate sentences of the questions that one sentence answers, then Platt scaling.

    Where half a page answers, any sentence of it does, and the regression learns to find pages: fitted on all
    questions the sentence's own similarity weighs 0.8 instead of 5.9 and fewer first quotes are right on XQuAD.
    """
    precise = [one for one in data if one.labels.sum() == 1]
    features = np.concatenate([one.features for one in precise])
    labels = np.concatenate([one.labels for one in precise])
    weights = np.concatenate([np.full(len(one.labels), 1.0 / len(one.labels)) for one in precise])
    model = LogisticRegression(C=1e3, max_iter=3000).fit(features, labels, sample_weight=weights / weights.mean())
    fitted, bias = tuple(round(float(w), 3) for w in model.coef_[0]), round(float(model.intercept_[0]), 3)
    evidence = EvidenceModel(fitted, bias, slope=1.0, intercept=0.0)
    clear = [one for one in data if one.answerable or one.held_back]
    best = np.array([[evidence.logits(one.features).max()] for one in clear])
    scaling = LogisticRegression(C=1e6).fit(best, [one.answerable for one in clear])
    return EvidenceModel(fitted, bias, round(float(scaling.coef_[0, 0]), 3), round(float(scaling.intercept_[0]), 3))


def without_pieces(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features ``(n, f)`` as an encoder gives them that has no word pieces."""
    known: NDArray[np.float64] = np.array([float(name not in OF_PIECES) for name in FEATURES])
    without: NDArray[np.float64] = features * known
    return without


def report(name: str, model: EvidenceModel, data: Sequence[Sample], threshold: float) -> None:
    """Print how often the first quote is right and how confidence parts what is answered from what is not."""
    logits = [model.logits(one.features) for one in data]
    confidence = np.array([model.confidence(one.max()) for one in logits])
    answerable = np.array([one.answerable for one in data])
    held_back = np.array([one.held_back for one in data])
    near = ~answerable & ~held_back
    first = [one.labels[int(np.argmax(z))] for one, z in zip(data, logits, strict=True) if one.answerable]
    any_quote = [one.labels[np.argsort(-z)[:TOP]].any() for one, z in zip(data, logits, strict=True) if one.answerable]
    clear = answerable | held_back
    print(
        f"{name:<12} n {answerable.sum():4d}  first quote right {np.mean(first):.3f}  any {np.mean(any_quote):.3f}"
        f"  AUROC {roc_auc_score(answerable[clear], confidence[clear]):.3f}"
        f"  {ANSWERED:.0%} answered at {np.quantile(confidence[answerable], 1 - ANSWERED):.3f}"
        f"  at {threshold:.2f}: answered {np.mean(confidence[answerable] >= threshold):.3f}"
        f"  silent when held back {np.mean(confidence[held_back] < threshold):.3f}"
        + (f"  on near misses {np.mean(confidence[near] < threshold):.3f}" if near.any() else "")
    )


def further_quotes(model: EvidenceModel, data: Sequence[Sample]) -> None:
    """Print precision and recall of the quoted sentences by how far below the best one they may lie."""
    for distance in FURTHER:
        quoted = right = gold = 0
        for one in data:
            if one.answerable:
                logits = model.logits(one.features)
                order = [n for n in np.argsort(-logits)[:TOP] if logits[n] >= logits.max() - distance]
                quoted, right, gold = (
                    quoted + len(order),
                    right + int(one.labels[order].sum()),
                    gold + int(one.labels.sum()),
                )
        precision, recall = right / quoted, right / gold
        f1 = 2 * precision * recall / (precision + recall)
        print(f"further quotes within {distance:<4}: precision {precision:.3f} recall {recall:.3f} F1 {f1:.3f}")


def print_grid(part: str, fusions: Sequence[Fusion], grid: Mapping[str, Sequence[float]]) -> None:
    """Print the best fusions and the one in use, by mean nDCG@10 of the page over the directions."""
    means = np.mean(list(grid.values()), axis=0)
    print(f"nDCG@10 of the page, {part}: {' '.join(grid)}, mean")
    begins = np.cumsum([0, len(WEIGHTS) * len(HALVES) * len(ACROSS) * len(BONUSES), len(MET) * len(MET_ACROSS)])
    shown = [at for begin, end in pairwise([*begins, len(means)]) for at in np.argsort(-means[begin:end])[:12] + begin]
    shown += [next(at for at, fusion in enumerate(fusions) if fusion == FUSION)]
    for at in shown:
        fusion, scores = fusions[int(at)], " ".join(f"{column[int(at)]:.3f}" for column in grid.values())
        print(
            f"  weight {fusion.weight:<4} half {fusion.half:<4} across {fusion.across:<4} bonus {fusion.bonus:<5} "
            f"met {fusion.met:<4} met_across {fusion.met_across:<4} sentence {fusion.sentence:<4} "
            f"pieces {fusion.pieces:<4} {scores}  {means[int(at)]:.4f}"
        )


def main() -> None:
    """Fit on train, confirm on dev and XQuAD, print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/dev"))
    parser.add_argument("--threshold", type=float, default=0.25, help="where the reports abstain")
    options = parser.parse_args()
    encoder = load_encoder()
    collected: dict[str, list[Sample]] = {"train": [], "dev": [], "xquad": []}
    rest = (FUSION.met, FUSION.met_across, FUSION.sentence, FUSION.pieces)
    fusions = [Fusion(*weights, *rest) for weights in product(WEIGHTS, HALVES, ACROSS, BONUSES)]
    fusions += [replace(FUSION, met=met, met_across=across) for met, across in product(MET, MET_ACROSS)]
    fusions += [replace(FUSION, sentence=sentence, pieces=near) for sentence, near in product(SENTENCE, PIECES)]
    for part, kept in collected.items():
        grid: dict[str, list[float]] = {}
        tasks = {
            lang: xquad(options.data, lang) if part == "xquad" else omosqa(options.data, part, lang) for lang in LANGS
        }
        written_in: list[tuple[str, Task]] = [*tasks.items(), ("mixed", mixed(tasks))]
        for written, task in written_in:
            with tempfile.TemporaryDirectory() as folder:
                index = index_articles(Settings(index=Path(folder) / "index"), encoder, task.articles)
                for asked_in, questions in task.questions.items():
                    asked = _ask(index, encoder, [*questions, *(keywords(questions) if part == "train" else [])])
                    if written != "mixed":
                        kept.extend(samples(index, asked, f"{asked_in}→{written}"))
                    pools = [Pool.of(one) for one in asked]
                    grid[f"{asked_in}→{written}"] = [float(np.mean([one.ndcg(f) for one in pools])) for f in fusions]
        print_grid(part, fusions, grid)
    plain = fit([replace(one, features=without_pieces(one.features)) for one in collected["train"]])
    print(f"for an encoder without pieces: {plain}")
    model = fit(collected["train"])
    print(dict(zip(FEATURES, model.weights, strict=True)), model)
    for part, data in collected.items():
        report(part, model, data, options.threshold)
        for direction in sorted({one.direction for one in data}):
            report(f"  {direction}", model, [one for one in data if one.direction == direction], options.threshold)
    further_quotes(model, collected["train"])


def _ask(index: Index, encoder: Encoder, questions: Sequence[Question]) -> list[Asked]:
    return [Asked(question, retrieve(index, encoder, question.text, POOL)) for question in questions]


if __name__ == "__main__":
    main()
