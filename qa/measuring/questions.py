"""Question sets: questions with the articles and the words that answer them, in this project's own format.

One JSON object a line (docs/EVALUATION.md); every error names the line. `qa.measuring.datasets` reads the
formats of others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from qa.errors import QAError
from qa.text import normalise
from qa.types import Lang

if TYPE_CHECKING:
    from qa.types import Article

#: Key of a line, and whether it must be there.
_KEYS = {
    "id": True,
    "question": True,
    "lang": True,
    "kind": True,
    "answerable": True,
    "articles": False,
    "evidence": False,
    "split": False,
    "history": False,
}
SPLITS = ("dev", "test")

_BLANKS = re.compile(r"\s+")


class QuestionsError(QAError):
    """A question set cannot be used as it stands."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what answers it.

    Attributes:
        id: Unique in its set.
        text: As asked.
        lang: Language it is asked in.
        kind: What it is a test of (``who``, ``near miss``, …).
        answerable: Whether the articles answer it.
        articles: Ids of the articles that answer it; for one that is not answerable, those it comes near to.
        evidence: Lists of alternatives. An answer must meet every list with one of its alternatives. May be empty
            where a set only says which articles answer.
        whole: The alternatives are whole passages, in which any sentence answers, and not phrases.
        split: ``dev`` (may be tuned on) or ``test`` (may not), or None.
        history: Earlier questions of the conversation, oldest first.
    """

    id: str
    text: str
    lang: Lang
    kind: str
    answerable: bool
    articles: tuple[str, ...] = ()
    evidence: tuple[tuple[str, ...], ...] = ()
    whole: bool = False
    split: str | None = None
    history: tuple[str, ...] = ()

    def met_by(self, quote: str) -> frozenset[int]:
        """Which lists of `evidence` a quote meets, by position."""
        folded = _folded(quote)
        return frozenset(
            at for at, options in enumerate(self.evidence) if any(self._holds(folded, _folded(o)) for o in options)
        )

    def _holds(self, quote: str, option: str) -> bool:
        return stands_in(option, quote) or (self.whole and stands_in(quote, option))


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions and the articles they are asked of.

    Attributes:
        name: What its report is called.
        questions: In the order of the file.
        articles: What is to be indexed; None means the configured articles.
        own: The texts are this project's own and may stand in a report.
    """

    name: str
    questions: tuple[Question, ...]
    articles: tuple[Article, ...] | None
    own: bool

    @property
    def digest(self) -> str:
        """Hash over the questions."""
        lines = (json.dumps(asdict(one), sort_keys=True) for one in self.questions)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def part(self, split: str | None) -> QuestionSet:
        """The questions of one split; None leaves the set as it is.

        Raises:
            QuestionsError: It holds none of them.
        """
        if split is None:
            return self
        chosen = tuple(one for one in self.questions if one.split == split)
        if not chosen:
            raise QuestionsError(
                f"no question of {self.name} is marked with split {split!r}", f"known: {', '.join(SPLITS)}"
            )
        return replace(self, name=f"{self.name}-{split}", questions=chosen)


def stands_in(part: str, text: str) -> bool:
    """Whether ``part`` stands in ``text``; digits at its ends must be whole numbers there ("600" is not in "2.600")."""
    at = text.find(part) if part else -1
    while at >= 0:
        before, after = text[max(0, at - 2) : at], text[at + len(part) : at + len(part) + 2]
        cut_before = part[0].isdigit() and re.search(r"\d[.,]?$", before)
        cut_after = part[-1].isdigit() and re.match(r"[.,]?\d", after)
        if not cut_before and not cut_after:
            return True
        at = text.find(part, at + 1)
    return False


def _folded(text: str) -> str:
    """Every run of blanks is one space: a quote and its evidence may be wrapped differently."""
    return _BLANKS.sub(" ", normalise(text)).strip()


def read_questions(path: Path) -> tuple[Question, ...]:
    """Read a file in this project's format; articles stay named as the file names them (see `resolve`).

    Raises:
        QuestionsError: The file or a line cannot be used; names the line.
    """
    questions = []
    lines: dict[str, int] = {}
    for number, record in json_lines(path):
        question = _question(record, f"{path}, line {number}")
        if question.id in lines:
            raise QuestionsError(
                f"{path}, line {number}: id {question.id!r} is taken by line {lines[question.id]}", "ids are unique"
            )
        lines[question.id] = number
        questions.append(question)
    check_set(questions, str(path))
    return tuple(questions)


def resolve(
    questions: Sequence[Question], articles: Iterable[Article], where: str, *, check: bool = True
) -> tuple[Question, ...]:
    """The questions with article ids instead of file stems, all evidence found in the articles they name.

    Args:
        questions: As `read_questions` gives them.
        articles: What they are asked of.
        where: What an error calls the set.
        check: Look for the evidence. Published sets have a few answers that do not stand in their text; those cannot
            be met and do not keep the others from being asked.

    Raises:
        QuestionsError: An article is unknown or does not say what is claimed.
    """
    names: dict[str, Article] = {}
    for article in articles:
        paths = [article.path, *(source.path for source in article.also)]
        names |= dict.fromkeys([article.id, *paths, *(Path(path).stem for path in paths)], article)
    return tuple(_resolve(one, names, f"{where}, question {one.id!r}", check=check) for one in questions)


def _resolve(question: Question, names: Mapping[str, Article], where: str, *, check: bool) -> Question:
    unknown = [name for name in question.articles if name not in names]
    if unknown:
        raise QuestionsError(f"{where} names an article that is not there: {unknown[0]!r}", f"known: {_some(names)}")
    named = [names[name] for name in question.articles]
    texts = [_folded(article.text) for article in named]
    for option in (option for options in question.evidence for option in options):
        if check and not any(stands_in(_folded(option), text) for text in texts):
            raise QuestionsError(f"{where}: {option!r} stands in none of its articles", "copy it from the article")
    return replace(question, articles=tuple(dict.fromkeys(article.id for article in named)))


def _some(names: Mapping[str, Article]) -> str:
    stems = sorted({Path(article.path).stem for article in names.values()})
    return ", ".join(stems[:8]) + (" …" if len(stems) > 8 else "")  # noqa: PLR2004 - as many as fit a line


def check_set(questions: Sequence[Question], where: str) -> None:
    """Refuse a set that nothing can be measured with.

    Raises:
        QuestionsError: It is empty, holds an id twice, or no question in it is answerable.
    """
    if not questions:
        raise QuestionsError(f"{where} holds no question", "it needs at least one that is answerable")
    twice = [name for name, count in Counter(one.id for one in questions).items() if count > 1]
    if twice:
        raise QuestionsError(f"{where} has the question id {twice[0]!r} twice", "ids are unique")
    if not any(one.answerable for one in questions):
        raise QuestionsError(f"no question in {where} is answerable", "nothing could be found, whatever is measured")


def json_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The JSON objects of a file with their line numbers, empty lines left out.

    Raises:
        QuestionsError: The file cannot be read, or a line is no JSON object.
    """
    records = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        record = read_json(line, path, number)
        if not isinstance(record, dict):
            raise QuestionsError(f"{path}, line {number} is not a JSON object", "one {…} a line")
        records.append((number, record))
    return records


def read_json(text: str, path: Path, line: int | None = None) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The value of a JSON text: of a file, or of one line of it.

    Raises:
        QuestionsError: It is no JSON, is nested too deeply or holds a number of thousands of digits.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{path}, line {line or error.lineno}"
        raise QuestionsError(f"{where} is not JSON: {error.msg} at column {error.colno}") from None
    except (RecursionError, ValueError):
        where = f"{path}, line {line}" if line else str(path)
        raise QuestionsError(f"{where} is nested too deeply, or has a number of thousands of digits") from None


def read_text(path: Path) -> str:
    """A UTF-8 file.

    Raises:
        QuestionsError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise QuestionsError(f"{path} is not UTF-8 text", "store it as UTF-8") from None
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise QuestionsError(f"{path} cannot be read: {reason}", "name a question set with --dataset PATH") from None


def _question(record: Mapping[str, Any], where: str) -> Question:
    unknown = [key for key in record if key not in _KEYS]
    if unknown:
        raise QuestionsError(f"{where}: unknown key {unknown[0]!r}", f"known: {', '.join(_KEYS)}")
    missing = [key for key, needed in _KEYS.items() if needed and key not in record]
    if missing:
        raise QuestionsError(f"{where}: {missing[0]!r} is missing")
    if not isinstance(record["answerable"], bool):
        raise QuestionsError(f"{where}: 'answerable' must be true or false, not {record['answerable']!r}")
    question = Question(
        id=_text(record, "id", where),
        text=_text(record, "question", where),
        lang=_one_of(record, "lang", get_args(Lang), where),
        kind=_text(record, "kind", where),
        answerable=record["answerable"],
        articles=_texts(record.get("articles", []), "articles", where),
        evidence=_evidence(record.get("evidence", []), where),
        split=_one_of(record, "split", SPLITS, where) if record.get("split") is not None else None,
        history=_texts(record.get("history", []), "history", where),
    )
    if question.answerable and not (question.articles and question.evidence):
        raise QuestionsError(f"{where}: an answerable question needs articles and evidence")
    if not question.answerable and question.evidence:
        raise QuestionsError(f"{where}: a question that is not answerable has no evidence")
    return question


def _text(record: Mapping[str, Any], key: str, where: str) -> str:
    value = record[key]
    if not isinstance(value, str) or not value.strip():
        raise QuestionsError(f"{where}: {key!r} must be a text that is not empty, not {value!r}")
    return value


def _one_of(record: Mapping[str, Any], key: str, known: Sequence[str], where: str) -> Any:  # noqa: ANN401 - a Literal
    if record[key] not in known:
        raise QuestionsError(f"{where}: {key!r} must be {' or '.join(known)}, not {record[key]!r}")
    return record[key]


def _texts(value: Any, key: str, where: str) -> tuple[str, ...]:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise QuestionsError(f"{where}: {key!r} must be a list of texts that are not empty")
    return tuple(value)


def _evidence(value: Any, where: str) -> tuple[tuple[str, ...], ...]:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(value, list) or not all(isinstance(one, list) and one for one in value):
        raise QuestionsError(f"{where}: 'evidence' must be a list of lists of alternatives")
    return tuple(_texts(one, "evidence", where) for one in value)
