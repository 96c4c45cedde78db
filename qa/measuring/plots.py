"""Plots as inline SVG, drawn by hand: the same bytes for the same figures, readable on light and dark pages.

Colours are classes (``s0`` … ``s4``, ``ink``, ``grid``) that the page's style sheet sets. Text is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from qa.metrics import Point

#: Size of a plot in units of its own, and what is left free around the axes.
WIDTH, HEIGHT = 640.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 14.0, 14.0, 44.0

#: Room for the names before horizontal bars and for what is written behind them, and the height of one.
_NAMES, _ENDS, _BAR = 170.0, 140.0, 22.0

#: Upper ends of an axis that the ticks divide into round numbers.
_SCALES = (0.1, 0.25, 0.5, 1.0)

#: Left of here a curve is the fate of a few questions.
_NOISY = 0.05

#: Colours that the style sheet knows.
SERIES = 5


def grouped_bars(label: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Bars from 0 to 1: a cluster a group (``de``), a bar a series (``hybrid``), its value written above."""
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    parts = [*_axes(), *_y_ticks()]
    inner = WIDTH - _LEFT - _RIGHT
    cluster = inner / max(1, len(groups))
    wide = min(46.0, cluster * 0.86 / max(1, len(names)))
    for place, (group, values) in enumerate(groups.items()):
        middle = _LEFT + cluster * (place + 0.5)
        for number, name in enumerate(names):
            if name not in values:
                continue
            left = middle + (number - len(names) / 2) * wide
            top = _y(values[name])
            parts.append(
                f'<rect class="s{number % SERIES}" x="{left + 1:.1f}" y="{top:.1f}" width="{wide - 2:.1f}" '
                f'height="{_y(0) - top:.1f}"><title>{escape(group)}, {escape(name)}: {values[name]:.3f}</title></rect>'
            )
            parts.append(_text(left + wide / 2, top - 3, f"{values[name]:.2f}"[1 if values[name] < 1 else 0 :], "mid"))
        parts.append(_text(middle, HEIGHT - _BOTTOM + 16, group, "mid"))
    return _svg(label, parts) + legend(names)


def curve(label: str, points: Sequence[Point], x_name: str, y_name: str) -> str:
    """A line over the unit square, its height fitted to what lies right of `_NOISY`; what is higher is cut."""
    scale = next(scale for scale in _SCALES if scale >= max([point.y for point in points if point.x > _NOISY] + [0.0]))
    parts = [*_axes(), *_y_ticks(scale), *_x_ticks(), *_axis_names(x_name, y_name)]
    path = " ".join(f"{_x(point.x):.1f},{_y(min(1.0, point.y / scale)):.1f}" for point in points)
    parts.append(f'<polyline class="l0" points="{path}"/>')
    return _svg(label, parts)


def reliability_plot(label: str, points: Sequence[Point], x_name: str, y_name: str) -> str:
    """Dots that lie on the diagonal where the confidence is right; a larger dot stands for more questions."""
    parts = [*_axes(), *_y_ticks(), *_x_ticks(), *_axis_names(x_name, y_name)]
    parts.append(f'<line class="diagonal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>')
    most = max([point.n for point in points] + [1])
    for point in points:
        size = 3 + 5 * (point.n / most) ** 0.5
        title = f"<title>confidence {point.x:.3f}, share {point.y:.3f}, {point.n} questions</title>"
        place = f'cx="{_x(point.x):.1f}" cy="{_y(point.y):.1f}" r="{size:.1f}"'
        parts.append(f'<circle class="s0" {place}>{title}</circle>')
    return _svg(label, parts)


def stacked_bars(label: str, groups: Mapping[str, Mapping[str, float]], ends: Mapping[str, str]) -> str:
    """Horizontal bars: a row a group, its parts side by side, ``ends`` written behind them."""
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    longest = max([sum(values.values()) for values in groups.values()] + [1e-9])
    height = _BAR * len(groups) + 8
    parts = []
    for place, (group, values) in enumerate(groups.items()):
        top, left = 4 + place * _BAR, _NAMES
        parts.append(_text(_NAMES - 8, top + _BAR * 0.68, group, "end"))
        for number, name in enumerate(names):
            wide = values.get(name, 0.0) / longest * (WIDTH - _NAMES - _ENDS)
            if wide:
                title = f"{escape(group)}, {escape(name)}: {values[name]:g}"
                parts.append(
                    f'<rect class="s{number % SERIES}" x="{left:.1f}" y="{top + 3:.1f}" width="{wide:.1f}" '
                    f'height="{_BAR - 6:.1f}"><title>{title}</title></rect>'
                )
            left += wide
        parts.append(_text(left + 6, top + _BAR * 0.68, ends.get(group, "")))
    return _svg(label, parts, height) + legend(names)


def legend(names: Sequence[str]) -> str:
    """What the colours stand for."""
    marks = "".join(
        f'<li><span class="mark s{number % SERIES}"></span>{escape(name)}</li>' for number, name in enumerate(names)
    )
    return f'<ul class="legend">{marks}</ul>'


def _svg(label: str, parts: Sequence[str], height: float = HEIGHT) -> str:
    body = "\n".join(parts)
    return (
        f'<svg role="img" aria-label="{escape(label, quote=True)}" viewBox="0 0 {WIDTH:g} {height:g}" '
        f'xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n'
    )


def _x(value: float) -> float:
    return _LEFT + value * (WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return HEIGHT - _BOTTOM - value * (HEIGHT - _TOP - _BOTTOM)


def _axes() -> list[str]:
    return [f'<line class="axis" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(0)}"/>']


def _y_ticks(scale: float = 1.0) -> list[str]:
    parts = []
    for step in range(6):
        height = _y(step / 5)
        parts.append(f'<line class="grid" x1="{_x(0)}" y1="{height:.1f}" x2="{_x(1)}" y2="{height:.1f}"/>')
        parts.append(_text(_LEFT - 8, height + 4, f"{step / 5 * scale:.2g}", "end"))
    return parts


def _x_ticks() -> list[str]:
    return [_text(_x(step / 5), HEIGHT - _BOTTOM + 16, f"{step / 5:.1f}", "mid") for step in range(6)]


def _axis_names(x_name: str, y_name: str) -> list[str]:
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    return [
        _text(_x(0.5), HEIGHT - 8, x_name, "mid"),
        f'<text class="ink mid" transform="translate(13 {middle:.1f}) rotate(-90)">{escape(y_name)}</text>',
    ]


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text class="ink {anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
