"""Floors rise by themselves and fall only with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import QAError
from qa.measuring.floors import Floors, Lowered, falls, raised, read_floors, write_floors
from qa.metrics import Estimate


def measured(n: int = 1000, **values: float) -> dict[str, Estimate]:
    return {name: Estimate(value, value, value, n) for name, value in values.items()}


def floors(**values: float) -> Floors:
    return Floors({"set": values})


def test_what_holds_does_not_fall() -> None:
    assert falls(floors(correct=0.5), "set", measured(correct=0.5)) == []
    assert falls(floors(correct=0.5), "set", measured(correct=0.496)) == []


def test_what_falls_is_named() -> None:
    (fall,) = falls(floors(correct=0.5, found=0.4), "set", measured(correct=0.49, found=0.4))
    assert str(fall) == "set: correct fell to 0.4900, its floor is 0.5000"


def test_two_questions_of_a_small_set_are_tolerated() -> None:
    assert falls(floors(correct=0.5), "set", measured(n=100, correct=0.481)) == []
    assert len(falls(floors(correct=0.5), "set", measured(n=100, correct=0.479))) == 1


def test_an_inexact_quote_is_never_tolerated() -> None:
    assert len(falls(floors(exactness=1.0), "set", measured(n=10, exactness=0.999))) == 1


@pytest.mark.parametrize("now", [{}, {"correct": float("nan")}])
def test_a_measure_that_is_gone_has_fallen(now: dict[str, float]) -> None:
    assert [fall.value for fall in falls(floors(correct=0.5), "set", measured(**now))] == [0.0]


def test_a_set_without_floors_is_told_how_to_get_them() -> None:
    with pytest.raises(QAError, match=r"no floors for other.*--update"):
        falls(floors(correct=0.5), "other", measured(correct=0.5))


def test_floors_rise_and_stay() -> None:
    new = raised(floors(correct=0.5, found=0.4), "set", measured(correct=0.61239, found=0.399, ECE=0.2))
    assert new.sets["set"] == {"correct": 0.6123, "found": 0.4}
    assert new.lowered == ()


def test_a_floor_falls_only_with_a_reason_that_is_kept() -> None:
    old = floors(correct=0.5)
    with pytest.raises(QAError, match=r"correct fell to 0.3000.*--allow-regression"):
        raised(old, "set", measured(correct=0.3))
    new = raised(old, "set", measured(correct=0.3), "fewer easy questions")
    assert new.sets["set"] == {"correct": 0.3}
    assert new.lowered == (Lowered("set", "correct", 0.5, 0.3, "fewer easy questions"),)


def test_a_measure_that_is_given_up_needs_a_reason_too() -> None:
    new = raised(floors(abstained=0.5), "set", measured(correct=0.3), "a set without silences")
    assert new.sets["set"] == {"correct": 0.3}
    assert new.lowered[0].after == 0.0


def test_other_sets_are_left_alone() -> None:
    old = Floors({"set": {"correct": 0.5}, "other": {"correct": 0.9}})
    assert raised(old, "set", measured(correct=0.6)).sets["other"] == {"correct": 0.9}


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "eval" / "floors.json"
    assert read_floors(path) == Floors()
    wrote = Floors({"b": {"found": 0.4}, "a": {"correct": 0.5}}, (Lowered("a", "correct", 0.6, 0.5, "größer"),))
    write_floors(path, wrote)
    assert read_floors(path) == wrote
    first = path.read_bytes()
    write_floors(path, read_floors(path))
    assert path.read_bytes() == first


@pytest.mark.parametrize("text", ["", "[]", '{"sets": {"a": {"correct": "x"}}, "lowered": []}', '{"sets": 1}'])
def test_a_file_that_is_no_floors(tmp_path: Path, text: str) -> None:
    (tmp_path / "floors.json").write_text(text, encoding="utf-8")
    with pytest.raises(QAError, match="cannot be read as floors"):
        read_floors(tmp_path / "floors.json")
