"""Steps of the distillation: material, targets, and losses of the four kinds."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the train extra is not installed")

import torch
from hypothesis import given
from hypothesis import strategies as st

from qa.train.batches import MAX_PIECES
from qa.train.bert import Bert, padded, pooled
from qa.train.pairs import Line, Parallel
from qa.train.passages import Window
from qa.train.steps import (
    AGREEMENT,
    DISTANCE,
    KINDS,
    MISMATCH,
    QUESTION_WEIGHT,
    SAME,
    TEMPERATURE,
    Learner,
    line_targets,
    prepare,
    span_means,
    vectors,
)
from tests.bilingual import DICTIONARY, ENGLISH, GERMAN, parallel, sentences, tokenizer_of, write_student, write_teacher

pytestmark = pytest.mark.usefixtures("one_thread")


BUDGET = 600
#: Squared distance of vectors that are the same but for bf16; the largest seen is 0.0002.
NOTHING = 1e-3


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return Bert(write_teacher(tmp_path_factory.mktemp("bert") / "teacher")).requires_grad_(requires_grad=False)


@pytest.fixture
def student(tmp_path):
    return Bert(write_student(tmp_path / "student"))


ENGLISH_ONLY, BOTH = tokenizer_of(ENGLISH), tokenizer_of([*ENGLISH, *GERMAN])


def learner(student, teacher, texts=None, *, tokenizer=BOTH, seed=1, budget=BUDGET):
    material = prepare(texts or parallel(), tokenizer, ENGLISH_ONLY)
    targets = line_targets(teacher, material, BUDGET)
    return Learner(student, teacher, material, targets, tokenizer=tokenizer, budget=budget, seed=seed)


def in_english_twice():
    """Lines whose translation is the line itself."""
    lines = tuple(Line((english,), (english,)) for english, _ in sentences(60))
    return Parallel((lines,), tuple(Line((word,), (word,)) for word, _ in DICTIONARY))


def test_material_knows_the_texts_of_each_line():
    documents = (
        (Line(("the river",), ("die fluss", "fluss")), Line(("why ?", "why the ?"), ("warum ?",))),
        (Line(("the judge",), ("die richter",)),),
    )
    material = prepare(Parallel(documents, (Line(("judge",), ("richter",)),)), BOTH, ENGLISH_ONLY)
    assert material.texts["en"] == ["the river", "why ?", "why the ?", "the judge", "judge"]
    assert material.texts["de"] == ["die fluss", "fluss", "warum ?", "die richter", "richter"]
    assert material.wordings["en"].starts.tolist() == [0, 1, 3, 4, 5]
    assert material.wordings["de"].starts.tolist() == [0, 2, 3, 4, 5]
    assert material.lines == 3
    assert material.documents == (range(2), range(2, 3))
    assert material.weights.tolist() == [1, QUESTION_WEIGHT, 1, 2**0.5]
    for at, text in enumerate(material.texts["de"]):
        assert material.pieces["de"].marked(at) == BOTH.encode(text).ids
    for at, text in enumerate(material.texts["en"]):
        assert material.taught.marked(at) == ENGLISH_ONLY.encode(text).ids


def test_vectors_come_in_the_order_asked_for_whatever_the_budget(teacher):
    pieces = prepare(parallel(20), BOTH, ENGLISH_ONLY).taught
    chosen = [7, 0, 19, 7, 3, 12]
    alone = np.concatenate([pooled(teacher(*padded([pieces.marked(at)]))).numpy() for at in chosen])
    for budget in (1, 40, 10_000):
        assert np.abs(vectors(teacher, pieces, chosen, budget) - alone).max() < 0.01
    assert vectors(teacher, pieces, [], 10).shape == (0, teacher.width)


def test_a_target_is_the_mean_over_the_first_two_wordings(teacher):
    english = [pair[0] for pair in sentences(4)]
    documents = ((Line((english[0],), ("x",)), Line(tuple(english[1:]), ("x",))),)
    material = prepare(Parallel(documents, ()), BOTH, ENGLISH_ONLY)
    targets = line_targets(teacher, material, BUDGET)
    one, two, three, _ = vectors(teacher, material.taught, range(4), BUDGET)
    mean = (two + three) / np.linalg.norm(two + three)
    assert targets.dtype == np.float16
    assert np.abs(targets.astype(np.float32) - [one, mean]).max() < 0.01


def test_losses_of_every_kind_are_finite_and_teach_layers_and_rows(student, teacher):
    learning = learner(student, teacher)
    names: dict[str, set[str]] = {}
    for step in range(40):
        losses = learning.losses(step)
        names.setdefault(learning.kind(step), set()).update(losses)
        total = torch.stack(list(losses.values())).sum()
        assert torch.isfinite(total)
        assert min(float(loss.detach()) for loss in losses.values()) > -NOTHING
        total.backward()
        assert student.rows.grad is not None
        assert all(torch.isfinite(weight.grad).all() for weight in student.weights.values())
        student.zero_grad()
    texts = ("german", "english", "entries")
    assert names == {
        **{kind: {f"{kind}_distance", f"{kind}_agreement"} for kind in texts},
        "passages": {"passages_distance", "passages_agreement", "passages_spans", "passages_found"},
    }
    assert all(weight.grad is None for weight in teacher.weights.values())


def test_a_student_that_is_the_teacher_is_nowhere_off_in_english(teacher):
    learning = learner(teacher, teacher, in_english_twice(), tokenizer=ENGLISH_ONLY)
    seen = set()
    for step in range(40):
        losses = learning.losses(step)
        seen |= set(losses)
        assert all(abs(float(loss)) < NOTHING for name, loss in losses.items() if name.endswith(("distance", "spans")))
    assert {"english_distance", "german_distance", "entries_distance", "passages_distance", "passages_spans"} <= seen


def test_a_student_without_the_words_is_farther_off_than_one_that_half_knows_them(teacher, tmp_path):
    sums = []
    for knows in (0.0, 0.5, 1.0):
        learning = learner(Bert(write_student(tmp_path / str(knows), knows=knows)), teacher)
        found: Counter[str] = Counter()
        with torch.no_grad():
            for step in range(20):
                found.update({name: float(loss) for name, loss in learning.losses(step).items()})
        sums.append(found)
    for name in ("entries_distance", "entries_agreement", "passages_distance", "passages_spans", "passages_found"):
        assert sums[0][name] > sums[1][name] > sums[2][name], name
    assert sums[2]["german_distance"] < 0.05 < sums[1]["german_distance"]


def unit(*rows):
    values = torch.tensor(rows, dtype=torch.float32)
    return values / values.norm(dim=1, keepdim=True)


def test_lines_that_seem_mistranslated_are_not_drawn_to_their_targets(student, teacher):
    learning = learner(student, teacher)
    target = torch.eye(3, 4)
    found = unit([1, 0, 0, 0.5], [0, 0, 0, 1], [0, 0.1, 0.3, 1])
    cosines = (found * target).sum(1)
    assert (cosines > MISMATCH).tolist() == [True, False, False]
    wary = learning._match(found, target, "german", trust=False)
    trusting = learning._match(found, target, "entries", trust=True)
    assert float(wary["german_distance"]) == pytest.approx(DISTANCE * (2 - 2 * float(cosines[0])))
    assert float(trusting["entries_distance"]) == pytest.approx(DISTANCE * float((2 - 2 * cosines).mean()))
    none = learning._match(-target, target, "german", trust=False)
    assert {name: float(loss) for name, loss in none.items()} == {"german_distance": 0, "german_agreement": 0}


def test_lines_that_say_the_same_are_not_told_apart(student, teacher):
    learning = learner(student, teacher)
    target = unit([1, 0, 0], [1, 0.1, 0], [0, 0, 1])
    losses = learning._match(target, target, "english", trust=True)
    assert float(losses["english_agreement"]) < 1e-4
    other = unit([1, 0, 0], [1, 0.6, 0], [0, 0, 1])
    assert float((other[0] * other[1]).sum()) < SAME
    # Cosine 0.857, so that both miss by the same: log(1 + exp(-(1 - cosine) / temperature)), in both directions.
    miss = np.log1p(np.exp(-(1 - 1 / np.hypot(1, 0.6)) / TEMPERATURE))
    found = learning._match(other, other, "english", trust=True)
    assert float(found["english_agreement"]) == pytest.approx(AGREEMENT * 2 * (2 * miss / 3), rel=1e-3)


def test_the_kind_of_a_step_depends_on_seed_and_number_alone(student, teacher):
    one, two = learner(student, teacher, parallel(60)), learner(student, teacher, parallel(40, seed=3))
    kinds = [one.kind(step) for step in range(400)]
    one.losses(0)
    assert [two.kind(step) for step in reversed(range(400))] == kinds[::-1]
    assert [one.kind(step) for step in range(400)] == kinds
    other = learner(student, teacher, seed=2)
    assert [other.kind(step) for step in range(400)] != kinds


def test_kinds_come_as_often_as_they_should(student, teacher):
    for entries in (True, False):
        learning = learner(student, teacher, parallel(entries=entries))
        counts = Counter(learning.kind(step) for step in range(4_000))
        shares = KINDS if entries else {kind: share / 0.92 for kind, share in KINDS.items() if kind != "entries"}
        assert {kind: count / 4_000 for kind, count in counts.items()} == pytest.approx(shares, abs=0.025)


def test_after_a_skip_the_losses_are_those_of_the_step(student, teacher):
    whole, skipping = learner(student, teacher), learner(student, teacher)
    with torch.no_grad():
        earlier = [whole.losses(step) for step in range(12)]
        skipping.skip(9)
        later = [skipping.losses(step) for step in range(9, 12)]
    assert all(
        one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
        for one, two in zip(earlier[9:], later, strict=True)
    )


def test_passages_of_a_batch_keep_to_the_budget_and_to_one_language(student, teacher):
    learning = learner(student, teacher, budget=1_000)
    read: list[torch.Tensor] = []
    hook = student.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    german = []
    for step in range(80):
        read.clear()
        learning.losses(step)
        if learning.kind(step) == "passages":
            # Every line has one wording here, as long in both languages: what was planned is what is read.
            assert read[0].numel() <= 1_000
            assert read[0].shape[1] <= MAX_PIECES
            of_german = (read[0] >= BOTH.token_to_id(GERMAN[0])).any(1)
            german.append(bool(of_german.any()))
            assert german[-1] == bool(of_german.all())
    hook.remove()
    assert 0.4 < np.mean(german) < 0.9


def test_a_query_is_asked_in_either_language_about_its_line(student, teacher):
    learning = learner(student, teacher)
    openings = set(
        "what who when where why how many which did is does was wer wann wo warum wie viele welche hat ist liegt".split()
    )
    random = np.random.default_rng(0)
    told = []
    for line, (english, german) in enumerate(sentences(60) * 5):
        at = line % 60
        asked = set(learning._query(Window((at, at + 1), at, without=True), random).rstrip("?").split()) - openings
        assert asked <= set(english.split()) or asked <= set(german.split())
        told.append(asked <= set(english.split()))
    assert np.mean(told) == pytest.approx(0.5, abs=0.1)


@given(st.integers(1, 4), st.integers(1, 12), st.data())
def test_span_means_are_means_of_the_states_in_the_spans(size, length, data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    states = random.normal(size=(size, length, 5)).astype(np.float32)
    edges = st.tuples(st.integers(0, length), st.integers(0, length)).filter(lambda pair: pair[0] != pair[1])
    drawn = data.draw(st.lists(st.tuples(st.integers(0, size - 1), edges), min_size=1, max_size=6))
    spans = [(row, min(pair), max(pair)) for row, pair in drawn]
    means = np.stack([states[row, first:last].mean(0) for row, first, last in spans])
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(span_means(torch.from_numpy(states), spans).numpy(), expected, rtol=1e-2, atol=1e-3)
