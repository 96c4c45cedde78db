"""Reports as files: read back as they were written, small, and without texts that are not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qa.config import Settings
from qa.errors import QAError
from qa.evaluate import evaluate, prepare
from qa.measuring.figures import compare
from qa.measuring.report import (
    Report,
    changed,
    comparison_table,
    markdown,
    outcome,
    read_report,
    tables,
    to_record,
    write_report,
)
from qa.measuring.report_page import page
from tests.evalset import SET, row
from tests.fakes import WordEncoder


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    encoder = WordEncoder()
    prepared = prepare(SET, Settings(chunk_words=20), encoder, cache=tmp_path_factory.mktemp("cache"))
    return Report.of(evaluate(prepared, encoder, top=2))


def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path / "r", "<html></html>")
    read = read_report(tmp_path / "r")
    assert read.result.rows == report.result.rows
    assert to_record(read) == to_record(report)
    assert read_report(tmp_path / "r" / "report.json").result.name == "tiere"
    assert (tmp_path / "r" / "report.html").read_text("utf-8") == "<html></html>"


def test_the_file_is_json_with_a_line_a_row(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path, "")
    text = (tmp_path / "report.json").read_text("utf-8")
    assert json.loads(text)["format"] == 1
    assert sum(line.startswith('{"id":') for line in text.splitlines()) == len(SET.questions)


def test_what_differs_between_runs_stands_in_one_place(report: Report, tmp_path: Path) -> None:
    encoder = WordEncoder()
    again = Report.of(evaluate(prepare(SET, Settings(chunk_words=20), encoder, cache=tmp_path), encoder, top=2))
    first, second = to_record(report), to_record(again)
    assert first.pop("run") != second.pop("run")
    assert first == second


def test_texts_of_others_are_left_out(report: Report, tmp_path: Path) -> None:
    missed = Report.of(
        replace(
            report.result, rows=tuple(replace(one, scores={**one.scores, "correct": 0.0}) for one in report.result.rows)
        )
    )
    theirs = Report(replace(missed.result, own=False), missed.figures)
    write_report(missed, tmp_path / "ours", page(missed))
    write_report(theirs, tmp_path / "theirs", page(theirs))
    for name in ("report.json", "report.md", "report.html"):
        ours, text = ((tmp_path / whose / name).read_text("utf-8") for whose in ("ours", "theirs"))
        for known in ("Futter", "bellt"):
            assert known in ours
            assert known not in text
    assert read_report(tmp_path / "theirs").result.rows[0].question is None
    assert theirs.result.rows[0].question is not None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_what_is_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(QAError, match="report"):
        read_report(tmp_path)


def test_a_report_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QAError, match=r"there is no report .*none"):
        read_report(tmp_path / "none")


def test_a_folder_that_cannot_be_written(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(QAError, match="--out DIR"):
        write_report(report, tmp_path / "file", "")


def test_the_tables_hold_every_ranking_and_measure(report: Report) -> None:
    named = {table.title: table for table in tables(report)}
    assert [cells[0] for cells in named["Retrieval by passage"].rows] == ["hybrid", "dense", "BM25"]
    assert {"correct", "exactness", "AUROC", "AURC"} <= {cells[0] for cells in named["Answers"].rows}
    assert {cells[0] for cells in named["By language"].rows} == {"de", "en"}
    assert all(len(cells) == len(table.head) for table in named.values() for cells in table.rows)


def test_markdown_shows_texts_as_texts(report: Report) -> None:
    odd = row("x", right=False, question="Was *ist* | <b>das</b>?")
    text = markdown(Report.of(replace(report.result, rows=(odd, row("y")))))
    assert "Was \\*ist\\* \\| \\<b>das\\</b>?" in text
    assert text.startswith("# tiere\n")


@pytest.mark.parametrize(
    ("answerable", "answered", "right", "told"),
    [
        (True, True, True, "right"),
        (True, True, False, "quoted something else"),
        (True, False, True, "silent, though right quotes were found"),
        (True, False, False, "silent, and found nothing right"),
        (False, True, False, "answered what the articles do not say"),
        (False, False, False, "rightly silent"),
    ],
)
def test_outcomes(answerable: bool, answered: bool, right: bool, told: str) -> None:
    assert outcome(row("x", answerable=answerable, answered=answered, right=right)) == told


def test_what_changed_from_run_to_run(report: Report) -> None:
    before = Report.of(replace(report.result, rows=(row("a"), row("b", right=False), row("c"))))
    after = Report.of(replace(report.result, rows=(row("a", right=False), row("b"), row("c"))))
    assert [(old.id, new.scores["correct"]) for old, new in changed(before, after)] == [("a", 0.0), ("b", 1.0)]
    table = comparison_table(compare(before.result.rows, after.result.rows), ("A", "B"))
    verdicts = {cells[0]: cells[-1] for cells in table.rows}
    assert verdicts["answered"] == "same"
    assert verdicts["correct"] == "same"


def test_a_comparison_calls_noise_noise() -> None:
    before = [row(str(n), right=n > 0) for n in range(30)]
    slightly = [row(str(n)) for n in range(30)]
    plainly = [row(str(n), right=False) for n in range(30)]
    for after, told in ((slightly, "inside the noise"), (plainly, "worse")):
        cells = {one[0]: one[-1] for one in comparison_table(compare(before, after), ("A", "B")).rows}
        assert cells["correct"] == told
