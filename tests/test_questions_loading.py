"""Question sets as files: what is read, and what each broken line is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.measuring.datasets import load_dataset
from qa.measuring.questions import Question, QuestionsError, read_questions, resolve, stands_in
from qa.types import Source
from tests.fakes import article

GOOD: dict[str, Any] = {
    "id": "q1",
    "question": "Wer bellt?",
    "lang": "de",
    "kind": "who",
    "answerable": True,
    "articles": ["hunde"],
    "evidence": [["Der Hund"]],
    "split": "dev",
}
SILENT = {"id": "q2", "question": "Wer miaut?", "lang": "de", "kind": "near miss", "answerable": False}


def write(path: Path, *lines: Any) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def broken(tmp_path: Path, *lines: Any) -> str:
    with pytest.raises(QuestionsError) as caught:
        read_questions(write(tmp_path / "q.jsonl", *lines))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_field_is_read(tmp_path: Path) -> None:
    more = {**GOOD, "id": "q3", "split": "test", "history": ["Wer war da?"], "evidence": [["a", "b"], ["c"]]}
    first, silent, last = read_questions(write(tmp_path / "q.jsonl", GOOD, "", SILENT, more))
    assert first == Question("q1", "Wer bellt?", "de", "who", True, ("hunde",), (("Der Hund",),), split="dev")
    assert silent == Question("q2", "Wer miaut?", "de", "near miss", False)
    assert (last.history, last.evidence) == (("Wer war da?",), (("a", "b"), ("c",)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": ""}, "'id' must be a text"),
        ({"id": 3}, "'id' must be a text"),
        ({"question": None}, "'question' must be a text"),
        ({"lang": "fr"}, "'lang' must be de or en, not 'fr'"),
        ({"answerable": "yes"}, "'answerable' must be true or false"),
        ({"answerable": 1}, "'answerable' must be true or false"),
        ({"articles": "hunde"}, "'articles' must be a list of texts"),
        ({"articles": []}, "an answerable question needs articles and evidence"),
        ({"evidence": []}, "an answerable question needs articles and evidence"),
        ({"evidence": ["Der Hund"]}, "'evidence' must be a list of lists"),
        ({"evidence": [[]]}, "'evidence' must be a list of lists"),
        ({"evidence": [[""]]}, "'evidence' must be a list of texts"),
        ({"answerable": False}, "has no evidence"),
        ({"split": "train"}, "'split' must be dev or test"),
        ({"history": "Wer?"}, "'history' must be a list of texts"),
        ({"anwser": 1}, "unknown key 'anwser'"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    message = broken(tmp_path, GOOD, {**GOOD, "id": "q9", **change})
    assert "q.jsonl, line 2" in message
    assert told in message


def test_what_is_no_json_is_named(tmp_path: Path) -> None:
    assert "line 2 is not JSON" in broken(tmp_path, GOOD, '{"id": ')
    assert "line 3 is not a JSON object" in broken(tmp_path, GOOD, "", "[1]")


@pytest.mark.parametrize("key", ["id", "question", "lang", "kind", "answerable"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    assert f"line 1: '{key}' is missing" in broken(tmp_path, {name: GOOD[name] for name in GOOD if name != key})


def test_an_id_twice_names_both_lines(tmp_path: Path) -> None:
    assert "line 3: id 'q1' is taken by line 1" in broken(tmp_path, GOOD, SILENT, GOOD)


def test_sets_without_use_are_refused(tmp_path: Path) -> None:
    assert "holds no question" in broken(tmp_path, "")
    assert "no question in" in broken(tmp_path, SILENT)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"no such file"):
        read_questions(tmp_path / "none.jsonl")
    (tmp_path / "latin").write_bytes(b"\xe4")
    with pytest.raises(QuestionsError, match="is not UTF-8"):
        read_questions(tmp_path / "latin")


def test_articles_go_by_stem_path_id_and_copies() -> None:
    dogs = article("Der Hund bellt.", name="hunde")
    copied = type(dogs)(
        **{
            **{name: getattr(dogs, name) for name in dogs.__dataclass_fields__},
            "also": (Source("kopie.md"),),
        }
    )
    for name in ("hunde", "hunde.md", "hunde-id", "kopie", "kopie.md"):
        question = Question("q", "?", "de", "who", True, (name,), (("Der Hund",),))
        assert resolve([question], [copied], "set")[0].articles == ("hunde-id",)


def test_an_unknown_article_is_named_with_those_there_are() -> None:
    question = Question("q7", "?", "de", "who", True, ("katzen",), (("Der Hund",),))
    with pytest.raises(QuestionsError, match=r"set, question 'q7' names an article that is not there: 'katzen'.*hunde"):
        resolve([question], [article("Der Hund bellt.", name="hunde")], "set")


def test_evidence_must_stand_in_an_article_that_is_named() -> None:
    articles = [article("Der Hund bellt.", name="hunde"), article("Die Katze miaut.", name="katzen")]
    question = Question("q7", "?", "de", "who", True, ("hunde",), (("Der Hund", "Die Katze"),))
    with pytest.raises(QuestionsError, match="'Die Katze' stands in none of its articles"):
        resolve([question], articles, "set")


@pytest.mark.parametrize(
    ("part", "text", "stands"),
    [
        ("600", "rund 2.600 Soldaten", False),
        ("600", "rund 2,600 soldiers", False),
        ("600", "600 Soldaten", True),
        ("2.600", "2.600 Soldaten", True),
        ("15", "155 Millimeter", False),
        ("15", "am 15. Mai", True),
        ("15", "15,5 Grad", False),
        ("15", "155 und 15", True),
        ("Soldat", "Soldaten", True),
        ("", "Soldaten", False),
    ],
)
def test_numbers_are_whole(part: str, text: str, stands: bool) -> None:
    assert stands_in(part, text) is stands


def test_evidence_is_met_across_line_breaks_and_counted_by_list() -> None:
    question = Question("q", "?", "de", "who", True, ("a",), (("der  alte Hund", "die Katze"), ("bellt",)))
    assert question.met_by("Da kam der\nalte Hund.") == {0}
    assert question.met_by("Es bellt der alte Hund.") == {0, 1}
    assert question.met_by("Nichts davon.") == frozenset()


def test_of_a_whole_passage_every_sentence_answers() -> None:
    phrase = Question("q", "?", "de", "who", True, ("a",), (("Er bellt. Er beißt.",),))
    whole = Question("q", "?", "de", "who", True, ("a",), (("Er bellt. Er beißt.",),), whole=True)
    assert phrase.met_by("Er bellt.") == frozenset()
    assert whole.met_by("Er bellt.") == {0}


@given(st.text(alphabet="ab1. ", max_size=12), st.text(alphabet="ab1. ", max_size=5))
def test_what_stands_in_is_a_part(text: str, part: str) -> None:
    if stands_in(part, text):
        assert part in text


SQUAD = {
    "data": [
        {
            "title": "Hunde",
            "paragraphs": [
                {
                    "context": "Der Hund bellt seit 1999 jeden Tag in der Stadt.",
                    "qas": [
                        {
                            "id": "a",
                            "question": "Wer bellt in der Stadt?",
                            "answers": [{"text": "Der Hund", "answer_start": 0}],
                        },
                        {"id": "b", "question": "Wer miaut in der Stadt?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ]
}


def squad(path: Path, change: tuple[str, str] | None = None) -> Path:
    text = json.dumps(SQUAD, ensure_ascii=False)
    path.write_text(text.replace(*change) if change else text, encoding="utf-8")
    return path


def test_squad_of_both_versions(tmp_path: Path) -> None:
    loaded = load_dataset(squad(tmp_path / "hunde.de.json"))
    assert (loaded.name, loaded.own) == ("hunde-de", False)
    assert loaded.articles is not None
    assert [(one.id, one.lang) for one in loaded.articles] == [("Hunde#0", "de")]
    bark, meow = loaded.questions
    assert (bark.answerable, bark.articles, bark.evidence) == (True, ("Hunde#0",), (("Der Hund",),))
    assert (meow.answerable, meow.evidence, meow.lang) == (False, (), "de")


def test_squad_answers_that_end_in_half_a_number(tmp_path: Path) -> None:
    path = squad(tmp_path / "de.json", ('"text": "Der Hund"', '"text": "bellt seit 19"'))
    assert load_dataset(path).questions[0].evidence == (("bellt seit ",),)
    path = squad(tmp_path / "de.json", ('"text": "Der Hund"', '"text": "99"'))
    assert load_dataset(path).questions[0].evidence == (("99",),)


def test_published_sets_may_hold_answers_that_do_not_stand_in_their_text(tmp_path: Path) -> None:
    loaded = load_dataset(squad(tmp_path / "de.json", ('"text": "Der Hund"', '"text": "Der Wolf"')))
    assert loaded.articles is not None
    with pytest.raises(QuestionsError, match="'Der Wolf' stands in none of its articles"):
        resolve(loaded.questions, loaded.articles, "set")
    assert resolve(loaded.questions, loaded.articles, "set", check=False) == loaded.questions


def test_squad_with_the_questions_of_another_language(tmp_path: Path) -> None:
    path = squad(tmp_path / "de.json")
    other = squad(tmp_path / "en.json", ("Wer bellt in der Stadt?", "Who is it that barks in the city?"))
    other.write_text(
        other.read_text("utf-8").replace("Wer miaut in der Stadt?", "Who is it that meows in the city?"), "utf-8"
    )
    loaded = load_dataset(path, questions_from=other, name="x")
    assert loaded.name == "x"
    assert loaded.questions[0].text == "Who is it that barks in the city?"
    assert loaded.questions[0].lang == "en"
    assert loaded.questions[0].evidence == (("Der Hund",),)


def test_squad_that_is_not_parallel_or_not_squad(tmp_path: Path) -> None:
    path = squad(tmp_path / "de.json")
    with pytest.raises(QuestionsError, match="lacks the question 'a'"):
        load_dataset(path, questions_from=squad(tmp_path / "en.json", ('"id": "a"', '"id": "z"')))
    with pytest.raises(QuestionsError, match="not in the SQuAD format"):
        load_dataset(squad(tmp_path / "no.json", ("paragraphs", "absätze")))
    (tmp_path / "bad.json").write_text('{\n"data": [', encoding="utf-8")
    with pytest.raises(QuestionsError, match=r"bad.json, line 2 is not JSON"):
        load_dataset(tmp_path / "bad.json")
    with pytest.raises(QuestionsError, match="'a' twice"):
        load_dataset(squad(tmp_path / "twice.json", ('"id": "b"', '"id": "a"')))


PAGE = {
    "id": 5,
    "question": "Was kostet der Kurs?",
    "answers": [2],
    "context": "Kurse\nEs gibt Kurse.\nDer Kurs kostet nichts.",
}


def test_omosqa_lines_are_evidence(tmp_path: Path) -> None:
    silent = {**PAGE, "id": 6, "question": "Wo ist der Kurs?", "answers": []}
    loaded = load_dataset(write(tmp_path / "o.dev.de.jsonl", PAGE, silent))
    assert loaded.name == "o-dev-de"
    assert loaded.articles is not None
    assert [(one.title, one.text) for one in loaded.articles] == [
        ("Kurse", "Es gibt Kurse.\n\nDer Kurs kostet nichts.")
    ]
    asked, near = loaded.questions
    assert asked.met_by("Der Kurs kostet nichts.") == {0}
    assert asked.articles == near.articles == (loaded.articles[0].id,)
    assert (near.answerable, near.kind) == (False, "near_miss")


def test_omosqa_broken_lines_are_named(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"line 2 is not in the OMoS-QA format"):
        load_dataset(write(tmp_path / "o.jsonl", PAGE, {**PAGE, "id": 6, "answers": [99]}))
    with pytest.raises(QuestionsError, match=r"line 2: 'question' is missing"):
        load_dataset(write(tmp_path / "p.jsonl", PAGE, {"id": 6, "answers": [], "context": "a\nb"}))


def beir(folder: Path, qrels: str, part: str = "test") -> Path:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    write(
        folder / "corpus.jsonl",
        {"_id": "d1", "title": "Hunde", "text": "Der Hund bellt."},
        {"_id": "d2", "text": "Die Katze."},
    )
    write(folder / "queries.jsonl", {"_id": "q1", "text": "Wer bellt?"}, {"_id": "q2", "text": "Wer schläft?"})
    (folder / "qrels" / f"{part}.tsv").write_text(qrels, encoding="utf-8")
    return folder


def test_beir_folders(tmp_path: Path) -> None:
    loaded = load_dataset(beir(tmp_path / "tiere", "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t1\nq2\td2\t0\n"))
    assert loaded.name == "tiere"
    assert [(one.id, one.articles, one.evidence) for one in loaded.questions] == [("q1", ("d1", "d2"), ())]
    assert loaded.articles is not None
    assert [one.title for one in loaded.articles] == ["Hunde", None]


def test_beir_with_other_qrels_and_without_a_header(tmp_path: Path) -> None:
    assert load_dataset(beir(tmp_path / "dev", "q2\td2\t1\n", "dev")).questions[0].id == "q2"


@pytest.mark.parametrize(
    ("qrels", "told"),
    [
        ("q1\td9\t1\n", r"test.tsv, line 1 names a document that is not there: 'd9'"),
        ("q9\td1\t1\n", r"line 1 names a query that is not there: 'q9'"),
        ("q1\td1\t1\nq1 d1 1\n", r"line 2 must be a query, a document and a whole number"),
        ("query-id\tcorpus-id\tscore\n", "holds no question"),
    ],
)
def test_broken_beir_folders(tmp_path: Path, qrels: str, told: str) -> None:
    with pytest.raises(QuestionsError, match=told):
        load_dataset(beir(tmp_path / "b", qrels))


def test_a_beir_folder_without_judgements(tmp_path: Path) -> None:
    folder = beir(tmp_path / "b", "")
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(QuestionsError, match=r"has no qrels/test.tsv"):
        load_dataset(folder)


def test_own_questions_take_no_parallel_file(tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", GOOD)
    assert load_dataset(path).own
    with pytest.raises(QuestionsError, match="has no parallel questions"):
        load_dataset(path, questions_from=path)


def test_splits(tmp_path: Path) -> None:
    loaded = load_dataset(write(tmp_path / "q.jsonl", GOOD, {**SILENT, "split": "test"}))
    assert [one.id for one in loaded.part("test").questions] == ["q2"]
    assert loaded.part("dev").name == "q-dev"
    assert loaded.part(None) is loaded
    with pytest.raises(QuestionsError, match="no question of q is marked with split 'train'"):
        loaded.part("train")


def test_the_development_sets_are_whole(shared: Path) -> None:
    data = shared / "data" / "dev"
    loaded = load_dataset(data / "xquad.de.json", questions_from=data / "xquad.en.json")
    assert loaded.articles is not None
    assert (len(loaded.questions), len(loaded.articles), loaded.questions[0].lang) == (1190, 240, "en")
    assert resolve(loaded.questions, loaded.articles, loaded.name) == loaded.questions
    pages = load_dataset(data / "omosqa.dev.de.jsonl")
    assert pages.articles is not None
    assert (len(pages.questions), sum(one.answerable for one in pages.questions)) == (193, 155)
