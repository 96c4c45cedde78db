"""The report as one page of HTML that needs nothing from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from qa.measuring.figures import misses, rankings_of
from qa.measuring.plots import curve, grouped_bars, reliability_plot, stacked_bars
from qa.measuring.report import MISSES, Report, Table, expectation, outcome, summary_line, tables

if TYPE_CHECKING:
    from qa.evaluate import Row

#: Stages of a question in the order in which they happen; ``total`` is their sum.
_STAGES = ("encode", "dense", "lexical", "pieces", "words", "fuse", "answer")

#: Okabe and Ito's colours, which people who cannot tell red from green can tell apart too, lighter on dark pages.
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --page: #fff; --soft: #5b6470; --line: #d9dee4; --band: #f4f6f8;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #a8588a; --c4: #8a6d00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --page: #16191d; --soft: #a4adb8; --line: #353c45;
  --band: #1e2328; --c0: #56b4e9; --c1: #f0904d; --c2: #3ec99b; --c3: #d99abf; --c4: #e0c341; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.2rem; } .soft { color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem; }
th, td { padding: .3rem .7rem .3rem 0; text-align: left; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; vertical-align: top; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
svg { width: 100%; max-width: 46rem; height: auto; font: 12px system-ui, sans-serif; }
.ink { fill: var(--ink); } .mid { text-anchor: middle; } .end { text-anchor: end; }
.axis { stroke: var(--soft); } .grid { stroke: var(--line); }
.diagonal { stroke: var(--soft); stroke-dasharray: 5 4; }
.l0 { fill: none; stroke: var(--c0); stroke-width: 2.5; }
.s0 { fill: var(--c0); background: var(--c0); } .s1 { fill: var(--c1); background: var(--c1); }
.s2 { fill: var(--c2); background: var(--c2); } .s3 { fill: var(--c3); background: var(--c3); }
.s4 { fill: var(--c4); background: var(--c4); }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; font-size: .875rem; }
.mark { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; border-radius: 2px; }
.miss { background: var(--band); border-radius: .5rem; padding: .7rem 1rem; margin: .8rem 0; }
.miss p { margin: .2rem 0; } blockquote { margin: .4rem 0; padding-left: .8rem; border-left: 3px solid var(--line); }
"""


def page(report: Report) -> str:
    """A page with plots, tables and the worst misses, all text escaped, none that is not this project's own."""
    report = report.public
    name = escape(report.result.name)
    created = escape(str(report.result.run.get("created", "")))
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Nothing is loaded, whatever a quote may hold.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{name} - article-qa evaluation</title><style>{_STYLE}</style></head><body>",
        f'<h1>{name}</h1><p class="soft">{escape(summary_line(report))} {created}</p>',
        *_plots(report),
        *(_table(table) for table in tables(report)),
        *_misses(misses(report.result.rows, MISSES)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _plots(report: Report) -> list[str]:
    summed = report.figures
    names = rankings_of(summed.all)
    level = "passage" if f"{names[0]}/passage/nDCG@10" in summed.all else "article"
    groups = {**summed.by_lang, **({"all": summed.all} if len(summed.by_lang) > 1 else {})}
    by_lang = {
        lang: {name: one[key].value for name in names if (key := f"{name}/{level}/nDCG@10") in one}
        for lang, one in groups.items()
    }
    by_lang = {lang: values for lang, values in by_lang.items() if values}
    figures = [
        (
            f"nDCG@10 by {level}, by language of the question and ranking",
            grouped_bars("nDCG@10 by language and ranking", by_lang),
        ),
        (
            "Risk and coverage: the more it answers, the more of it is wrong",
            curve("risk-coverage curve", summed.risk_coverage, "share of questions answered", "share of those wrong"),
        ),
    ]
    if summed.reliability:
        figures.append(
            (
                "Reliability: how often a question of a given confidence has an answer",
                reliability_plot("reliability of the confidence", summed.reliability, "confidence", "has an answer"),
            )
        )
    figures.append(("Time of a question by stage", _latency(report)))
    by_kind = _missed(report.result.rows)
    if by_kind:
        totals = {kind: f"{sum(parts.values()):g}" for kind, parts in by_kind.items()}
        figures.append(("Misses by kind of question", stacked_bars("misses by kind", by_kind, totals)))
    return [f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>" for caption, svg in figures]


def _latency(report: Report) -> str:
    took: Any = report.result.run["latency_ms"]
    stages = [stage for stage in _STAGES if stage in took]
    bars = {
        stage: {"p50": took[stage]["p50"], "up to p95": round(took[stage]["p95"] - took[stage]["p50"], 2)}
        for stage in stages
    }
    ends = {stage: f"{took[stage]['p50']} ms, p95 {took[stage]['p95']} ms" for stage in stages}
    return stacked_bars("latency by stage", bars, ends)


def _missed(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Misses by kind and by what went wrong, kinds with most first."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        if not row.scores["correct"]:
            counts.setdefault(row.kind, Counter())[outcome(row)] += 1
    names = sorted({name for one in counts.values() for name in one})
    order = sorted(counts, key=lambda kind: (-counts[kind].total(), kind))
    return {kind: {name: float(counts[kind][name]) for name in names} for kind in order}


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    note = f'<p class="soft">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<h2>{escape(table.title)}</h2>{note}\n<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _misses(worst: Sequence[Row]) -> list[str]:
    if not worst:
        return []
    return [f"<h2>The {len(worst)} worst misses</h2>", *map(_miss, worst)]


def _miss(row: Row) -> str:
    told = f"{row.lang}, {row.kind}, confidence {row.confidence:.2f}: {outcome(row)}"
    lines = [
        f"<p><strong>{escape(row.question or row.id)}</strong></p>",
        f'<p class="soft">{escape(told)}</p>',
    ]
    if row.question is not None:
        lines.append(f"<p>Expected: {escape(expectation(row))}</p>")
        lines.append(f"<p>{'Shown' if row.answered else 'Held back'}:</p>" if row.quotes else "")
        lines += [f"<blockquote>{escape(one.text)}</blockquote>" for one in row.quotes]
    return f'<div class="miss">{"".join(lines)}</div>'
