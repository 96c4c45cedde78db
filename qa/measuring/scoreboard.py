"""What ``qa eval`` shows on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from qa.measuring.figures import compare, misses, rankings_of
from qa.measuring.report import MISSES, Report, changed, comparison_table, expectation, outcome, summary_line
from qa.text import shortened

if TYPE_CHECKING:
    from qa.evaluate import Row
    from qa.measuring.figures import Figures
    from qa.measuring.floors import Fall
    from qa.measuring.report import Table

#: Measures of the line of a ranking, and of the bot's answers.
_RANKING = ("R@1", "R@5", "R@20", "RR@10", "nDCG@10")
_ANSWERS = (
    "correct",
    "first",
    "found",
    "quote precision",
    "citation accuracy",
    "exactness",
    "answered",
    "abstained",
    "silence precision",
    "silence F1",
    "AUROC",
    "ECE",
    "AURC",
)

#: Code points of a quote that are shown in a list.
_EXCERPT = 160

#: Changed questions listed by a comparison.
_CHANGED = 30

#: A pipe has no width: tables keep theirs.
_PIPE_WIDTH = 140


def _out() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(highlight=False, markup=False, emoji=False, width=_PIPE_WIDTH, soft_wrap=True)
    )


def show_report(report: Report) -> None:
    """A line a ranking, the answers, what it cost, and the worst misses."""
    out, run = _out(), report.result.run
    out.print(Text(f"{report.result.name}: ", style="bold").append(summary_line(report), style="not bold"))
    out.print(_rankings(report.result.name, report.figures))
    out.print(_answers(report.figures))
    latency: dict[str, dict[str, float]] = run["latency_ms"]  # type: ignore[assignment]
    total = latency["total"]
    out.print(
        f"index built in {run['build_seconds']} s ({run['chunks_per_second']} passages a second); a question takes "
        f"{total['p50']} ms (p50), {total['p95']} ms (p95); peak memory {run['peak_memory_mb']} MB"
    )
    worst = misses(report.result.rows, MISSES)
    if worst:
        out.print(Text(f"\nThe {len(worst)} worst misses", style="bold"))
    for row in worst:
        _show_miss(out, row)


def _rankings(name: str, summed: Figures) -> RichTable:
    table = RichTable("set", "ranking", "by", *_RANKING, "questions", box=box.SIMPLE_HEAD, pad_edge=False)
    for level in ("passage", "article"):
        for ranking in rankings_of(summed.all):
            found = [summed.all.get(f"{ranking}/{level}/{measure}") for measure in _RANKING]
            ndcg = found[-1]
            if ndcg is not None:
                cells = [f"{one.value:.3f}" if one else "-" for one in found[:-1]]
                last = f"{ndcg.value:.3f} ± {(ndcg.high - ndcg.low) / 2:.3f}"
                table.add_row(name, ranking, level, *cells, last, str(ndcg.n))
    return table


def _answers(summed: Figures) -> RichTable:
    langs = list(summed.by_lang) if len(summed.by_lang) > 1 else []
    table = RichTable("answers", "all", "95 % interval", "questions", *langs, box=box.SIMPLE_HEAD, pad_edge=False)
    for measure in _ANSWERS:
        one = summed.all.get(measure)
        if one is not None:
            by_lang = [summed.by_lang[lang].get(measure) for lang in langs]
            cells = [f"{part.value:.3f}" if part else "-" for part in by_lang]
            table.add_row(measure, f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}", str(one.n), *cells)
    return table


def _show_miss(out: Console, row: Row) -> None:
    out.print(Text.assemble((row.question or row.id, "bold"), f"  ({row.lang}, {row.kind}, {row.confidence:.2f})"))
    out.print(Text(f"  {outcome(row)}; expected: {shortened(expectation(row), _EXCERPT)}", style="dim"))
    for quote in row.quotes:
        out.print(Text(f"  {'shown' if row.answered else 'held back'}: {shortened(quote.text, _EXCERPT)}"))


def show_comparison(a: Report, b: Report) -> None:
    """Two runs side by side, with the questions that changed."""
    out = _out()
    names = (a.result.name, b.result.name)
    if names[0] == names[1]:
        names = (f"{names[0]} (A)", f"{names[1]} (B)")
    table = comparison_table(compare(a.result.rows, b.result.rows), names)
    out.print(_rich(table))
    out.print(Text(table.note, style="dim"))
    moved = changed(a, b)
    out.print(Text(f"\n{len(moved)} questions changed", style="bold"))
    for old, new in moved[:_CHANGED]:
        sign, style = ("+", "green") if new.scores["correct"] else ("-", "red")
        out.print(
            Text.assemble((f"{sign} ", style), new.question or old.question or new.id, f" ({new.lang}, {new.kind})")
        )
        out.print(Text(f"    {outcome(old)} → {outcome(new)}", style="dim"))
        for mark, row in (("before", old), ("now", new)):
            for quote in row.quotes[:1]:
                out.print(Text(f"    {mark}: {shortened(quote.text, _EXCERPT)}", style="dim"))
    if len(moved) > _CHANGED:
        out.print(f"{len(moved) - _CHANGED} more")


def show_falls(falls: Sequence[Fall], name: str) -> None:
    """A line for everything that fell, on stderr; a line on stdout where nothing did."""
    err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for fall in falls:
        err.print(f"qa: {fall}")
    if not falls:
        _out().print(f"{name}: nothing fell below its floor")


def _rich(table: Table) -> RichTable:
    shown = RichTable(*table.head, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in table.rows:
        shown.add_row(*row)
    return shown
