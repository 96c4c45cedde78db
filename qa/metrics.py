"""Scoring functions: what a ranking, a set of quotes, a confidence and a difference between two runs are worth.

Everything here is pure. The measures of rankings are those of ir_measures (MacAvaney et al. 2022, "Streamlining
Evaluation with ir-measures"), which calls trec_eval; what it does not have is computed here and names its source.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qa.errors import QAError

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

#: Measures of a ranking, as ir_measures spells them. R@k is the share of the relevant that stands in the first k, so
#: with two relevant passages R@1 is at most 0.5; RR@10 averages to MRR@10.
RANKING_MEASURES = ("R@1", "R@5", "R@20", "RR@10", "nDCG@10")

#: Deepest rank that any of them looks at.
DEEPEST = 20

#: Bins of the calibration error. 15 is the customary number (Guo et al. 2017, "On Calibration of Modern Neural
#: Networks").
BINS = 15

#: Resamples behind an interval: over ten seeds and 1,190 questions its ends lay within 0.4 points.
RESAMPLES = 1000

#: Sign patterns behind a p-value: its own standard error is at most 0.005, at p = 0.05 0.002.
PERMUTATIONS = 10_000

#: Differences with a larger p-value are called noise.
SIGNIFICANT = 0.05

#: All random choices start here, so that two runs give the same figures.
SEED = 20_241_024


@dataclass(frozen=True, slots=True)
class Ranked:
    """Where the relevant stand in one ranking: ``ranks`` from 1, ascending, those found; ``relevant`` how many."""

    ranks: tuple[int, ...]
    relevant: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure over ``n`` questions with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of ``b - a`` over ``n`` questions, with the p-value of no difference."""

    value: float
    p: float
    n: int


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve; ``n`` questions stand behind it."""

    x: float
    y: float
    n: int


def rank_of_relevant(ranking: Sequence[str], relevant: frozenset[str]) -> Ranked:
    """Ranks at which a ranking (best first, no id twice) holds what is relevant, down to `DEEPEST`."""
    found = tuple(rank for rank, name in enumerate(ranking[:DEEPEST], start=1) if name in relevant)
    return Ranked(found, len(relevant))


def ranking_scores(rankings: Sequence[Ranked]) -> dict[str, Floats]:
    """`RANKING_MEASURES` of every ranking, each ``(len(rankings),)``, by ir_measures.

    Args:
        rankings: With at least one relevant each.

    Raises:
        QAError: The package ir_measures is not installed.
    """
    library = _ir_measures()
    measures = {name: library.parse_measure(name) for name in RANKING_MEASURES}
    scores = {name: np.zeros(len(rankings)) for name in measures}
    qrels, run = [], []
    for number, ranked in enumerate(rankings):
        key = str(number)
        known = dict(zip(ranked.ranks, range(ranked.relevant), strict=False))
        qrels += [library.Qrel(key, f"r{one}", 1) for one in range(ranked.relevant)]
        # trec_eval puts equal scores in the order of the names: ranks as scores leave it no choice.
        run += [
            library.ScoredDoc(key, f"r{known[rank]}" if rank in known else f"x{rank}", float(-rank))
            for rank in range(1, DEEPEST + 1)
        ]
    if rankings:
        spelled = {str(measure): name for name, measure in measures.items()}
        for metric in library.iter_calc(list(measures.values()), qrels, run):
            scores[spelled[str(metric.measure)]][int(metric.query_id)] = metric.value
    return scores


def _ir_measures() -> ModuleType:
    try:
        return importlib.import_module("ir_measures")
    except ImportError as error:
        raise QAError(f"the evaluation needs a package that is missing: {error}", "make setup") from error


def auroc(positive: Flags, scores: Floats) -> float:
    """Probability that a positive scores above a negative, ties counting half; NaN where either is missing.

    Hanley and McNeil 1982, "The Meaning and Use of the Area under a ROC Curve", by the Mann-Whitney statistic.

    Args:
        positive: ``(n,)``.
        scores: ``(n,)``, higher for what is taken to be positive.
    """
    count = int(positive.sum())
    if count in {0, len(positive)}:
        return float("nan")
    _, position, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    # The mean rank, from 1, of every group of equal scores.
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[position]
    above = ranks[positive].sum() - count * (count + 1) / 2
    return float(above / (count * (len(positive) - count)))


def reliability(positive: Flags, confidence: Floats, bins: int = BINS) -> list[Point]:
    """Mean confidence against share of positives in bins of equal mass; equal confidences share a bin.

    Bins of equal mass rather than of equal width: Roelofs et al. 2022, "Mitigating Bias in Calibration Error
    Estimation".

    Args:
        positive: ``(n,)``.
        confidence: ``(n,)``, 0 to 1.
        bins: Most bins.
    """
    if len(confidence) == 0:
        return []
    order = np.argsort(confidence, kind="stable")
    _, first = np.unique(confidence[order], return_index=True)
    wanted = np.arange(1, bins) * len(order) / bins
    # Every border moves up to where the next larger confidence begins.
    places = np.append(first, len(order))
    borders = np.unique(places[np.searchsorted(places, wanted)])
    parts = [part for part in np.split(order, borders) if len(part)]
    return [Point(float(confidence[part].mean()), float(positive[part].mean()), len(part)) for part in parts]


def ece(positive: Flags, confidence: Floats, bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1, over the bins of `reliability`; NaN for nothing.

    Naeini, Cooper and Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning".
    """
    points = reliability(positive, confidence, bins)
    total = sum(point.n for point in points)
    return sum(point.n * abs(point.x - point.y) for point in points) / total if total else float("nan")


def risk_coverage(right: Flags, confidence: Floats) -> list[Point]:
    """Share of wrong answers (y) among the share of questions answered (x), the most confident first.

    El-Yaniv and Wiener 2010, "On the Foundations of Noise-free Selective Classification"; Geifman and El-Yaniv 2017.
    Questions of one confidence come in together.
    """
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~right[order])
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True)) if len(order) else order
    return [Point(float((at + 1) / len(order)), float(wrong[at] / (at + 1)), int(at) + 1) for at in last]


def aurc(right: Flags, confidence: Floats) -> float:
    """Area under `risk_coverage`, its mean over all coverages, 0 to 1, lower is better; NaN for nothing.

    Geifman, Uziel and El-Yaniv 2019, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers".
    """
    points = risk_coverage(right, confidence)
    steps = np.diff([0.0, *(point.x for point in points)])
    return float(steps @ np.array([point.y for point in points])) if points else float("nan")


def abstention_f1(answerable: Flags, answered: Flags) -> float:
    """F1 of the silences, taking a question that nothing answers for a positive; NaN where there is none."""
    silent = ~answered
    right = int((silent & ~answerable).sum())
    both = int(silent.sum()) + int((~answerable).sum())
    return 2 * right / both if (~answerable).any() else float("nan")


def mean_estimates(values: Floats) -> list[Estimate]:
    """Means of the columns of ``(n, m)`` with 95 % bootstrap intervals; NaN marks a question that does not count.

    The percentile interval of Efron 1979, "Bootstrap Methods: Another Look at the Jackknife", over questions. All
    columns see the same resamples.
    """
    counts = ~np.isnan(values)
    weights = _resamples(len(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        sums = weights @ np.where(counts, values, 0.0)
        drawn = sums / (weights @ counts)
        means = np.where(counts, values, 0.0).sum(axis=0) / counts.sum(axis=0)
    return [
        _estimate(float(mean), column, int(count))
        for mean, column, count in zip(means, drawn.T, counts.sum(axis=0), strict=True)
    ]


def estimate(measure: Callable[[Flags, Floats], float], flags: Flags, values: Floats) -> Estimate:
    """A measure over all questions, such as `auroc`, with its bootstrap interval.

    Args:
        measure: Of flags and values of the same questions.
        flags: ``(n,)``.
        values: ``(n,)``.
    """
    rows = np.arange(len(flags))
    drawn = []
    for weights in _resamples(len(flags)):
        chosen = np.repeat(rows, weights.astype(np.int64))
        drawn.append(measure(flags[chosen], values[chosen]))
    return _estimate(measure(flags, values), np.array(drawn), len(flags))


def _resamples(n: int) -> Floats:
    """How often each of n questions is drawn, ``(RESAMPLES, n)``."""
    if n == 0:
        return np.zeros((RESAMPLES, 0))
    counts = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return counts.astype(np.float64)


def _estimate(value: float, drawn: Floats, n: int) -> Estimate:
    kept = drawn[~np.isnan(drawn)]
    if n == 0 or len(kept) == 0:
        return Estimate(value, float("nan"), float("nan"), n)
    low, high = np.quantile(kept, (0.025, 0.975))
    return Estimate(value, float(low), float(high), n)


def paired_difference(a: Floats, b: Floats) -> Difference:
    """Whether two runs over the same questions differ, by approximate randomisation, two-sided.

    Noreen 1989, "Computer-Intensive Methods for Testing Hypotheses"; Smucker, Allan and Carterette 2007 find it the
    test to use for rankings. Under no difference each question's two values might as well be swapped.

    Args:
        a: ``(n,)``; NaN in either run leaves the question out.
        b: ``(n,)``.
    """
    both = ~(np.isnan(a) | np.isnan(b))
    differences = (b - a)[both]
    changed = differences[differences != 0]
    if len(changed) == 0:
        return Difference(0.0, 1.0, int(both.sum()))
    signs = np.random.default_rng(SEED).choice(np.array([-1.0, 1.0]), size=(PERMUTATIONS, len(changed)))
    # Rounded: the same sum taken in another order must not count as smaller.
    swapped = np.abs(signs @ changed).round(9)
    p = (int((swapped >= round(abs(float(changed.sum())), 9)).sum()) + 1) / (PERMUTATIONS + 1)
    return Difference(float(differences.mean()), p, int(both.sum()))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values of several measures adjusted so that one false alarm among them all stays as rare (Holm 1979)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, p * (len(p_values) - place)))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
