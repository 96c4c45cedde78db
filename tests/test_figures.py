"""Rows summed up: means, groups, curves and comparisons of runs small enough to check by eye."""

from __future__ import annotations

import pytest

from qa.errors import QAError
from qa.measuring.figures import CURVE_POINTS, compare, figures, misses, rankings_of
from qa.metrics import Ranked
from tests.evalset import row

ROWS = [
    row("a", confidence=0.9),
    row("b", confidence=0.8, right=False, lang="en", ranks={"hybrid": {"passage": Ranked((2,), 1)}}),
    row("c", confidence=0.2, answered=False, kind="why"),
    row("d", confidence=0.7, answerable=False),
    row("e", confidence=0.1, answerable=False, answered=False),
]


def test_means_over_the_questions_that_count() -> None:
    found = figures(ROWS).all
    assert (found["correct"].value, found["correct"].n) == (pytest.approx(2 / 5), 5)
    assert (found["found"].value, found["found"].n) == (pytest.approx(1 / 3), 3)
    assert (found["abstained"].value, found["abstained"].n) == (0.5, 2)
    assert found["hybrid/passage/R@1"].value == pytest.approx(2 / 3)
    assert (found["hybrid/article/R@1"].value, found["hybrid/article/R@1"].n) == (1.0, 2)
    assert "quote precision" not in found


def test_measures_of_the_whole_set() -> None:
    found = figures(ROWS)
    assert found.all["silence F1"].value == pytest.approx(0.5)
    # Of six pairs of a question with and one without an answer, five are in order.
    assert found.all["AUROC"].value == pytest.approx(5 / 6)
    assert 0 < found.all["ECE"].value < 1
    assert sum(point.n for point in found.reliability) == 5


def test_a_set_with_an_answer_to_everything_has_no_silence_to_measure() -> None:
    found = figures([one for one in ROWS if one.answerable])
    assert not {"AUROC", "ECE", "silence F1", "silence precision", "abstained"} & set(found.all)
    assert found.reliability == []


def test_groups() -> None:
    found = figures(ROWS)
    assert {lang: one["correct"].n for lang, one in found.by_lang.items()} == {"de": 4, "en": 1}
    assert {kind: one["correct"].value for kind, one in found.by_kind.items()} == {"who": 0.5, "why": 0.0}
    assert "hybrid/passage/nDCG@10" in found.by_lang["en"]
    assert "hybrid/passage/R@1" not in found.by_lang["en"]


def test_the_risk_counts_what_was_held_back() -> None:
    # By confidence: a right, b wrong, d wrong, c right (though held back), e wrong.
    assert [point.y for point in figures(ROWS).risk_coverage] == pytest.approx([0, 1 / 2, 2 / 3, 1 / 2, 3 / 5])
    assert figures(ROWS).all["AURC"].value == pytest.approx((0 + 1 / 2 + 2 / 3 + 1 / 2 + 3 / 5) / 5)


def test_long_curves_are_thinned_to_their_ends() -> None:
    many = [row(str(n), confidence=n / 1000, right=n % 2 == 0) for n in range(500)]
    curve = figures(many).risk_coverage
    assert len(curve) == CURVE_POINTS
    assert curve[-1].x == 1.0
    assert curve[-1].n == 500


def test_two_equal_runs_do_not_differ() -> None:
    found = compare(ROWS, list(reversed(ROWS)))
    assert {one.difference.value for one in found.values()} == {0.0}
    assert not any(one.significant for one in found.values())


def test_a_difference_in_one_question_is_noise_and_in_many_it_is_not() -> None:
    before = [row(str(n), right=False) for n in range(40)]
    little = compare(before, [row(str(n), right=n == 0) for n in range(40)])
    much = compare(before, [row(str(n), right=n < 25) for n in range(40)])
    assert not little["correct"].significant
    assert much["correct"].significant
    assert (much["correct"].a, much["correct"].b) == (0.0, 0.625)
    assert much["correct"].p >= much["correct"].difference.p


def test_only_questions_of_both_are_compared() -> None:
    assert compare(ROWS, ROWS[:2])["correct"].difference.n == 2
    with pytest.raises(QAError, match="no question in common"):
        compare(ROWS, [row("z")])


def test_the_worst_misses_are_the_most_confident() -> None:
    assert [one.id for one in misses(ROWS, 10)] == ["b", "d", "c"]
    assert [one.id for one in misses(ROWS, 1)] == ["b"]


def test_rankings_are_told_from_answers() -> None:
    assert rankings_of({"correct": 0, "hybrid/passage/R@1": 0, "hybrid/article/R@1": 0, "BM25/article/R@1": 0}) == [
        "hybrid",
        "BM25",
    ]
