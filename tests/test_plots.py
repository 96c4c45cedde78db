"""Plots and the page: well-formed, deterministic, escaped, and nothing from elsewhere."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from qa.measuring.judge import Quote
from qa.measuring.plots import SERIES, curve, grouped_bars, legend, reliability_plot, stacked_bars
from qa.measuring.report import Report
from qa.measuring.report_page import page
from qa.metrics import Point
from tests.evalset import row
from tests.test_report import report  # noqa: F401 - a fixture

EVIL = "<script>alert('x')</script> & \"more\""
SPACE = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> ET.Element:
    return ET.fromstring(re.sub(r"<ul.*", "", svg, flags=re.DOTALL))  # noqa: S314 - drawn by ourselves


def texts(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SPACE}text")]


def test_bars_are_as_high_as_their_values() -> None:
    root = parse(grouped_bars("x", {"de": {"hybrid": 0.5, "dense": 1.0}, "en": {"hybrid": 0.25}}))
    heights = [float(one.attrib["height"]) for one in root.iter(f"{SPACE}rect")]
    assert heights == pytest.approx([heights[1] / 2, heights[1], heights[1] / 4], abs=0.1)
    assert {".50", "1.00", ".25", "de", "en"} <= set(texts(root))


def test_parts_of_a_bar_are_as_long_as_their_values() -> None:
    root = parse(
        stacked_bars("x", {"who": {"a": 3.0, "b": 1.0}, "why": {"a": 0.0, "b": 2.0}}, {"who": "4", "why": "2"})
    )
    widths = [float(one.attrib["width"]) for one in root.iter(f"{SPACE}rect")]
    assert widths == pytest.approx([widths[1] * 3, widths[1], widths[1] * 2], abs=0.2)
    assert texts(root) == ["who", "4", "why", "2"]


def test_curves_and_dots_hold_every_point() -> None:
    points = [Point(0.2, 0.1, 5), Point(0.6, 0.2, 10), Point(1.0, 0.25, 20)]
    line = parse(curve("x", points, "a", "b")).find(f"{SPACE}polyline")
    assert line is not None
    assert len(line.attrib["points"].split()) == 3
    assert len(list(parse(reliability_plot("x", points, "a", "b")).iter(f"{SPACE}circle"))) == 3


def test_the_few_questions_at_the_start_of_a_curve_do_not_set_its_scale() -> None:
    root = parse(curve("x", [Point(0.01, 1.0, 1), Point(0.5, 0.1, 50), Point(1.0, 0.2, 100)], "a", "b"))
    line = root.find(f"{SPACE}polyline")
    assert line is not None
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert "0.25" in texts(root)
    assert heights[0] < heights[2] < heights[1]


def test_nothing_at_all_is_drawn_without_failing() -> None:
    for svg in (
        grouped_bars("x", {}),
        curve("x", [], "a", "b"),
        reliability_plot("x", [], "a", "b"),
        stacked_bars("x", {}, {}),
    ):
        parse(svg)


def test_plots_are_the_same_every_time() -> None:
    draw = [grouped_bars("x", {"de": {"hybrid": 1 / 3}}) for _ in range(2)]
    assert draw[0] == draw[1]


def test_names_are_escaped() -> None:
    for svg in (
        grouped_bars(EVIL, {EVIL: {EVIL: 0.5}}),
        stacked_bars(EVIL, {EVIL: {EVIL: 0.5}}, {EVIL: EVIL}),
        curve(EVIL, [Point(0, 0, 1)], EVIL, EVIL),
        reliability_plot(EVIL, [Point(0, 0, 1)], EVIL, EVIL),
        legend([EVIL]),
    ):
        assert "<script" not in svg
    assert EVIL in texts(parse(stacked_bars("x", {EVIL: {"a": 1.0}}, {})))


def test_every_colour_has_its_style(report: Report) -> None:  # noqa: F811
    style = page(report).split("</style>")[0]
    assert all(f".s{number} " in style for number in range(SERIES))


def test_the_page_loads_nothing(report: Report) -> None:  # noqa: F811
    text = page(report)
    addresses = set(re.findall(r"https?://[^\"'\s<]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|\ssrc=|url\(|@import", text)
    assert "default-src 'none'" in text


def test_the_page_shows_all_plots_and_tables(report: Report) -> None:  # noqa: F811
    text = page(report)
    assert text.count("<svg") == text.count("<figure>")
    for heading in ("nDCG@10", "Risk and coverage", "Reliability", "Time of a question", "Answers", "Cost"):
        assert heading in text


def test_what_articles_and_questions_hold_stays_text(report: Report) -> None:  # noqa: F811
    bad = replace(
        row("x", right=False, kind=EVIL, question=EVIL),
        expected=((EVIL,),),
        quotes=(Quote("a", 0, 3, EVIL, False),),
    )
    text = page(Report.of(replace(report.result, name=EVIL, rows=(bad, row("y")))))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 5
