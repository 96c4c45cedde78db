"""Each measure against cases worked out by hand, and against the library that has it."""

from __future__ import annotations

import importlib
import math
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from qa.errors import QAError
from qa.metrics import (
    DEEPEST,
    RANKING_MEASURES,
    Point,
    Ranked,
    abstention_f1,
    aurc,
    auroc,
    ece,
    estimate,
    holm,
    mean_estimates,
    paired_difference,
    rank_of_relevant,
    ranking_scores,
    reliability,
    risk_coverage,
)


def flags(text: str) -> np.ndarray:
    return np.array([letter == "1" for letter in text], dtype=bool)


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def one(ranks: tuple[int, ...], relevant: int) -> dict[str, float]:
    return {name: float(values[0]) for name, values in ranking_scores([Ranked(ranks, relevant)]).items()}


def test_ranks_are_those_of_the_relevant() -> None:
    assert rank_of_relevant(["a", "b", "c"], frozenset("cax")) == Ranked((1, 3), 3)


def test_ranks_end_where_no_measure_looks() -> None:
    ranking = [str(number) for number in range(DEEPEST + 5)]
    assert rank_of_relevant(ranking, frozenset(ranking)).ranks == tuple(range(1, DEEPEST + 1))


def test_the_first_of_one_is_perfect() -> None:
    assert one((1,), 1) == dict.fromkeys(RANKING_MEASURES, 1.0)


def test_one_relevant_at_rank_three() -> None:
    scores = one((3,), 1)
    assert scores == pytest.approx({"R@1": 0, "R@5": 1, "R@20": 1, "RR@10": 1 / 3, "nDCG@10": 1 / math.log2(4)})


def test_two_relevant_of_which_one_is_found() -> None:
    scores = one((2,), 2)
    ideal = 1 + 1 / math.log2(3)
    expected = {"R@1": 0, "R@5": 0.5, "R@20": 0.5, "RR@10": 0.5, "nDCG@10": (1 / math.log2(3)) / ideal}
    assert scores == pytest.approx(expected)


def test_what_stands_below_the_cut_counts_only_for_recall_at_twenty() -> None:
    assert one((11,), 1) == pytest.approx({"R@1": 0, "R@5": 0, "R@20": 1, "RR@10": 0, "nDCG@10": 0})


def test_nothing_found_is_zero_and_nothing_asked_is_nothing() -> None:
    assert one((), 3) == dict.fromkeys(RANKING_MEASURES, 0.0)
    assert all(len(values) == 0 for values in ranking_scores([]).values())


@given(st.lists(st.tuples(st.sets(st.integers(1, DEEPEST), max_size=6), st.integers(0, 3)), min_size=1, max_size=6))
def test_rankings_score_as_the_library_says(cases: list[tuple[set[int], int]]) -> None:
    """Against the aggregate of ir_measures over a run that is written out here in another way."""
    rankings = [Ranked(tuple(sorted(ranks)), len(ranks) + missed) for ranks, missed in cases if ranks or missed]
    qrels: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for number, ranked in enumerate(rankings):
        qrels[f"q{number}"] = {f"d{rank}": 1 for rank in ranked.ranks} | {
            f"lost{n}": 1 for n in range(ranked.relevant - len(ranked.ranks))
        }
        run[f"q{number}"] = {f"d{rank}": 1.0 / rank for rank in range(1, DEEPEST + 1)}
    if not rankings:
        return
    measures = [ir_measures.parse_measure(name) for name in RANKING_MEASURES]
    theirs = {str(measure): value for measure, value in ir_measures.calc_aggregate(measures, qrels, run).items()}
    ours = ranking_scores(rankings)
    assert {name: float(values.mean()) for name, values in ours.items()} == pytest.approx(theirs)


def test_without_the_library_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def missing(name: str, *rest: Any) -> Any:
        if name == "ir_measures":
            raise ImportError("No module named 'ir_measures'")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(QAError, match=r"evaluation needs a package that is missing.*make setup"):
        ranking_scores([Ranked((1,), 1)])


def test_auroc_by_hand() -> None:
    assert auroc(flags("110"), floats(0.9, 0.5, 0.1)) == 1.0
    assert auroc(flags("001"), floats(0.9, 0.5, 0.1)) == 0.0
    assert auroc(flags("1010"), floats(4, 3, 2, 1)) == 0.75
    assert auroc(flags("10"), floats(0.5, 0.5)) == 0.5
    assert math.isnan(auroc(flags("11"), floats(1, 2)))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auroc_is_that_of_scikit_learn(cases: list[tuple[bool, int]]) -> None:
    positive = np.array([case[0] for case in cases])
    scores = floats(*(case[1] for case in cases))
    if positive.all() or not positive.any():
        assert math.isnan(auroc(positive, scores))
    else:
        assert auroc(positive, scores) == pytest.approx(roc_auc_score(positive, scores))


def test_ece_by_hand() -> None:
    # Two bins of two: mean confidence 0.15 against 0.5 positive, and 0.85 against 1.
    assert ece(flags("0111"), floats(0.1, 0.2, 0.8, 0.9), bins=2) == pytest.approx((0.35 + 0.15) / 2)
    assert ece(flags("10"), floats(0.5, 0.5)) == 0.0
    assert math.isnan(ece(flags(""), floats()))


def test_bins_have_equal_mass_and_equal_confidences_stay_together() -> None:
    points = reliability(flags("010101"), floats(0.1, 0.2, 0.3, 0.4, 0.5, 0.6), bins=3)
    assert [point.n for point in points] == [2, 2, 2]
    assert points[0] == Point(pytest.approx(0.15), 0.5, 2)
    tied = reliability(flags("0101"), floats(0.3, 0.3, 0.3, 0.9), bins=4)
    assert [(point.x, point.n) for point in tied] == [(pytest.approx(0.3), 3), (0.9, 1)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=1, max_size=60), st.randoms())
def test_calibration_does_not_depend_on_the_order(cases: list[tuple[bool, int]], random: Any) -> None:
    shuffled = random.sample(cases, len(cases))
    values = [
        (np.array([case[0] for case in rows]), floats(*(case[1] / 10 for case in rows))) for rows in (cases, shuffled)
    ]
    assert ece(*values[0]) == pytest.approx(ece(*values[1]))
    assert sum(point.n for point in reliability(*values[0])) == len(cases)
    assert 0 <= ece(*values[0]) <= 1


def test_risk_coverage_by_hand() -> None:
    points = risk_coverage(flags("1011"), floats(0.9, 0.8, 0.7, 0.7))
    assert points == [Point(0.25, 0.0, 1), Point(0.5, 0.5, 2), Point(1.0, 0.25, 4)]
    assert risk_coverage(flags(""), floats()) == []
    # The last two come in together, at the risk of all four.
    assert aurc(flags("1011"), floats(0.9, 0.8, 0.7, 0.7)) == pytest.approx((0 + 1 / 2 + 1 / 4 + 1 / 4) / 4)
    assert math.isnan(aurc(flags(""), floats()))


def test_abstention_by_hand() -> None:
    # Silent on three, two of them rightly; one question without an answer was answered: P = 2/3, R = 2/3.
    answerable, answered = flags("1110001"), flags("0110011")
    assert abstention_f1(answerable, answered) == pytest.approx(2 / 3)
    assert math.isnan(abstention_f1(flags("11"), flags("10")))
    assert abstention_f1(flags("10"), flags("11")) == 0.0


def test_intervals_hold_the_mean_and_leave_out_what_does_not_apply() -> None:
    values = np.stack([floats(*([0.0, 1.0] * 50)), floats(*([0.5] * 50 + [math.nan] * 50))], axis=1)
    half, constant = mean_estimates(values)
    assert (half.value, half.n) == (0.5, 100)
    # The binomial interval is 0.5 ± 1.96 * 0.05.
    assert half.low == pytest.approx(0.402, abs=0.02)
    assert half.high == pytest.approx(0.598, abs=0.02)
    assert (constant.value, constant.low, constant.high, constant.n) == (0.5, 0.5, 0.5, 50)


def test_a_measure_without_questions_has_no_interval() -> None:
    (empty,) = mean_estimates(np.full((4, 1), np.nan))
    assert empty.n == 0
    assert math.isnan(empty.low)


def test_intervals_are_the_same_every_time() -> None:
    values = np.random.default_rng(1).random((30, 2))
    assert mean_estimates(values) == mean_estimates(values.copy())
    assert estimate(auroc, flags("10" * 15), values[:, 0]) == estimate(auroc, flags("10" * 15), values[:, 0])


def test_an_estimate_of_a_set_measure_holds_its_value() -> None:
    scores = floats(*range(20))
    found = estimate(auroc, flags("0" * 8 + "1010" + "1" * 8), scores)
    assert found.low <= found.value <= found.high
    assert (found.value, found.n) == (auroc(flags("0" * 8 + "1010" + "1" * 8), scores), 20)


def test_runs_that_agree_do_not_differ() -> None:
    same = paired_difference(floats(1, 0, 1), floats(1, 0, 1))
    assert (same.value, same.p, same.n) == (0.0, 1.0, 3)


def test_the_randomisation_test_comes_near_to_the_exact_p_value() -> None:
    # Six questions better, none worse: of the 64 sign patterns two are as extreme.
    found = paired_difference(floats(*[0.0] * 10), floats(*[1.0] * 6, *[0.0] * 4))
    assert found.p == pytest.approx(2 / 64, abs=0.006)
    assert found.value == pytest.approx(0.6)
    balanced = paired_difference(floats(1, 0, 1, 0), floats(0, 1, 0, 1))
    assert balanced.p == 1.0


def test_a_question_that_one_run_lacks_is_left_out() -> None:
    found = paired_difference(floats(0, math.nan, 0), floats(1, 1, math.nan))
    assert (found.value, found.n) == (1.0, 1)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_swapping_the_runs_turns_the_difference_round(cases: list[tuple[int, int]]) -> None:
    a, b = floats(*(case[0] for case in cases)), floats(*(case[1] for case in cases))
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert there.value == -back.value
    assert there.p == back.p
    assert 0 < there.p <= 1


def test_holm_by_hand() -> None:
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}
