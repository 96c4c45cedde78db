"""On a page of lines a quote is a stretch of them around the best one; prose is left as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer import FEATURES
from qa.chunks import quotable_spans
from qa.quoting.asked import read_asked
from qa.quoting.evidence import Evidence
from qa.quoting.lines import (
    AHEAD,
    COLUMNS,
    FEWEST,
    LINE_FEATURES,
    LINES,
    SHORT,
    LineModel,
    is_of_lines,
    line_features,
    line_table,
    with_lines,
)
from qa.quoting.runs import LONGEST
from qa.quoting.sources import BELONGS, choose
from qa.types import Article
from tests.fakes import article

ASKED = read_asked("Wer darf umsonst ins Bad?")
PAGE = [
    "Kinder bis zwölf kommen umsonst hinein.",
    "Eltern mit Pass zahlen die Hälfte.",
    "Preise und Zeiten",
    "Montags ist das Bad geschlossen.",
    "Bitte vorher anrufen.",
]
PROSE = "Das Bad ist alt. Kinder kommen umsonst hinein. Eltern zahlen mehr. Montags ist es zu."


def weighed(source: Article, logits: list[float]) -> list[Evidence]:
    return [Evidence(source, span, logit, 0) for span, logit in zip(quotable_spans(source), logits, strict=True)]


def columns(count: int) -> dict[str, np.ndarray]:
    return {name: np.linspace(0.0, 1.0, count) for name in COLUMNS}


def named(features: np.ndarray, name: str) -> list[float]:
    return features[:, LINE_FEATURES.index(name)].round(6).tolist()


def test_the_model_has_a_weight_for_each_feature_and_every_column_exists() -> None:
    assert tuple(LINES.weights) == LINE_FEATURES
    assert set(COLUMNS) <= set(FEATURES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n\n".join(PAGE), True),
        (PROSE, False),
        (PROSE.replace(". ", ".\n"), False),
        ("\n\n".join(PAGE[: FEWEST - 1]), False),
        ("\n\n".join(f"{'Wort ' * (SHORT // 5)}{n}." for n in range(FEWEST)), False),
    ],
)
def test_what_a_page_of_lines_is(text: str, expected: bool) -> None:
    source = article(text)
    assert is_of_lines(source, quotable_spans(source)) is expected


def test_prose_is_left_as_it_is_and_lines_keep_their_order_and_log_odds() -> None:
    lines = weighed(article("\n\n".join(PAGE), name="lines"), [1.0, -2.0, -3.0, -4.0])
    prose = weighed(article(PROSE, name="prose"), [0.5, 0.4, 0.3, 0.2])
    mixed = [part for pair in zip(lines, prose, strict=True) for part in pair][::-1]
    found = with_lines(ASKED, mixed, columns(len(mixed)), LineModel({"logit": 1.0}, 0.5))
    assert [replace(one, line=None) for one in found] == mixed
    assert [one for one in found if one.line is None] == prose[::-1]
    assert [one.line for one in found if one.line is not None] == [one.logit + 0.5 for one in lines[::-1]]


def test_features_of_lines() -> None:
    lines = weighed(article("\n\n".join(PAGE)), [1.0, -2.0, -3.0, -5.0])
    features = line_features(ASKED, lines, columns(4), 0.25)
    assert named(features, "logit") == [1.0, -2.0, -3.0, -5.0]
    assert named(features, "around") == [-0.5, -0.5, -4.0, -4.0], "a heading ends what stands around"
    assert named(features, "third") == [-3.0] * 4
    assert named(features, "distance") == np.log1p([0, 1, 3, 4]).round(6).tolist()
    assert named(features, "lines") == np.log([5.0] * 4).round(6).tolist()
    assert named(features, "ahead") == [0.25] * 4
    assert named(features, COLUMNS[0]) == np.linspace(0, 1, 4).round(6).tolist()


def test_how_far_a_page_is_ahead_of_the_others() -> None:
    first = weighed(article("\n\n".join(PAGE), name="a"), [1.0, -2.0, -3.0, -5.0])
    second = weighed(article("\n\n".join(PAGE), name="b"), [0.5, -2.0, -3.0, -5.0])
    prose = weighed(article(PROSE, name="c"), [-9.0] * 4)
    table = line_table(ASKED, [*first, *second, *prose], columns(12))
    assert list(table.places) == list(range(8))
    assert named(table.features, "ahead") == [0.5] * 4 + [-0.5] * 4
    assert named(line_table(ASKED, [*first, *prose], columns(8)).features, "ahead") == [AHEAD] * 4
    assert named(line_table(ASKED, first, columns(4)).features, "ahead") == [AHEAD] * 4


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Wie viel kostet der Eintritt?", "amount"),
        ("Where can I swim?", "place"),
        ("Gibt es ein Bad?", "yes_no"),
        ("Does it cost anything?", "yes_no"),
        ("Wer darf hinein?", None),
        ("", None),
    ],
)
def test_what_is_asked_for_is_a_feature(question: str, name: str | None) -> None:
    features = line_features(read_asked(question), weighed(article("\n\n".join(PAGE)), [0.0] * 4), columns(4), 9.0)
    for kind in ("amount", "place", "yes_no"):
        assert named(features, kind) == [float(kind == name)] * 4


LINE = st.sampled_from(
    ["Kinder zahlen nichts.", "Eltern zahlen viel.", "Hunde dürfen nicht mit.", "Wort " * 40 + "aus."]
)
PAGES = st.lists(st.tuples(LINE, st.floats(-4, 2), st.floats(-4, 2), st.booleans()), min_size=1, max_size=14)


def page(drawn: list[tuple[str, float, float, bool]]) -> list[Evidence]:
    """Weighed lines, best first; the last value says whether a heading stands before the line."""
    parts = [part for n, (line, _, _, head) in enumerate(drawn) for part in [*["Rund ums Bad"] * head, f"{n} {line}"]]
    source = article("\n\n".join(parts))
    lines = [
        replace(one, logit=logit, line=belongs)
        for one, (_, logit, belongs, _) in zip(weighed(source, [0.0] * len(drawn)), drawn, strict=True)
    ]
    return sorted(lines, key=lambda one: -one.logit)


@given(PAGES, st.integers(1, 6))
def test_a_stretch_is_whole_neighbouring_lines_around_its_best_one(drawn: list, top: int) -> None:
    evidence = page(drawn)
    text = evidence[0].article.text
    by_span = {one.span: one for one in evidence}
    chosen = choose(ASKED, evidence, top)
    assert chosen[0].evidence is evidence[0], "the best line is quoted whatever its neighbours are"
    for one in chosen:
        held = [span for span in by_span if one.span.start <= span.start and span.end <= one.span.end]
        assert one.evidence.span in held
        assert one.span.of(text).split("\n\n") == [span.of(text) for span in sorted(held, key=lambda s: s.start)]
        assert top > 1 or len(held) == 1 or one.span.end - one.span.start <= LONGEST
        assert all((by_span[span].line or 0.0) >= BELONGS for span in held if span != evidence[0].span)


@given(PAGES, st.floats(0, 3))
def test_a_lower_bound_never_makes_a_stretch_shorter(drawn: list, by: float) -> None:
    evidence = page(drawn)
    [narrow] = choose(ASKED, evidence, 1)
    [wide] = choose(ASKED, [replace(one, line=(one.line or 0.0) + by) for one in evidence], 1)
    assert wide.span.start <= narrow.span.start
    assert narrow.span.end <= wide.span.end


@given(st.lists(st.floats(-8, 2), min_size=4, max_size=4))
def test_quotes_of_prose_do_not_depend_on_the_lines_of_another_page(logits: list[float]) -> None:
    prose = weighed(article(PROSE, name="prose"), logits)
    best = max(one.logit for one in prose)
    lines = weighed(article("\n\n".join(PAGE), name="lines"), [best - 5] * 4)
    together = with_lines(ASKED, [*prose, *lines], columns(8))
    alone = choose(ASKED, sorted(prose, key=lambda one: -one.logit), 4)
    assert choose(ASKED, sorted(together, key=lambda one: -one.logit), 4) == alone
