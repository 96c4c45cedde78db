from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from qa.recency import NEARLY_EQUAL, newest_first
from qa.types import Article
from tests.fakes import article


@dataclass(frozen=True)
class Found:
    article: Article
    logit: float


def found(logit: float, published: str | None) -> Found:
    return Found(article("T", published=published), logit)


def test_the_newest_of_nearly_equal_evidence_comes_first() -> None:
    old, new = found(1.0, "2024-10-01"), found(1.0 - 0.9 * NEARLY_EQUAL, "2024-11-01")
    undated, far = found(1.0 - 0.1 * NEARLY_EQUAL, None), found(0.9 - NEARLY_EQUAL, "2025-01-01")
    assert newest_first([old, undated, new, far]) == [new, old, undated, far]


def test_of_one_day_the_better_is_first() -> None:
    better, later = found(1.0, "2024-10-01"), found(0.9, "2024-10-01T23:59")
    assert newest_first([better, later]) == [better, later]


def test_nothing_has_no_newest() -> None:
    assert newest_first([]) == []


@given(st.lists(st.tuples(st.floats(-9, 9), st.sampled_from([None, "2023-01-01", "2024-01-01", "2025-01-01"]))))
def test_nothing_far_below_the_best_comes_up_and_nothing_is_lost(rows: list[tuple[float, str | None]]) -> None:
    evidence = [found(*row) for row in sorted(rows, key=lambda row: -row[0])]
    ordered = newest_first(evidence)
    assert sorted(map(id, ordered)) == sorted(map(id, evidence))
    if evidence:
        assert ordered[0].logit >= evidence[0].logit - NEARLY_EQUAL
    assert (
        newest_first(evidence, 0.0)[:1] == newest_first([one for one in evidence if one.logit == evidence[0].logit])[:1]
    )
