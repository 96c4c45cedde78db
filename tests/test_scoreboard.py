"""What the terminal shows of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qa.measuring.floors import Fall
from qa.measuring.judge import Quote
from qa.measuring.report import Report
from qa.measuring.scoreboard import show_comparison, show_falls, show_report
from tests.evalset import row
from tests.test_report import report  # noqa: F401 - a fixture

Captured = pytest.CaptureFixture[str]


def test_a_line_a_ranking_and_the_answers(report: Report, capsys: Captured) -> None:  # noqa: F811
    show_report(report)
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert [line[1:3] for line in lines if line[:1] == ["tiere"]] == [
        [name, level] for level in ("passage", "article") for name in ("hybrid", "dense", "BM25")
    ]
    assert any(line[:2] == ["exactness", "1.000"] for line in lines)
    assert "ms (p50)" in out


def test_the_ten_worst_misses_with_what_was_quoted_and_expected(report: Report, capsys: Captured) -> None:  # noqa: F811
    wrong = [
        replace(
            row(str(n), right=False, confidence=n / 20, question=f"Wer war [{n}]?"),
            expected=(("der Hund", "ein Hund"), ("die Katze",)),
            quotes=(Quote("a", 0, 3, f"Es war [bold]{n}[/bold].", False),),
        )
        for n in range(12)
    ]
    show_report(Report.of(replace(report.result, rows=(*wrong, row("ok")))))
    out = capsys.readouterr().out
    assert "The 10 worst misses" in out
    assert out.index("Wer war [11]?") < out.index("Wer war [2]?")
    assert "Wer war [1]?" not in out
    assert "expected: der Hund / ein Hund; die Katze" in out
    assert "shown: Es war [bold]11[/bold]." in out


def test_a_run_without_a_miss_lists_none(report: Report, capsys: Captured) -> None:  # noqa: F811
    show_report(Report.of(replace(report.result, rows=(row("ok"), row("too")))))
    assert "worst" not in capsys.readouterr().out


def test_a_comparison_shows_what_got_worse_first(report: Report, capsys: Captured) -> None:  # noqa: F811
    before = Report.of(
        replace(report.result, rows=(row("a", question="Alpha?"), row("b", right=False, question="Beta?")))
    )
    after = Report.of(
        replace(report.result, rows=(row("a", right=False, question="Alpha?"), row("b", question="Beta?")))
    )
    show_comparison(before, after)
    out = capsys.readouterr().out
    assert "2 questions changed" in out
    assert out.index("- Alpha?") < out.index("+ Beta?")
    assert "right → quoted something else" in out


def test_falls_go_to_stderr_a_line_each(capsys: Captured) -> None:
    show_falls([Fall("set", "correct", 0.5, 0.25), Fall("set", "found", 0.4, 0.1)], "set")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "qa: set: correct fell to 0.2500, its floor is 0.5000",
        "qa: set: found fell to 0.1000, its floor is 0.4000",
    ]
