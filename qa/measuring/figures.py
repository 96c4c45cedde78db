"""Rows to figures: means with intervals, by language and kind, curves, and what differs between two runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qa.errors import QAError
from qa.measuring.judge import MEASURES
from qa.metrics import (
    RANKING_MEASURES,
    SIGNIFICANT,
    Difference,
    Estimate,
    Point,
    abstention_f1,
    aurc,
    auroc,
    ece,
    estimate,
    holm,
    mean_estimates,
    paired_difference,
    ranking_scores,
    reliability,
    risk_coverage,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa.evaluate import Row

    Columns = Mapping[str, NDArray[np.float64]]

LEVELS = ("passage", "article")

#: Measures of all answers together, beside the means of `qa.measuring.judge.MEASURES`.
SET_MEASURES: Mapping[str, str] = {
    "silence F1": "harmonic mean of precision and recall of silence",
    "AUROC": "chance that a question with an answer has a higher confidence than one without",
    "ECE": "distance of the confidence from the share of questions that have an answer, 15 bins of equal mass",
    "AURC": "mean risk over all coverages of the risk-coverage curve; lower is better",
}

#: Points of a curve that a report keeps.
CURVE_POINTS = 60

#: Measures in which two runs are compared, if both have them.
COMPARED = (
    "correct",
    "first",
    "found",
    "quote precision",
    "citation accuracy",
    "answered",
    "abstained",
    "hybrid/passage/nDCG@10",
    "hybrid/article/nDCG@10",
    "dense/passage/nDCG@10",
    "BM25/passage/nDCG@10",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run is worth; measures are named ``first`` or ``hybrid/passage/nDCG@10``.

    Attributes:
        all: Every measure over all questions.
        by_lang, by_kind: The same without `SET_MEASURES`, over the questions of one language or kind.
        reliability: Confidence against share of questions with an answer.
        risk_coverage: Share answered against share of those answered wrongly, most confident first.
    """

    all: Mapping[str, Estimate]
    by_lang: Mapping[str, Mapping[str, Estimate]]
    by_kind: Mapping[str, Mapping[str, Estimate]]
    reliability: Sequence[Point]
    risk_coverage: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure of two runs; ``p`` is that of ``difference`` after Holm's correction over all that are compared."""

    a: float
    b: float
    difference: Difference
    p: float

    @property
    def significant(self) -> bool:
        """Whether the difference lies outside the noise."""
        return self.p < SIGNIFICANT


def figures(rows: Sequence[Row]) -> Figures:
    """Sum up a run."""
    columns = columns_of(rows)
    answerable = np.array([row.answerable for row in rows])
    answered = np.array([row.answered for row in rows])
    confidence = np.array([row.confidence for row in rows])
    total = _means(columns, np.arange(len(rows)))
    if answerable.any() and not answerable.all():
        total["silence F1"] = estimate(
            lambda can, did: abstention_f1(can, did > 0), answerable, answered.astype(np.float64)
        )
        total["AUROC"] = estimate(auroc, answerable, confidence)
        total["ECE"] = estimate(ece, answerable, confidence)
    else:
        total.pop("silence precision", None)
    right = np.array([row.right for row in rows])
    total["AURC"] = estimate(aurc, right, confidence)
    return Figures(
        total,
        _groups(columns, [row.lang for row in rows]),
        _groups(columns, [row.kind for row in rows]),
        reliability(answerable, confidence) if not answerable.all() else [],
        _thinned(risk_coverage(right, confidence)),
    )


def columns_of(rows: Sequence[Row]) -> dict[str, NDArray[np.float64]]:
    """Every per-question measure, ``(len(rows),)`` each; NaN where it does not apply to the question."""
    columns = {name: np.array([row.scores.get(name, np.nan) for row in rows]) for name in MEASURES}
    names = dict.fromkeys(name for row in rows for name in row.ranks)
    for name in names:
        for level in LEVELS:
            at = [place for place, row in enumerate(rows) if level in row.ranks.get(name, {})]
            scores = ranking_scores([rows[place].ranks[name][level] for place in at])
            for measure in RANKING_MEASURES:
                column = np.full(len(rows), np.nan)
                column[at] = scores[measure]
                columns[f"{name}/{level}/{measure}"] = column
    return columns


def rankings_of(names: Mapping[str, object]) -> list[str]:
    """The rankings among the names of measures, in order."""
    return list(dict.fromkeys(name.split("/")[0] for name in names if "/" in name))


def _groups(columns: Columns, labels: Sequence[str]) -> dict[str, dict[str, Estimate]]:
    of_row = np.array(labels)
    wanted = {name: column for name, column in columns.items() if "/" not in name or name.endswith("/nDCG@10")}
    return {label: _means(wanted, np.flatnonzero(of_row == label)) for label in sorted(set(labels))}


def _means(columns: Columns, rows: NDArray[np.int64]) -> dict[str, Estimate]:
    matrix = np.stack([column[rows] for column in columns.values()], axis=1)
    return {name: one for name, one in zip(columns, mean_estimates(matrix), strict=True) if one.n}


def _thinned(points: Sequence[Point]) -> list[Point]:
    if len(points) <= CURVE_POINTS:
        return list(points)
    return [points[int(at)] for at in np.linspace(0, len(points) - 1, CURVE_POINTS).round()]


def compare(a: Sequence[Row], b: Sequence[Row]) -> dict[str, Compared]:
    """What changed from run a to run b over the questions that both have.

    Raises:
        QAError: They have no question in common.
    """
    shared = {row.id for row in a} & {row.id for row in b}
    if not shared:
        raise QAError("the two runs have no question in common", "compare two runs over the same set")
    order = sorted(shared)
    by_id = [{row.id: row for row in rows} for rows in (a, b)]
    first, second = (columns_of([rows[name] for name in order]) for rows in by_id)
    found = {}
    for name in COMPARED:
        if name in first and name in second:
            counts = ~(np.isnan(first[name]) | np.isnan(second[name]))
            if counts.any():
                means = [float(column[counts].mean()) for column in (first[name], second[name])]
                found[name] = (means, paired_difference(first[name], second[name]))
    adjusted = holm({name: difference.p for name, (_, difference) in found.items()})
    return {
        name: Compared(means[0], means[1], difference, adjusted[name]) for name, (means, difference) in found.items()
    }


def misses(rows: Sequence[Row], limit: int) -> list[Row]:
    """The worst misses: what is wrong with the highest confidence first, and then what it was wrongly silent on."""
    wrong = [row for row in rows if not row.scores["correct"]]
    return sorted(wrong, key=lambda row: (not row.answered, -row.confidence, row.id))[:limit]
