"""Verdicts as questions: each row can be measured with, and what is doubtful goes to a person."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.cli import main
from qa.feedback import REASONS, Feedback, FeedbackFile, Quoted
from qa.feedback_set import asked, export
from qa.measuring.questions import read_questions, resolve
from tests.browser.fakes import ARTICLES, BRIDGE
from tests.test_feedback import ONE

QUOTE = Quoted(ARTICLES[0].id, 0, 62, BRIDGE[:62])
TEXTS = {article.id: article.text for article in ARTICLES}
RIGHT = replace(ONE, verdict="right", reason=None, quotes=(QUOTE,))
SILENT = replace(RIGHT, status="abstained", quotes=(), question="Wer gewann?", searched_for="Wer gewann?")


def test_a_right_answer_is_evidence() -> None:
    (row,) = export([RIGHT], TEXTS).questions
    assert row["evidence"] == [[QUOTE.text]]
    assert row["articles"] == [QUOTE.article_id]
    assert row["answerable"] is True


@pytest.mark.parametrize(
    "one", [SILENT, replace(RIGHT, verdict="wrong", reason="not in the articles")], ids=["silent", "not in there"]
)
def test_what_the_articles_do_not_say_is_not_answerable(one: Feedback) -> None:
    (row,) = export([one], TEXTS).questions
    assert row["answerable"] is False
    assert "evidence" not in row


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (replace(ONE, reason="wrong passage"), "wrong passage"),
        (ONE, "out of date"),
        (replace(ONE, reason=None), "wrong"),
        (replace(SILENT, verdict="wrong", reason="missed"), "missed"),
        (replace(SILENT, filtered=True), "filtered"),
        (replace(RIGHT, quotes=(replace(QUOTE, text="Das stand da einmal."),)), "changed articles"),
    ],
)
def test_the_others_are_for_a_person(one: Feedback, why: str) -> None:
    found = export([one], TEXTS)
    assert found.questions == ()
    assert [row["review"] for row in found.review] == [why]


def test_readers_who_contradict_each_other_and_readers_who_agree() -> None:
    other = replace(RIGHT, id="1" * 32, quotes=(Quoted(ARTICLES[0].id, 63, 100, BRIDGE[63:100]),))
    (row,) = export([RIGHT, other], TEXTS).questions
    assert row["evidence"] == [[QUOTE.text, BRIDGE[63:100]]]
    found = export([RIGHT, replace(other, verdict="wrong", reason="not in the articles")], TEXTS)
    assert found.questions == ()
    assert [one["review"] for one in found.review] == ["contradicted"] * 2


def test_a_question_that_leans_on_earlier_ones_is_asked_as_it_was_searched() -> None:
    assert asked(replace(ONE, question="Und was kostet das?", searched_for="Brücke: was kostet das?")).startswith(
        "Brücke"
    )
    mended = replace(ONE, question="Wann öffnet die Brükce?", searched_for="Wann öffnet die Brücke?")
    assert asked(mended) == "Wann öffnet die Brükce?"


VERDICTS = st.builds(
    Feedback,
    id=st.text("0123456789abcdef", min_size=32, max_size=32),
    verdict=st.sampled_from(["right", "wrong"]),
    reason=st.sampled_from([None, *REASONS]),
    remark=st.text(max_size=20),
    question=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip),
    searched_for=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    lang=st.sampled_from(["de", "en"]),
    status=st.sampled_from(["answered", "abstained"]),
    filtered=st.booleans(),
    index_id=st.none(),
    quotes=st.sampled_from([(), (QUOTE,), (QUOTE, replace(QUOTE, article_id="gone"))]),
)


@given(st.lists(VERDICTS, max_size=6))
def test_every_row_is_a_question_or_for_review(
    tmp_path_factory: pytest.TempPathFactory, verdicts: list[Feedback]
) -> None:
    found = export([RIGHT, *verdicts], TEXTS)
    path = tmp_path_factory.mktemp("set") / "questions.jsonl"
    rows = [row for row in found.questions if row["answerable"]]
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in found.questions), encoding="utf-8")
    if rows:  # a set without an answerable question is refused, as it measures nothing
        assert len(resolve(read_questions(path), ARTICLES, "feedback")) == len(found.questions)


def test_the_command_writes_a_file_and_says_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = FeedbackFile(tmp_path / "feedback.sqlite")
    for number, one in enumerate([RIGHT, SILENT, replace(ONE, question="Was ist neu?", searched_for="Was ist neu?")]):
        kept.keep(replace(one, id=f"{number:032d}"))

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["feedback", *arguments])
        assert not ended.value.code
        return capsys.readouterr().out

    with pytest.raises(SystemExit):
        main(["feedback", "export", "-o", "set.jsonl"])
    assert "1 more need a person's eye" in capsys.readouterr().err
    assert len(read_questions(tmp_path / "set.jsonl")) == 2
    assert json.loads(run("export", "--review"))["review"] == "out of date"
    assert run("export", "--since", "2999") == ""
    assert run("clear", "--yes") == "3 verdicts deleted\n"
    assert kept.rows() == ()
