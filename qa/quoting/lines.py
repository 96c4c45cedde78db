"""Pages of lines, whose every paragraph is one line: which lines belong to what answers, by a small fitted model.

On such a page (advice, opening hours, what to bring) what answers is a stretch of lines, six on average, and no
paragraph tells where it ends. Each line is weighed by itself and by what stands around it; a quote takes in its
neighbours by that (`qa.quoting.runs.grown`), and it decides which further lines are quoted (`qa.quoting.sources`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from qa.quoting.runs import stands_alone
from qa.quoting.words import closed_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from qa.quoting.asked import Asked
    from qa.quoting.evidence import Evidence
    from qa.types import Article, Span

#: Columns of the sentences' features (`qa.answer.FEATURES`) that a line is weighed by as they are. The log-odds hold
#: the others already.
COLUMNS = ("passage", "lexical")

#: Features of a line, in the order of its columns: its log-odds; their mean over it and up to `AROUND` lines of
#: its section at each side; the third best of the page; lines between it and the best one, and all lines of the page
#: (logarithms); how far the page's best line is ahead of every other article's; `COLUMNS`; 1 where an amount, a place,
#: a yes or no is asked for: few lines give the first and the last, many the second.
LINE_FEATURES = ("logit", "around", "third", "distance", "lines", "ahead", *COLUMNS, "amount", "place", "yes_no")

#: Lines at each side that speak for one, as far as its section goes.
AROUND = 2

#: Log-odds beyond which a page is simply the better or the worse one; where there is one article, it is the better one.
#: Without this feature stretches of pages that are not asked about are as long as the right one's: over all pages of
#: OMoS-QA dev 18 of 100 lines quoted answer, with it 28; 0.5 to 2 do about as well (eval/LOG.md).
AHEAD = 1.0

#: Share of an article's sentences, of those weighed, that must be paragraphs of their own; least of them; most code
#: points of half of them. 99 of 100 pages of OMoS-QA train have a share of 0.91 or more and half of their lines below
#: 53, of the ten news articles at hand none has a share above 0.25, and half of their sentences have 116 to 208.
ALONE = 0.9
FEWEST = 3
SHORT = 100

_PARAGRAPH = "\n\n"
#: Code points between two paragraphs with nothing, such as a heading, between them.
_GAP = len(_PARAGRAPH)


@dataclass(frozen=True, slots=True)
class LineTable:
    """Lines among weighed sentences: where they stand there, ``n`` of them, and their features ``(n, f)``."""

    places: Sequence[int]
    features: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LineModel:
    """Logistic regression over `LINE_FEATURES`; one that has no weight counts for nothing until it is fitted."""

    weights: Mapping[str, float]
    bias: float

    def logits(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(n, len(LINE_FEATURES))`` to log-odds ``(n,)`` that a line belongs to what answers."""
        logits: NDArray[np.float64] = (
            features @ np.array([self.weights.get(name, 0.0) for name in LINE_FEATURES]) + self.bias
        )
        return logits


#: Fitted by ``python -m qa.train.stretches`` on OMoS-QA train: 461 questions on 308 pages, both in German and English,
#: in four directions.
LINES = LineModel(
    weights={
        "logit": 0.103,
        "around": 0.067,
        "third": -0.089,
        "distance": -0.495,
        "lines": -0.578,
        "ahead": 1.809,
        "passage": 3.322,
        "lexical": -0.295,
        "amount": -1.351,
        "place": 0.249,
        "yes_no": -1.018,
    },
    bias=-1.238,
)


def with_lines(
    asked: Asked,
    evidence: Sequence[Evidence],
    columns: Mapping[str, NDArray[np.float64]],
    model: LineModel = LINES,
) -> list[Evidence]:
    """The same sentences, those on pages of lines with the log-odds that they belong to what answers.

    Args:
        asked: What the question asks for.
        evidence: Weighed sentences in any order.
        columns: At least `COLUMNS` of them, ``(sentences,)`` each, in the same order.
        model: Weighs the lines.
    """
    table = line_table(asked, evidence, columns)
    found = list(evidence)
    for at, logit in zip(table.places, model.logits(table.features).tolist(), strict=True):
        found[at] = replace(evidence[at], line=logit)
    return found


def line_table(asked: Asked, evidence: Sequence[Evidence], columns: Mapping[str, NDArray[np.float64]]) -> LineTable:
    """The lines among weighed sentences; takes what `with_lines` takes."""
    pages: dict[str, list[int]] = {}
    for at, one in enumerate(evidence):
        pages.setdefault(one.article.id, []).append(at)
    best = {name: max(evidence[at].logit for at in places) for name, places in pages.items()}
    first, second, *_ = [*sorted(best.values(), reverse=True), *[-np.inf] * 2]
    table = LineTable([], np.empty((0, len(LINE_FEATURES))))
    for name, places in pages.items():
        places.sort(key=lambda at: evidence[at].span.start)
        here = [evidence[at] for at in places]
        if not is_of_lines(here[0].article, [one.span for one in here]):
            continue
        ahead = best[name] - (second if best[name] == first else first)
        features = line_features(asked, here, {name: columns[name][places] for name in COLUMNS}, ahead)
        table = LineTable([*table.places, *places], np.concatenate([table.features, features]))
    return table


def is_of_lines(article: Article, spans: Sequence[Span]) -> bool:
    """Whether an article is a page of lines, by some of its sentences."""
    if len(spans) < FEWEST or median(span.end - span.start for span in spans) >= SHORT:
        return False
    return sum(stands_alone(article.text, span) for span in spans) >= ALONE * len(spans)


def line_features(
    asked: Asked, lines: Sequence[Evidence], columns: Mapping[str, NDArray[np.float64]], ahead: float
) -> NDArray[np.float64]:
    """Features of the lines of one page, ``(lines, len(LINE_FEATURES))``.

    Args:
        asked: What the question asks for.
        lines: Weighed sentences of one article in reading order, at least one.
        columns: `COLUMNS` of the same lines, ``(lines,)`` each.
        ahead: How far the best of them is ahead of the best sentence of any other article, in log-odds.
    """
    count = len(lines)
    text = lines[0].article.text
    logits = np.array([one.logit for one in lines])
    numbers = _numbers(text, [one.span for one in lines])
    same = np.ones(count)
    by_name = {
        **columns,
        "logit": logits,
        "around": _around(logits, [one.span for one in lines]),
        "third": same * np.sort(logits)[-min(3, count)],
        "distance": np.log1p(np.abs(numbers - numbers[int(logits.argmax())])),
        "lines": same * np.log(text.count(_PARAGRAPH) + 1),
        "ahead": same * np.clip(ahead, -AHEAD, AHEAD),
        "amount": same * (asked.kind == "amount"),
        "place": same * (asked.kind == "place"),
        "yes_no": same * _asks_yes_or_no(asked),
    }
    return np.stack([by_name[name] for name in LINE_FEATURES], axis=1)


def _numbers(text: str, spans: Sequence[Span]) -> NDArray[np.int64]:
    """Which paragraph each span begins in, from 0."""
    numbers, number, seen = [], 0, 0
    for span in spans:
        number += text.count(_PARAGRAPH, seen, span.start)
        seen = span.start
        numbers.append(number)
    return np.array(numbers)


def _around(logits: NDArray[np.float64], spans: Sequence[Span]) -> NDArray[np.float64]:
    """Mean of each line and its neighbours in the same section."""
    count = len(spans)
    opens = [at == 0 or spans[at].start - spans[at - 1].end > _GAP for at in range(count)]
    sections = np.cumsum(opens)
    first = np.searchsorted(sections, sections, side="left")
    last = np.searchsorted(sections, sections, side="right")
    places = np.arange(count)
    begin, end = np.maximum(first, places - AROUND), np.minimum(last, places + AROUND + 1)
    sums = np.concatenate([[0.0], np.cumsum(logits)])
    means: NDArray[np.float64] = (sums[end] - sums[begin]) / (end - begin)
    return means


def _asks_yes_or_no(asked: Asked) -> bool:
    return bool(asked.words) and asked.words[0].folded in closed_class(asked.lang, "verb_first")
