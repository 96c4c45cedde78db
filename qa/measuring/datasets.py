"""Question sets in the formats of others: BEIR folders, SQuAD JSON, OMoS-QA lines. Their articles come with them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from qa.measuring.questions import (
    Question,
    QuestionsError,
    QuestionSet,
    check_set,
    json_lines,
    read_json,
    read_questions,
    read_text,
    stands_in,
)
from qa.text import language, normalise
from qa.types import Article, Lang

#: Relevance files of a BEIR folder, the first that is there.
_QRELS = ("test", "dev", "train")

#: Texts that are looked at to tell the language of a set: all of a set are in one.
_LOOKED_AT = 200


def load_dataset(path: Path, *, questions_from: Path | None = None, name: str | None = None) -> QuestionSet:
    """Read a question set, its format told from what lies there.

    Args:
        path: A BEIR folder, a SQuAD file (``.json``), or ``.jsonl`` with OMoS-QA pages or this project's questions.
        questions_from: A parallel SQuAD or OMoS-QA file in another language, whose questions are asked instead.
        name: What its report is called; made from the file names where it is left out.

    Raises:
        QuestionsError: Nothing known lies there, or a line cannot be used.
    """
    called = name or _name(path, questions_from)
    if path.is_dir():
        return _finished(called, path, _beir(path))
    if path.suffix == ".json":
        return _finished(called, path, _squad(path, questions_from))
    records = json_lines(path)
    if records and "context" in records[0][1]:
        return _finished(called, path, _omosqa(path, questions_from))
    if questions_from is not None:
        raise QuestionsError(f"{path} has no parallel questions", "--questions-from goes with SQuAD and OMoS-QA files")
    return QuestionSet(called, read_questions(path), None, own=True)


def _name(path: Path, questions_from: Path | None) -> str:
    stem = path.resolve().name.removesuffix(path.suffix).replace(".", "-")
    return stem if questions_from is None else f"{stem}-from-{questions_from.stem.replace('.', '-')}"


@dataclass(frozen=True, slots=True)
class _Loaded:
    articles: Sequence[Article]
    questions: Sequence[Question]


def _finished(name: str, path: Path, loaded: _Loaded) -> QuestionSet:
    check_set(loaded.questions, str(path))
    return QuestionSet(name, tuple(loaded.questions), tuple(loaded.articles), own=False)


def _lang_of(texts: Iterable[str]) -> Lang:
    """The language of most: one question of three words can mislead, a file of them does not."""
    votes = Counter(language(text) for text in islice(texts, _LOOKED_AT))
    return "de" if votes["de"] > votes["en"] else "en"


def _article(name: str, title: str | None, text: str, lang: Lang) -> Article:
    text, title = normalise(text), normalise(title or "") or None
    digest = hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()
    return Article(name, title, text, lang, None, None, None, None, name, digest)


def _squad(path: Path, questions_from: Path | None) -> _Loaded:
    """Every paragraph is an article; answers are those of ``path``, questions may come from a parallel file.

    Rajpurkar et al. 2016 and, with ``is_impossible``, 2018; Artetxe et al. 2020 for the parallel files (XQuAD).
    """
    paragraphs = dict(_paragraphs(path))
    asked = _asked(paragraphs)
    if questions_from is not None:
        parallel = _asked(dict(_paragraphs(questions_from)))
        missing = [key for key in asked if key not in parallel]
        if missing:
            raise QuestionsError(
                f"{questions_from} lacks the question {missing[0]!r} of {path}", "the files must be parallel"
            )
        asked = {key: parallel[key] for key in asked}
    lang = _lang_of(one["context"] for one in paragraphs.values())
    articles = [_article(name, None, one["context"], lang) for name, one in paragraphs.items()]
    asked_in = _lang_of(asked.values())
    questions = []
    for name, one in paragraphs.items():
        for entry in one["qas"]:
            answers = () if entry.get("is_impossible") else entry.get("answers", ())
            texts = (_uncut(normalise(answer["text"]), normalise(one["context"])) for answer in answers)
            gold = tuple(dict.fromkeys(filter(None, texts)))
            key = str(entry["id"])
            evidence = (gold,) if gold else ()
            questions.append(Question(key, asked[key], asked_in, "squad", bool(gold), (name,), evidence))
    return _Loaded(articles, questions)


def _uncut(answer: str, context: str) -> str:
    """An answer without half a number at its ends: XQuAD has "7,000,000 square kilometres (2,70" of "(2,700,000"."""
    if answer not in context or stands_in(answer, context):
        return answer
    return answer.strip("0123456789.,") or answer


def _asked(paragraphs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {str(entry["id"]): entry["question"] for one in paragraphs.values() for entry in one["qas"]}


def _paragraphs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        data = read_json(read_text(path), path)["data"]
        for entry in data:
            for number, paragraph in enumerate(entry["paragraphs"]):
                texts = [paragraph["context"], *(one["question"] for one in paragraph["qas"])]
                texts += [one["id"] for one in paragraph["qas"]]
                if not all(isinstance(text, str) for text in texts):
                    raise QuestionsError(f"{path}: a context, question or id in {entry['title']!r} is no text")
                yield f"{entry['title']}#{number}", paragraph
    except (KeyError, TypeError, AttributeError) as error:
        raise QuestionsError(f"{path} is not in the SQuAD format: {error!r}", "see docs/EVALUATION.md") from None


def _omosqa(path: Path, questions_from: Path | None) -> _Loaded:
    """Every page is an article, its first line the title; ``answers`` are numbers of lines, all of which answer.

    Kleinle, Prange and Friedrich 2024, "OMoS-QA". A question that the page does not answer is a near miss.
    """
    asked_in = {str(record.get("id")): record for _, record in json_lines(questions_from or path)}
    records = json_lines(path)
    lang = _lang_of(str(record.get("context")) for _, record in records)
    articles: dict[str, Article] = {}
    questions = []
    for number, record in records:
        where = f"{path}, line {number}"
        try:
            title, *lines = record["context"].split("\n")
            marked = [record["context"].split("\n")[at] for at in record["answers"]]
            text = asked_in[str(record["id"])]["question"]
        except KeyError as error:
            raise QuestionsError(f"{where}: {error} is missing here or in the parallel file") from None
        except (IndexError, TypeError, AttributeError) as error:
            raise QuestionsError(f"{where} is not in the OMoS-QA format: {error}") from None
        page = hashlib.sha256(record["context"].encode()).hexdigest()[:16]
        articles.setdefault(page, _article(page, title, "\n\n".join(lines), lang))
        gold = tuple(filter(None, map(normalise, marked)))
        kind, evidence = ("omosqa", (gold,)) if gold else ("near_miss", ())
        questions.append(Question(str(record["id"]), text, "en", kind, bool(gold), (page,), evidence, whole=True))
    spoken = _lang_of(one.text for one in questions)
    return _Loaded(list(articles.values()), [replace(one, lang=spoken) for one in questions])


def _beir(folder: Path) -> _Loaded:
    """``corpus.jsonl``, ``queries.jsonl`` and the first of ``qrels/{test,dev,train}.tsv``.

    Thakur et al. 2021, "BEIR". It says which documents answer, not which words: what quotes hold is not measured.
    Queries without a relevant document are left out, as BEIR does.
    """
    corpus, queries = _by_id(folder / "corpus.jsonl"), _by_id(folder / "queries.jsonl")
    relevant: dict[str, list[str]] = {}
    for judged in _qrels(folder):
        for kind, name, known in (("query", judged.query, queries), ("document", judged.document, corpus)):
            if name not in known:
                raise QuestionsError(f"{judged.where} names a {kind} that is not there: {name!r}")
        if judged.grade > 0:
            relevant.setdefault(judged.query, []).append(judged.document)
    lang = _lang_of(record["text"] for record in corpus.values())
    articles = [_article(name, record.get("title"), record["text"], lang) for name, record in corpus.items()]
    spoken = _lang_of(queries[name]["text"] for name in relevant)
    questions = [
        Question(name, queries[name]["text"], spoken, "beir", True, tuple(dict.fromkeys(documents)))
        for name, documents in relevant.items()
    ]
    return _Loaded(articles, questions)


def _by_id(path: Path) -> dict[str, dict[str, Any]]:
    records: dict[str, dict[str, Any]] = {}
    for number, record in json_lines(path):
        name = record.get("_id")
        if not isinstance(name, str) or not isinstance(record.get("text"), str):
            raise QuestionsError(f"{path}, line {number}: '_id' and 'text' must be texts")
        if name in records:
            raise QuestionsError(f"{path}, line {number}: id {name!r} is there twice", "ids are unique")
        records[name] = record
    return records


@dataclass(frozen=True, slots=True)
class _Judged:
    where: str
    query: str
    document: str
    grade: int


def _qrels(folder: Path) -> Iterator[_Judged]:
    paths = [folder / "qrels" / f"{part}.tsv" for part in _QRELS]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise QuestionsError(f"{folder} has no qrels/{_QRELS[0]}.tsv", "a BEIR folder holds which documents answer")
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        fields = line.split("\t")
        where = f"{path}, line {number}"
        if not line.strip() or (number == 1 and not fields[-1].strip().lstrip("-").isdigit()):
            continue
        if len(fields) != 3 or not fields[2].strip().lstrip("-").isdigit():  # noqa: PLR2004 - query, document, grade
            raise QuestionsError(f"{where} must be a query, a document and a whole number, with tabs between them")
        yield _Judged(where, fields[0], fields[1], int(fields[2]))
