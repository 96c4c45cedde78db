"""Fits what `qa.quoting.lines` weighs: ``python -m qa.train.stretches --data ../shared/data/dev``.

Fitted on OMoS-QA train (461 questions on 308 advice pages, CC BY 4.0), asked in both languages over the pages in both
languages: the lines of every question that is answered, whether its page answers it or not, once with the page given,
as the published task has it, and once as found among all pages. Prints the model to paste, and for every bound
(`qa.quoting.sources.BELONGS`) precision, recall and F1 of the lines quoted: on train by models that have not seen the
question's page (`FOLDS` parts of the pages), and on dev, which nothing is fitted on. Lines are the paragraphs of a
page; what is gold and no paragraph of it (its title) counts as missed.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression

from qa.answer import EVIDENCE, FEATURES, PASSAGES, best_first, compose, evidence_of, sentence_features
from qa.build import index_articles
from qa.config import Settings
from qa.embed import load_encoder
from qa.quoting.asked import read_asked
from qa.quoting.lines import LINE_FEATURES, LineModel, LineTable, line_table
from qa.quoting.sources import BELONGS, choose
from qa.retrieve import retrieve
from qa.text import paragraphs
from qa.train.calibrate import LANGS, omosqa
from qa.types import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.index import Index
    from qa.quoting.asked import Asked
    from qa.quoting.evidence import Evidence
    from qa.quoting.sources import Chosen
    from qa.retrieve import Retrieval
    from qa.train.calibrate import Question
    from qa.types import Article, Encoder

#: Parts of the pages; the lines of each are weighed by a model fitted on the others.
FOLDS = 5
#: Bounds that are tried.
BOUNDS = tuple(float(bound) for bound in np.arange(-2.5, 0.01, 0.25))
#: Quotes of an answer where the page is given (no page has as many lines that answer), and among all pages.
TOP = 40
TOP_FOUND = 4
#: What a line counts in the fit where its page was found; 0.1 to 1 give the same F1 within .003 where it was given.
FOUND = 0.25
#: Inverse strength of the L2 penalty, over features of unit variance. From 0.003 to 1 F1 on train moves by 0.001.
PENALTY = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """A question over the lines of its page, or of all pages.

    Attributes:
        direction: Language of the question and of the page.
        page: Which page it was asked of, the same in both languages.
        given: Whether that page alone was searched.
        asked: What the question asks for.
        evidence: The sentences; none where it is not answered.
        table: The lines among them, with their features.
        labels: Which of those answer, ``(n,)``.
        gold: The paragraphs that answer, of the article ``article_id``.
        article_id: The page in its language.
        elsewhere: Lines that answer and are no paragraph.
    """

    direction: str
    page: str
    given: bool
    asked: Asked
    evidence: tuple[Evidence, ...]
    table: LineTable
    labels: NDArray[np.bool_]
    gold: frozenset[Span]
    article_id: str
    elsewhere: int


#: A question and the model that weighs its lines.
Weighed = tuple[Sample, LineModel]


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision and recall of lines, shares of questions whose first and whose any quote holds gold; 0 to 1."""

    precision: float
    recall: float
    first: float
    held: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)

    def __str__(self) -> str:
        return f"{self.precision:.3f} / {self.recall:.3f} / {self.f1:.3f}"


def collect(folder: Path, part: str, encoder: Encoder, limit: int | None = None) -> Iterator[Sample]:
    """Every question of a part in each direction and view, or the first ``limit`` of each over their pages alone."""
    pages = [one.article_id for one in omosqa(folder, part, LANGS[0]).questions[LANGS[0]]]
    for written_in in LANGS:
        task = omosqa(folder, part, written_in)
        with tempfile.TemporaryDirectory() as scratch:
            used = {one.article_id for one in task.questions[written_in][:limit]}
            articles = {one.id: one for one in task.articles if one.id in used}
            index = index_articles(Settings(index=Path(scratch) / "index"), encoder, list(articles.values()))
            for asked_in, questions in task.questions.items():
                for page, question in list(zip(pages, questions, strict=True))[:limit]:
                    found = retrieve(index, encoder, question.text, index.manifest.chunk_count)
                    for given in (True, False):
                        one = Asking(f"{asked_in}→{written_in}", page, question, articles[question.article_id], given)
                        yield sample(index, one, found)


@dataclass(frozen=True, slots=True)
class Asking:
    """A question, the page it was asked of in both languages and in its own, and whether that alone is searched."""

    direction: str
    page: str
    question: Question
    article: Article
    given: bool


def sample(index: Index, asking: Asking, found: Retrieval) -> Sample:
    """What is learnt from a question.

    Args:
        index: The pages.
        asking: The question.
        found: All passages for it, best first.
    """
    question, article = asking.question, asking.article
    kept = [one for one in found.candidates if not asking.given or one.passage.article.id == article.id]
    retrieval = replace(found, candidates=tuple(kept[:PASSAGES]))
    gold = frozenset(span for span in paragraphs(article.text) if span.of(article.text) in question.gold)
    asked = read_asked(question.text)
    evidence: list[Evidence] = []
    table = LineTable((), np.empty((0, len(LINE_FEATURES))))
    if compose(index, question.text, retrieval, top=1).status == "answered":
        features = sentence_features(index, question.text, retrieval)
        evidence = evidence_of(retrieval, EVIDENCE.logits(features))
        table = line_table(asked, evidence, dict(zip(FEATURES, features.T, strict=True)))
    lines = [evidence[at] for at in table.places]
    labels = np.array([one.article.id == article.id and _within(one.span, gold) for one in lines], bool)
    elsewhere = len(set(question.gold) - {span.of(article.text) for span in gold})
    return Sample(
        asking.direction,
        asking.page,
        asking.given,
        asked,
        tuple(evidence),
        table,
        labels,
        gold,
        article.id,
        elsewhere,
    )


def _within(one: Span, others: Iterable[Span]) -> bool:
    return any(other.start <= one.start and one.end <= other.end for other in others)


def fit(samples: Iterable[Sample]) -> LineModel:
    """Logistic regression over the lines of all questions, those of pages that were found counting `FOUND` each."""
    used = [one for one in samples if len(one.labels)]
    features = np.concatenate([one.table.features for one in used])
    labels = np.concatenate([one.labels for one in used])
    counts = np.concatenate([np.full(len(one.labels), 1.0 if one.given else FOUND) for one in used])
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
    model = LogisticRegression(C=PENALTY, max_iter=3000)
    model.fit((features - mean) / spread, labels, sample_weight=counts)
    weights = model.coef_[0] / spread
    bias = float(model.intercept_[0] - weights @ mean)
    return LineModel(
        {name: round(float(one), 3) for name, one in zip(LINE_FEATURES, weights, strict=True)}, round(bias, 3)
    )


def fold_of(page: str) -> int:
    """Which part a page belongs to, in both languages the same."""
    return zlib.crc32(page.encode()) % FOLDS


def crossed(samples: Sequence[Sample]) -> list[LineModel]:
    """For each sample the model that has not seen its page."""
    models = [fit([one for one in samples if fold_of(one.page) != fold]) for fold in range(FOLDS)]
    return [models[fold_of(one.page)] for one in samples]


def scores(weighed: Iterable[Weighed], bound: float = BELONGS) -> Scores:
    """Scores of the lines that would be quoted if lines from a bound on belonged."""
    right = quoted = gold = 0
    first, held = [], []
    for one, model in weighed:
        quotes = _quotes(one, model, bound)
        taken = [_gold_in(quote, one) for quote in quotes]
        right += len(frozenset[Span]().union(*taken))
        quoted += sum(quote.span.of(quote.evidence.article.text).count("\n\n") + 1 for quote in quotes)
        gold += len(one.gold) + one.elsewhere
        if quotes and one.gold:
            first.append(bool(taken[0]))
            held.append(any(taken))
    return Scores(right / max(1, quoted), right / max(1, gold), _share(first), _share(held))


def _share(right: Sequence[bool]) -> float:
    return sum(right) / max(1, len(right))


def _gold_in(quote: Chosen, one: Sample) -> frozenset[Span]:
    """The paragraphs that answer and that a quote holds, or is part of."""
    if quote.evidence.article.id != one.article_id:
        return frozenset()
    return frozenset(line for line in one.gold if line.start < quote.span.end and quote.span.start < line.end)


def _quotes(one: Sample, model: LineModel, bound: float) -> list[Chosen]:
    if not one.evidence:
        return []
    evidence = list(one.evidence)
    # The bound is a constant where it is used; moving all lines is the same.
    logits = (model.logits(one.table.features) - bound + BELONGS).tolist()
    for at, logit in zip(one.table.places, logits, strict=True):
        evidence[at] = replace(evidence[at], line=logit)
    return choose(one.asked, best_first(evidence), TOP if one.given else TOP_FOUND)


def report(parts: Mapping[str, Sequence[Weighed]]) -> None:
    """Print the curves over the bounds: the page given, each part and each direction of dev; then as found."""
    groups = {f"{part} given": [pair for pair in parts[part] if pair[0].given] for part in parts}
    for direction in sorted({one.direction for one, _ in parts["dev"]}):
        groups[f"dev {direction}"] = [pair for pair in groups["dev given"] if pair[0].direction == direction]
    print("Lines quoted, precision / recall / F1")
    print("bound  " + "  ".join(f"{name:<21}" for name in groups))
    for bound in BOUNDS:
        print(f"{bound:5.2f}  " + "  ".join(str(scores(pairs, bound)) for pairs in groups.values()))
    print(
        "The same among all pages; the share of questions whose first quote, and any quote, holds a line that answers"
    )
    for bound in BOUNDS:
        print(f"{bound:5.2f}", end="")
        for part in parts:
            found = scores([pair for pair in parts[part] if not pair[0].given], bound)
            print(f"  {part} {found}  first {found.first:.3f} any {found.held:.3f}", end="")
        print()


def main() -> None:
    """Fit on train, print the model and the curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/dev"))
    parser.add_argument("--limit", type=int, help="questions of each direction, for a trial")
    options = parser.parse_args()
    encoder = load_encoder()
    parts = {part: list(collect(options.data, part, encoder, options.limit)) for part in ("train", "dev")}
    model = fit(parts["train"])
    print(f"LINES = {model}")
    train, dev = parts["train"], parts["dev"]
    report({"train": list(zip(train, crossed(train), strict=True)), "dev": [(one, model) for one in dev]})


if __name__ == "__main__":
    main()
