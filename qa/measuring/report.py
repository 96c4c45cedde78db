"""A run as files: ``report.json`` for machines and later comparison, ``report.md`` and ``report.html`` for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qa.errors import QAError
from qa.evaluate import Result, Row
from qa.measuring.figures import LEVELS, SET_MEASURES, Compared, Figures, figures, misses, rankings_of
from qa.measuring.judge import MEASURES, Quote
from qa.metrics import RANKING_MEASURES, Estimate, Point, Ranked

#: Grows when a field of ``report.json`` changes its meaning or goes.
REPORT_FORMAT = 1

#: Digits of a figure in ``report.json``.
_DIGITS = 6

#: Misses listed.
MISSES = 10


@dataclass(frozen=True, slots=True)
class Report:
    """A run and its figures; ``result.run`` is all that differs between two runs on one machine."""

    result: Result
    figures: Figures

    @classmethod
    def of(cls, result: Result) -> Report:
        """Sum up a run."""
        return cls(result, figures(result.rows))

    @property
    def public(self) -> Report:
        """The same as far as it may be published: texts that are not this project's own are taken out."""
        if self.result.own:
            return self
        rows = tuple(replace(row, question=None, expected=(), quotes=()) for row in self.result.rows)
        return Report(replace(self.result, rows=rows), self.figures)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report, its cells as text."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def to_record(report: Report) -> dict[str, Any]:
    """The JSON form of a report (docs/EVALUATION.md). Texts that are not this project's own are left out."""
    result, summed = report.public.result, report.figures
    return {
        "format": REPORT_FORMAT,
        "name": result.name,
        "own": result.own,
        "questions": dict(result.questions),
        "system": dict(result.system),
        "figures": {
            "all": _estimates(summed.all),
            "by_lang": {name: _estimates(one) for name, one in summed.by_lang.items()},
            "by_kind": {name: _estimates(one) for name, one in summed.by_kind.items()},
            "reliability": _points(summed.reliability),
            "risk_coverage": _points(summed.risk_coverage),
        },
        # Names once and not in every row: they would be two thirds of the file.
        "score_names": list(MEASURES),
        "rankings": rankings_of(summed.all),
        "levels": list(LEVELS),
        "rows": [_row_record(row, rankings_of(summed.all)) for row in result.rows],
        "run": dict(result.run),
    }


def _estimates(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, float | int | None]]:
    return {
        name: {"value": _number(one.value), "low": _number(one.low), "high": _number(one.high), "n": one.n}
        for name, one in estimates.items()
    }


def _points(points: Sequence[Point]) -> list[list[float | int | None]]:
    return [[_number(point.x), _number(point.y), point.n] for point in points]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, _DIGITS)


def _row_record(row: Row, rankings: Sequence[str]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": row.id,
        "lang": row.lang,
        "kind": row.kind,
        "answerable": row.answerable,
        "answered": row.answered,
        "confidence": row.confidence,
        "right": row.right,
        "scores": [round(row.scores[name], _DIGITS) if name in row.scores else None for name in MEASURES],
        "ranks": [[_ranked(row.ranks.get(name, {}).get(level)) for level in LEVELS] for name in rankings],
    }
    if row.question is not None:
        record |= {"question": row.question, "expected": row.expected, "quotes": [asdict(one) for one in row.quotes]}
    return record


def _ranked(ranked: Ranked | None) -> list[int] | None:
    """How many are relevant, then the ranks at which they stand."""
    return None if ranked is None else [ranked.relevant, *ranked.ranks]


def write_report(report: Report, folder: Path, page: str) -> None:
    """Write the three files into ``folder``; ``page`` is the HTML.

    Raises:
        QAError: The folder cannot be written.
    """
    record = to_record(report)
    # A line a row: two reports can be compared with diff, and stay half as large as with an indent.
    rows = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in record.pop("rows"))
    head = json.dumps(record, ensure_ascii=False, indent=1).removesuffix("\n}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(f'{head},\n "rows": [\n{rows}\n ]\n}}\n', encoding="utf-8")
        (folder / "report.md").write_text(markdown(report), encoding="utf-8")
        (folder / "report.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise QAError(f"the report cannot be written: {error}", "name another folder with --out DIR") from None


def read_report(path: Path) -> Report:
    """Read a ``report.json``, or the folder it lies in.

    Raises:
        QAError: It is missing or is no report of this version.
    """
    file = path / "report.json" if path.is_dir() else path
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        if record["format"] != REPORT_FORMAT:
            raise QAError(f"{file} has report format {record['format']}, this version reads {REPORT_FORMAT}", "qa eval")
        summed = record["figures"]
        result = Result(
            record["name"],
            record["own"],
            record["questions"],
            record["system"],
            tuple(_row(row, record) for row in record["rows"]),
            record["run"],
        )
        read = Figures(
            _read_estimates(summed["all"]),
            {name: _read_estimates(one) for name, one in summed["by_lang"].items()},
            {name: _read_estimates(one) for name, one in summed["by_kind"].items()},
            [Point(*point) for point in summed["reliability"]],
            [Point(*point) for point in summed["risk_coverage"]],
        )
    except FileNotFoundError:
        raise QAError(f"there is no report {file}", "qa eval --name NAME writes one") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise QAError(f"{file} is no report: {error!r}", "qa eval writes it anew") from None
    return Report(result, read)


def _read_estimates(record: Mapping[str, Mapping[str, Any]]) -> dict[str, Estimate]:
    return {
        name: Estimate(_read_number(one["value"]), _read_number(one["low"]), _read_number(one["high"]), one["n"])
        for name, one in record.items()
    }


def _read_number(value: float | None) -> float:
    return float("nan") if value is None else value


def _row(record: Mapping[str, Any], names: Mapping[str, Any]) -> Row:
    scores = zip(names["score_names"], record["scores"], strict=True)
    ranks = {
        name: {
            level: Ranked(tuple(found[1:]), found[0])
            for level, found in zip(names["levels"], levels, strict=True)
            if found is not None
        }
        for name, levels in zip(names["rankings"], record["ranks"], strict=True)
    }
    return Row(
        id=record["id"],
        lang=record["lang"],
        kind=record["kind"],
        answerable=record["answerable"],
        answered=record["answered"],
        confidence=record["confidence"],
        scores={name: score for name, score in scores if score is not None},
        right=record["right"],
        ranks={name: levels for name, levels in ranks.items() if levels},
        question=record.get("question"),
        expected=tuple(tuple(options) for options in record.get("expected", ())),
        quotes=tuple(Quote(**one) for one in record.get("quotes", ())),
    )


def tables(report: Report) -> list[Table]:
    """What a report shows as tables, in order."""
    found = [_retrieval(report.figures, level) for level in LEVELS]
    found.append(_answers(report.figures))
    found += [
        _groups("By language", report.figures.by_lang),
        _groups("By kind of question", report.figures.by_kind),
        _cost(report.result.run),
    ]
    return [table for table in found if table.rows]


def _retrieval(summed: Figures, level: str) -> Table:
    rows = [
        (name, *(shown(summed.all.get(f"{name}/{level}/{measure}")) for measure in RANKING_MEASURES))
        for name in rankings_of(summed.all)
        if f"{name}/{level}/nDCG@10" in summed.all
    ]
    note = {
        "passage": "Relevant is the passage that holds the evidence.",
        "article": "An article ranks where its best passage does.",
    }[level]
    return Table(f"Retrieval by {level}", note, ("ranking", *RANKING_MEASURES), tuple(rows))


def _answers(summed: Figures) -> Table:
    known = {**MEASURES, **SET_MEASURES}
    rows = [
        (name, shown(summed.all[name]), str(summed.all[name].n), meaning)
        for name, meaning in known.items()
        if name in summed.all
    ]
    note = "In brackets the 95 % bootstrap interval over questions."
    return Table("Answers", note, ("measure", "value", "questions", "what it is"), tuple(rows))


def _groups(title: str, groups: Mapping[str, Mapping[str, Estimate]]) -> Table:
    measures = ("correct", "first", "found", "quote precision", "answered", "abstained", "hybrid/passage/nDCG@10")
    rows = [
        (
            name,
            str(one["correct"].n),
            *(f"{one[key].value:.3f}" if key in one else "-" for key in measures),
        )
        for name, one in groups.items()
    ]
    return Table(title, "", ("", "questions", *measures), tuple(rows))


def _cost(run: Mapping[str, Any]) -> Table:
    machine = run["machine"]
    rows = [
        ("building the index", f"{run['build_seconds']} s, {run['chunks_per_second']} passages a second"),
        ("index on disk", f"{run['index_bytes'] / 1e6:.1f} MB"),
        ("peak memory of the run", f"{run['peak_memory_mb']} MB"),
        *(
            (f"a question, {stage}", f"p50 {took['p50']} ms, p95 {took['p95']} ms")
            for stage, took in run["latency_ms"].items()
        ),
    ]
    note = f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}. Differs from run to run."
    return Table("Cost", note, ("", ""), tuple(rows))


def shown(one: Estimate | None) -> str:
    """A figure with its interval."""
    if one is None or math.isnan(one.value):
        return "-"
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def outcome(row: Row) -> str:
    """How a question went, in words."""
    if row.answered:
        if not row.answerable:
            return "answered what the articles do not say"
        return "right" if row.scores["correct"] else "quoted something else"
    if not row.answerable:
        return "rightly silent"
    return "silent, though right quotes were found" if row.right else "silent, and found nothing right"


def expectation(row: Row) -> str:
    """What the quotes had to hold, in one line."""
    if not row.answerable:
        return "silence"
    return "; ".join(" / ".join(options) for options in row.expected) or "-"


def markdown(report: Report) -> str:
    """The report as Markdown, without texts that are not this project's own."""
    result = report.public.result
    lines = [f"# {result.name}", "", summary_line(report), ""]
    for table in tables(report):
        lines += [f"## {table.title}", ""]
        lines += [table.note, ""] if table.note else []
        lines += [_md_row(table.head), "|" + "---|" * len(table.head), *map(_md_row, table.rows), ""]
    worst = misses(result.rows, MISSES)
    if worst:
        lines += [f"## The {len(worst)} worst misses", ""]
    for row in worst:
        lines.append(f"- **{_md(row.question or row.id)}** ({row.lang}, {_md(row.kind)}): {outcome(row)}")
        if row.question is not None:
            lines.append(f"  - expected: {_md(expectation(row))}")
            lines += [f"  - {'shown' if row.answered else 'held back'}: {_md(one.text)}" for one in row.quotes]
    return "\n".join(lines).rstrip() + "\n"


def summary_line(report: Report) -> str:
    """What was asked of what, in a sentence."""
    about, recipe = report.result.questions, report.result.system["recipe"]
    encoder = recipe["encoder_name"] if isinstance(recipe, Mapping) else ""
    return (
        f"{about['questions']} questions ({about['answerable']} answerable) over {about['articles']} articles in "
        f"{about['chunks']} passages; article-qa {report.result.system['version']}, encoder {encoder}."
    )


def comparison_table(compared: Mapping[str, Compared], names: tuple[str, str]) -> Table:
    """Two runs side by side; a difference inside the noise is called that."""
    rows = [
        (
            measure,
            f"{one.a:.3f}",
            f"{one.b:.3f}",
            f"{one.difference.value:+.3f}",
            f"{one.p:.3f}",
            _verdict(one),
        )
        for measure, one in compared.items()
    ]
    note = "Approximate randomisation over the questions of both, Holm's correction over the measures."
    return Table("Comparison", note, ("measure", *names, "difference", "p", ""), tuple(rows))


def _verdict(one: Compared) -> str:
    if one.difference.value == 0:
        return "same"
    if not one.significant:
        return "inside the noise"
    return "better" if one.difference.value > 0 else "worse"


def changed(a: Report, b: Report) -> list[tuple[Row, Row]]:
    """Questions of both runs that went right in one of them only, those that got worse first."""
    before = {row.id: row for row in a.result.rows}
    pairs = [(before[row.id], row) for row in b.result.rows if row.id in before]
    moved = [(old, new) for old, new in pairs if old.scores["correct"] != new.scores["correct"]]
    return sorted(moved, key=lambda pair: (pair[1].scores["correct"], pair[1].id))


def _md_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_md, cells))} |"


def _md(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    line = " ".join(text.split())
    for mark in ("\\", "|", "*", "_", "`", "<", "["):
        line = line.replace(mark, f"\\{mark}")
    return line
