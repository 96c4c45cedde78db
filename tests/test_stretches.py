"""The fit of lines: what it learns from, how it is scored, and the whole command on a few pages."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")

from qa.chunks import quotable_spans
from qa.quoting.asked import read_asked
from qa.quoting.evidence import Evidence
from qa.quoting.lines import LINE_FEATURES, LineModel, LineTable
from qa.text import paragraphs
from qa.train import stretches
from qa.train.stretches import FOLDS, Sample, Scores, crossed, fit, fold_of, scores
from tests.fakes import article

if TYPE_CHECKING:
    from pathlib import Path

BY_LOGIT = LineModel({"logit": 1.0}, 0.0)


def sample(logits: list[float], answering: set[int], *, page: str = "p", elsewhere: int = 0) -> Sample:
    """A page of as many lines, of which some answer; the only feature that says anything is the log-odds."""
    source = article("\n\n".join(f"Zeile {n} steht hier." for n in range(len(logits))))
    spans = paragraphs(source.text)
    evidence = [Evidence(source, span, one, 0) for span, one in zip(quotable_spans(source), logits, strict=True)]
    features = np.zeros((len(logits), len(LINE_FEATURES)))
    features[:, 0] = logits
    labels = np.isin(np.arange(len(logits)), list(answering))
    gold = frozenset(spans[n] for n in answering)
    asked = read_asked("Was steht hier?")
    table = LineTable(range(len(logits)), features)
    return Sample("de→de", page, True, asked, tuple(evidence), table, labels, gold, source.id, elsewhere)


def test_scores_count_the_lines_quoted() -> None:
    one = sample([2.0, 1.0, -9.0, -9.0], {0, 2}, elsewhere=1)
    assert scores([(one, BY_LOGIT)], 0.0) == Scores(1 / 2, 1 / 3, 1.0, 1.0)
    assert scores([(one, BY_LOGIT)], -9.0) == Scores(2 / 4, 2 / 3, 1.0, 1.0)
    silent = replace(one, evidence=(), table=LineTable((), one.table.features[:0]), labels=one.labels[:0])
    assert scores([(silent, BY_LOGIT)]) == Scores(0.0, 0.0, 0.0, 0.0)


def test_f1_is_the_harmonic_mean() -> None:
    assert Scores(0.5, 1.0, 0.0, 0.0).f1 == pytest.approx(2 / 3)
    assert Scores(0.0, 0.0, 0.0, 0.0).f1 == 0.0


def test_the_fit_finds_what_tells_lines_apart_and_is_the_same_again() -> None:
    generator = np.random.default_rng(1)
    drawn = [generator.normal(size=12) for _ in range(40)]
    samples = [sample(list(one), set(np.flatnonzero(one > 0.5).tolist()), page=str(n)) for n, one in enumerate(drawn)]
    model = fit(samples)
    assert model == fit(samples)
    assert model.weights["logit"] > 1.0
    assert {name for name, weight in model.weights.items() if weight} == {"logit"}
    weighed = [(one, model) for one in samples]
    assert scores(weighed, 0.0).f1 > scores(weighed, -9.0).f1


def test_no_page_is_weighed_by_a_model_that_has_seen_it() -> None:
    samples = [sample([float(n), -1.0, 0.5], {0}, page=str(n)) for n in range(30)]
    for one, model in zip(samples, crossed(samples), strict=True):
        assert model == fit([other for other in samples if fold_of(other.page) != fold_of(one.page)])
    assert {fold_of(one.page) for one in samples} == set(range(FOLDS))


def test_the_command_prints_what_to_paste_and_the_curve(
    shared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["stretches", "--data", str(shared / "data" / "dev"), "--limit", "6"]
    monkeypatch.setattr(sys, "argv", arguments)
    stretches.main()
    printed = capsys.readouterr().out
    assert printed.startswith("LINES = LineModel(weights={")
    for bound in stretches.BOUNDS:
        assert f"\n{bound:5.2f}  " in printed
