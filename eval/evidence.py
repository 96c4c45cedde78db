"""Which lines of a page answer, the page being given: ``python -m eval.evidence --data ../shared/data/dev``.

The task of OMoS-QA (Kleinle, Prange and Friedrich 2024, "OMoS-QA: A Dataset for Cross-Lingual Extractive Question
Answering in a German Migration Context"): all lines of the right page that answer, or none where it does not. A line is
chosen when one of its sentences is. Precision, recall and F1 over all lines of all questions, and those of
"unanswerable" over the questions; published for its test part (not here), German on German: a fine-tuned
DeBERTa-v3-large 62.5 and 60.5, Llama-3-70B with five examples 62.0 and 72.9.

Rows: ``quoted`` is what the bot quotes (at most `TOP`), ``best`` what the log-odds allow with one bound for the lines
and one for the question, both chosen on the train part.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.answer import compose, weigh
from qa.build import index_articles
from qa.config import Settings
from qa.embed import load_encoder
from qa.measuring.datasets import load_dataset
from qa.metrics import auroc
from qa.retrieve import retrieve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.index import Index
    from qa.types import Encoder, Lang

DIRECTIONS: tuple[tuple[Lang, Lang], ...] = (("de", "de"), ("en", "en"), ("en", "de"))
#: Quotes of an answer; no page has as many lines that answer.
TOP = 40
_NOT_A_CHANCE = -99.0


@dataclass(frozen=True, slots=True)
class Judged:
    """The lines of the page of one question.

    Attributes:
        gold: Which answer, ``(lines,)``.
        logits: Log-odds of the best sentence of each, ``(lines,)``.
        quoted: Which the bot quotes, ``(lines,)``.
    """

    gold: NDArray[np.bool_]
    logits: NDArray[np.float64]
    quoted: NDArray[np.bool_]

    def chosen(self, line: float, question: float) -> NDArray[np.bool_]:
        """Lines with log-odds of at least ``line`` where the best has at least ``question``."""
        return (self.logits >= line) & bool(self.logits.max() >= question)


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 over lines, the same of "unanswerable" over questions; 0 to 1."""

    lines: tuple[float, float, float]
    silent: tuple[float, float, float]

    @classmethod
    def of(cls, judged: Sequence[Judged], chosen: Sequence[NDArray[np.bool_]]) -> Scores:
        """Scores of the lines chosen for each question."""
        gold, taken = np.concatenate([one.gold for one in judged]), np.concatenate(chosen)
        none = np.array([not one.gold.any() for one in judged])
        silent = np.array([not one.any() for one in chosen])
        return cls(_prf(gold, taken), _prf(none, silent))

    def __str__(self) -> str:
        lines, silent = (" / ".join(f"{100 * part:.1f}" for part in parts) for parts in (self.lines, self.silent))
        return f"lines {lines}   unanswerable {silent}"


def _prf(gold: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> tuple[float, float, float]:
    right = float((gold & chosen).sum())
    precision, recall = right / max(1, int(chosen.sum())), right / max(1, int(gold.sum()))
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def judge(folder: Path, part: str, asked_in: Lang, written_in: Lang, encoder: Encoder) -> Iterator[Judged]:
    """Every question of a part over its page, the other pages being in the index as they would be in use."""
    pages, asked = (folder / f"omosqa.{part}.{lang}.jsonl" for lang in (written_in, asked_in))
    loaded = load_dataset(pages, questions_from=None if asked_in == written_in else asked)
    rows = [json.loads(line) for line in pages.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as scratch:
        index = index_articles(Settings(index=Path(scratch) / "index"), encoder, list(loaded.articles or ()))
        for question, row in zip(loaded.questions, rows, strict=True):
            yield _judged(index, encoder, question.text, question.articles[0], row)


def _judged(index: Index, encoder: Encoder, question: str, page: str, row: dict[str, object]) -> Judged:
    found = retrieve(index, encoder, question, index.manifest.chunk_count)
    kept = tuple(one for one in found.candidates if one.passage.article.id == page)
    retrieval = replace(found, candidates=kept)
    lines = [" ".join(line.split()) for line in str(row["context"]).split("\n")]
    answers = row["answers"]
    gold = np.isin(np.arange(len(lines)), answers if isinstance(answers, list) else [])
    logits = np.full(len(lines), _NOT_A_CHANCE)
    for one in weigh(index, question, retrieval):
        for at in _lines_of(one.quote, lines):
            logits[at] = max(logits[at], one.logit)
    answer = compose(index, question, retrieval, top=TOP)
    quoted = np.zeros(len(lines), bool)
    for citation in answer.citations:
        quoted[_lines_of(citation.quote, lines)] = True
    return Judged(gold, logits, quoted)


def _lines_of(sentence: str, lines: Sequence[str]) -> list[int]:
    """Lines that a sentence is part of, or that are part of it."""
    text = " ".join(sentence.split())
    return [at for at, line in enumerate(lines) if line and (text in line or line in text)]


def bounds(judged: Sequence[Judged]) -> tuple[float, float]:
    """Bounds with the best sum of the two F1, on the train part."""
    best = (0.0, 0.0, 0.0)
    for line in np.arange(-8, 3, 0.25):
        for question in np.arange(line, 4, 0.25):
            scores = Scores.of(judged, [one.chosen(line, question) for one in judged])
            best = max(best, (scores.lines[2] + scores.silent[2], float(line), float(question)))
    return best[1:]


def main() -> None:
    """Print both rows for each direction."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/dev"))
    options = parser.parse_args()
    encoder = load_encoder()
    print("OMoS-QA dev, page given: precision / recall / F1")
    for asked_in, written_in in DIRECTIONS:
        train = list(judge(options.data, "train", asked_in, written_in, encoder))
        dev = list(judge(options.data, "dev", asked_in, written_in, encoder))
        line, question = bounds(train)
        answerable = np.array([one.gold.any() for one in dev])
        ranked = auroc(answerable, np.array([one.logits.max() for one in dev]))
        print(f"{asked_in}→{written_in}  quoted  {Scores.of(dev, [one.quoted for one in dev])}")
        print(f"{asked_in}→{written_in}  best    {Scores.of(dev, [one.chosen(line, question) for one in dev])}", end="")
        print(f"   bounds {line} and {question}, AUROC {ranked:.3f}")


if __name__ == "__main__":
    main()
