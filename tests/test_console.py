"""What the command line shows of several sources."""

from __future__ import annotations

import pytest
from rich.console import Console

from qa.console import differing_line, quoted, show_answer
from qa.types import Answer, Citation, Figure, Span

FIRST = Citation(1, "a", "Titel", "Blatt", "2024-10-24", None, "Es sind 1500 Mann.", 0, 18, "de", 0.9, (), Span(8, 17))
SECOND = Citation(2, "b", "Anderer", None, None, None, "Es sind 3000 Mann.", 0, 18, "de", 0.8)
COPY = Citation(3, "c", "Kopie", "Bote", None, None, "Es sind 1500 Mann.", 5, 23, "de", 0.8, (), None, 1)
ANSWER = Answer(
    "Wie viele?",
    "answered",
    "",
    (FIRST, SECOND, COPY),
    0.9,
    (),
    "Wie viele?",
    "de",
    "i",
    figures=(Figure(1, "1500 Mann", 1500.0, 8, 17), Figure(2, "3000 Mann", 3000.0, 8, 17)),
)
DIFFER = "Die Quellen nennen verschiedene Zahlen: 1500 Mann [1] (Blatt, 24. Oktober 2024), 3000 Mann [2] (Anderer, ohne Datum)"


def test_the_sources_that_differ_stand_in_one_line() -> None:
    assert differing_line(ANSWER) == DIFFER


def test_a_copy_is_named_below_the_quote_that_it_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    show_answer(ANSWER, repeat_question=False)
    assert capsys.readouterr().out.splitlines() == [
        DIFFER,
        "[1] Es sind 1500 Mann.",
        "    Titel · Blatt · 2024-10-24",
        "    auch in [3] Kopie · Bote",
        "[2] Es sind 3000 Mann.",
        "    Anderer",
    ]


def test_the_phrase_that_answers_is_bold_on_a_terminal_only() -> None:
    terminal = Console(force_terminal=True, color_system="standard", width=80)
    with terminal.capture() as shown:
        terminal.print(quoted(FIRST), end="")
    assert shown.get() == "Es sind \x1b[1m1500 Mann\x1b[0m."
    plain = Console(force_terminal=False, width=80)
    with plain.capture() as shown:
        plain.print(quoted(FIRST), end="")
    assert shown.get() == FIRST.quote
