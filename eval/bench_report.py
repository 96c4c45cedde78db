"""What `eval.bench` measured, as a table and as plots that show the growth."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from eval.encoder_speed import markdown_table

#: Steps of building that `eval.bench_build` times, and what the table calls them.
BUILDING = {
    "chunk": "cut into passages",
    "corpus": "texts written",
    "words": "BM25",
    "dense": "vector index",
    "checksums": "checksums",
}
STAGES = {
    "encode": "encode the question",
    "dense": "vectors",
    "lexical": "BM25",
    "pieces": "vectors of sentences and word pieces read, compared",
    "words": "words of passages compared",
    "fuse": "fused, the best passages read",
    "search": "**search in all, without encoding**",
    "evidence": "evidence",
    "whole": "**whole answer**",
}

WIDTH, HEIGHT = 640, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 150, 34, 46
_COLOURS = ("#2563eb", "#dc2626", "#16a34a", "#9333ea", "#d97706", "#0891b2", "#64748b")
_STYLE = (
    "text{font:12px sans-serif;fill:#334155}.g{stroke:#cbd5e1;stroke-width:1}polyline{fill:none;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#cbd5e1}.g{stroke:#475569}}"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One size: what `eval.bench_build` and `eval.bench_search` wrote."""

    size: int
    built: dict[str, Any]
    searched: dict[str, Any]

    @classmethod
    def read(cls, folder: Path, size: int) -> Row:
        """The figures of a size in a cache folder."""
        files = folder / f"{size}.json", folder / f"{size}.search.json"
        return cls(size, *(json.loads(file.read_text(encoding="utf-8")) for file in files))

    def rate(self, stage: str) -> float:
        """Chunks a second in a step of building."""
        return float(self.built["chunks"] / max(self.built["seconds"].get(stage, 0.0), 1e-9))

    def stage(self, name: str, share: str) -> float | None:
        """Milliseconds (``p50``, ``p95``) of a stage of answering, where it was measured."""
        spread = self.searched["stages"].get(name)
        return None if spread is None else float(spread[share])

    @property
    def index_mb(self) -> float:
        """Megabytes on the disk."""
        return float(sum(self.searched["index_mb"].values()))


def table(rows: Sequence[Row], embedding: float) -> str:
    """The figures of all sizes; ``embedding`` is chunks a second of the bundled encoder with their sentences."""
    lines: list[list[str]] = [
        ["sentences", *(_count(row.built["sentences"]) for row in rows)],
        ["vectors made up", *(f"{row.built['composed'] / row.built['chunks']:.0%}" for row in rows)],
        ["**Building**, chunks a second: embedding", *(f"{embedding:.1f}" for _ in rows)],
    ]
    lines += [[f"· {name}", *(f"{row.rate(stage):,.0f}" for row in rows)] for stage, name in BUILDING.items()]
    lines.append(["· memory at most, MB", *(f"{row.built['peak_mb']:,.0f}" for row in rows)])
    lines.append(["**On the disk**, MB", *(f"{row.index_mb:,.1f}" for row in rows)])
    lines.append(["· bytes a chunk", *(f"{row.index_mb * 2**20 / row.built['chunks']:,.0f}" for row in rows)])
    for name, title in (("load_s", "**Loading**, s"), ("own_mb", "· memory, MB"), ("resident_mb", "· with files, MB")):
        lines.append([title, *(f"{row.searched[name]:,.2f}".removesuffix(".00") for row in rows)])
    for stage, name in STAGES.items():
        lines.append([f"{name}, p50 / p95 ms", *(_cell(row, stage) for row in rows)])
    for kind in (name for name in rows[0].searched["stages"] if name.startswith("search: ")):
        lines.append([f"· {kind}, p50 / p95 ms", *(_cell(row, kind) for row in rows)])
    for kind in rows[0].searched["recall"]:
        lines.append([f"recall@10, {kind.removeprefix('search: ')}", *(_number(row, kind) for row in rows)])
    for lang, name in (("de", "German"), ("en", "English")):
        cells = (" / ".join(f"{share:.3f}" for share in row.searched["right"][lang]) for row in rows)
        lines.append([f"right article first, {name}: as shipped / exact", *cells])
    return markdown_table(("chunks", *(f"{row.size:,}" for row in rows)), lines)


def _count(number: int) -> str:
    return f"{number:,}" if number else "none"


def _cell(row: Row, stage: str) -> str:
    p50, p95 = row.stage(stage, "p50"), row.stage(stage, "p95")
    return "" if p50 is None or p95 is None else f"{p50:.1f} / {p95:.1f}"


def _number(row: Row, kind: str) -> str:
    return f"{row.searched['recall'][kind]:.3f}"


def plots(rows: Sequence[Row]) -> dict[str, str]:
    """SVG by file name."""
    stages = {name.strip("*"): stage for stage, name in STAGES.items() if stage != "fuse"}
    times = {name: [(row.size, row.stage(stage, "p95")) for row in rows] for name, stage in stages.items()}
    rates = {name: [(row.size, row.rate(stage)) for row in rows] for stage, name in BUILDING.items()}
    sizes: dict[str, list[tuple[int, float | None]]] = {
        "index on the disk": [(row.size, row.index_mb) for row in rows],
        "memory with files": [(row.size, row.searched["resident_mb"]) for row in rows],
        "memory of its own": [(row.size, row.searched["own_mb"]) for row in rows],
    }
    return {
        "bench-question.svg": plot("One question, p95, ms", times),
        "bench-building.svg": plot("Building, chunks a second", rates),
        "bench-space.svg": plot("Space, MB", sizes),
    }


def plot(title: str, series: Mapping[str, Sequence[tuple[int, float | None]]]) -> str:
    """Lines over chunks, both axes logarithmic; points that are None or 0 are left out."""
    known = {name: [(x, y) for x, y in points if y] for name, points in series.items()}
    known = {name: points for name, points in known.items() if points}
    every = [point for points in known.values() for point in points]
    across = _Scale([x for x, _ in every], _LEFT, WIDTH - _RIGHT)
    up = _Scale([y for _, y in every], HEIGHT - _BOTTOM, _TOP)
    parts = [f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
    for x in across.powers:
        at = across(x)
        parts.append(f'<line class="g" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">{x:,.0f}</text>')
    for y in up.powers:
        at = up(y)
        parts.append(f'<line class="g" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{y:,g}</text>')
    parts.append(f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">chunks</text>')
    for number, (name, points) in enumerate(known.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" stroke="{colour}"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        at = _TOP + 14 + 18 * number
        parts.append(f'<rect x="{WIDTH - _RIGHT + 10}" y="{at - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - _RIGHT + 25}" y="{at}">{escape(name)}</text>')
    body = "\n".join(parts)
    view = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}><style>{_STYLE}</style>\n{body}\n</svg>\n'


class _Scale:
    """Values to places on a logarithmic axis that begins and ends with a power of ten."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self._low, self._high = low, max(high, low + 1)
        self._start, self._end = start, end
        self.powers = [10.0**power for power in range(self._low, self._high + 1)]

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)
