"""Whatever stands in a file, a setting, a question or a request: it is read, or refused in one line, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import BadFileError
from qa.measuring.datasets import load_dataset
from qa.measuring.questions import QuestionsError
from qa.reading.clean import clean
from tests.fuzzing import LIMIT_S, Target, all_targets, attack, limited

#: Inputs of each target: in every run, and in the slow one, which has 25,000 in all.
FEW = {"question": 12, ".html": 20, ".pdf": 20}
MANY = {
    ".md": 3000,
    ".txt": 3000,
    ".html": 1500,
    ".pdf": 2000,
    "questions": 2000,
    "SQuAD": 1500,
    "OMoS-QA": 1500,
    "BEIR-corpus.jsonl": 1000,
    "BEIR-queries.jsonl": 1000,
    "BEIR-qrels/test.tsv": 1000,
    "qa.toml": 2000,
    "environment": 2000,
    "manifest": 1000,
    "keys": 1000,
    "floors": 500,
    "question": 1000,
    "body": 1500,
    "query": 800,
    "path": 800,
    "header": 800,
}


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return all_targets(tmp_path_factory.mktemp("fuzz"))


def test_every_target_has_its_numbers(targets: dict[str, Target]) -> None:
    assert set(targets) == set(MANY)
    assert sum(MANY.values()) >= 20_000


@pytest.mark.parametrize("name", MANY)
def test_a_few_damaged_inputs(targets: dict[str, Target], name: str) -> None:
    course = attack(targets[name], 0, FEW.get(name, 40))
    assert course.slowest_s < LIMIT_S


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_many_damaged_inputs(targets: dict[str, Target], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    course = attack(targets[name], 1000, MANY[name])
    with capsys.disabled():
        print(f"\n{name}: {course}")
    assert course.count == MANY[name]


# What was found that way, each once more.


@pytest.mark.parametrize(
    "line",
    [
        "& " * 70 + "¶$",
        "Foto: " + "& " * 70 + "$",
        "Foto: " + "A-" * 80 + "$",
        "https://a.de," * 15 + " x",
        "https://a.de," * 40 + " x",
        "@a,#b|" * 33 + "$",
        "AFP/dpa " * 20 + "$",
        "(" + "Von A und " * 18 + "$",
    ],
)
def test_no_line_keeps_the_cleaner_busy(line: str) -> None:
    with limited():
        assert clean(f"{line}\nEin Satz über den Hafen, der geschlossen bleibt.").text.endswith("bleibt.")


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 5000])
@pytest.mark.parametrize("name", ["q.json", "q.jsonl"])
def test_json_of_any_depth_is_refused_in_a_line(value: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(f'{{"data": {value}', encoding="utf-8")
    with pytest.raises(QuestionsError, match="nested too deeply"):
        load_dataset(tmp_path / name)


def test_limited_interrupts_what_runs_on() -> None:
    with pytest.raises(Exception, match=r"more than 5 s"), limited():
        while True:
            pass


def test_bad_files_have_reasons_in_text() -> None:
    assert str(BadFileError("\udcfa")).encode() == b"\\udcfa"
