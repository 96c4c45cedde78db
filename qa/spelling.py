"""Questions mended before they are searched: misspelt words, lost umlauts, words torn apart, names in other spellings.

A word that the articles have is never respelt. One that they lack is mended where something close is known: a word of
the articles, a name or a common word of either language (`qa.slips`). Names are then written as the articles write
them. What stands between quotation marks, in an address or beside a digit stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from qa import names
from qa.lexical import plain_text
from qa.slips import SHORTEST, common_words, meant_by
from qa.text import is_function_word, language

if TYPE_CHECKING:
    from qa.slips import Vocabulary

#: A text with more words that neither the articles have nor are common is not mended: it is in a third language, or no
#: text at all.
MOST_UNKNOWN = 16
#: Shorter words are not joined with their neighbour.
SHORTEST_JOINED = 3
#: Rounds until nothing changes: one mends a letter, the next finds a name in it.
ROUNDS = 5

_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"„[^“”\"]*[“”\"]|“[^”\"]*[”\"]|\"[^\"]*\"|»[^«]*«|«[^»]*»")
#: Addresses, and words with digits such as K9.
_FIXED = re.compile(r"\S*(?:://|@|www\.)\S*|\w*[\d_]\w*")
_BETWEEN = re.compile(r"[ \-–.’']{1,2}")


def mend(question: str, vocabulary: Vocabulary) -> str:
    """The question as it is searched. Mending it again changes nothing.

    Args:
        question: In the form that `qa.text.normalise` gives.
        vocabulary: The words of the articles.
    """
    for _ in range(ROUNDS):
        mended = _with_names(_with_words(question, vocabulary), vocabulary)
        if mended == question:
            break
        question = mended
    return question


@dataclass(frozen=True, slots=True)
class _Token:
    """A word of the question, its form in the vocabulary, and whether it may be changed."""

    start: int
    end: int
    text: str
    plain: str
    free: bool


@dataclass(frozen=True, slots=True)
class _Change:
    start: int
    end: int
    text: str


def _tokens(question: str) -> list[_Token]:
    fixed = [match.span() for match in _FIXED.finditer(question)]
    if _WORD.search(_QUOTED.sub("", question)):  # else the marks stand around the question itself
        fixed += [match.span() for match in _QUOTED.finditer(question)]
    return [
        _Token(
            match.start(),
            match.end(),
            match[0],
            plain_text(match[0]),
            not any(start < match.end() and match.start() < end for start, end in fixed),
        )
        for match in _WORD.finditer(question)
    ]


def _applied(question: str, changes: Sequence[_Change]) -> str:
    for change in reversed(changes):
        question = question[: change.start] + change.text + question[change.end :]
    return question


def _with_words(question: str, vocabulary: Vocabulary) -> str:
    """The question with its unknown words mended, and words joined that the articles write as one."""
    tokens = _tokens(question)
    changes = _joined(question, tokens, vocabulary)
    if changes:  # What they lead to is seen in the next round.
        return _applied(question, changes)
    shouted = question.isupper()
    # Capitals are an abbreviation, and a letter more or less is another one.
    unknown = [one for one in tokens if (shouted or not one.text.isupper()) and _is_unknown(one, vocabulary)]
    if sum(one.plain not in common_words() for one in unknown) > MOST_UNKNOWN:
        return question
    for token in unknown:
        better = meant_by(token.plain, vocabulary)
        if better is not None and not _is_name_part(question, token, better, vocabulary):
            changes.append(_Change(token.start, token.end, _in_case_of(token.text, better)))
    return _applied(question, changes)


def _is_name_part(question: str, token: _Token, better: str, vocabulary: Vocabulary) -> bool:
    """Whether a word seems to be a name that nobody has: its capital or hyphen forbids what it could be mended to."""
    if question.isupper():
        return False
    sentence = question[: token.start].rstrip(" \"„“”»«'(")
    within = bool(sentence) and sentence[-1] not in ".:!?"
    if within and token.text[0].isupper() and is_function_word(better):
        return True  # "Wann war Gegeen Kaiser?" is no "Wann war gegen ...".
    beside = question[token.start - 1 : token.start] == "-" or question[token.end : token.end + 1] == "-"
    return beside and not (vocabulary.frequency(better) or better in names.single_words())  # "Heung-min"


def _joined(question: str, tokens: Sequence[_Token], vocabulary: Vocabulary) -> list[_Change]:
    """Pairs of words that the articles write as one ("Süd Korea"), where they do not have both."""
    changes: list[_Change] = []
    for one, other in pairwise(tokens):
        if changes and one.start < changes[-1].end:
            continue
        if question[one.end : other.start] not in (" ", "-") or not (one.free and other.free):
            continue
        if any(len(word) < SHORTEST_JOINED or is_function_word(word) for word in (one.plain, other.plain)):
            continue
        word = one.plain + other.plain
        if vocabulary.frequency(word) and not (vocabulary.frequency(one.plain) and vocabulary.frequency(other.plain)):
            changes.append(_Change(one.start, other.end, _in_case_of(one.text, word)))
    return changes


def _is_unknown(token: _Token, vocabulary: Vocabulary) -> bool:
    word = token.plain
    return token.free and len(word) >= SHORTEST and not is_function_word(word) and not vocabulary.frequency(word)


def _in_case_of(typed: str, word: str) -> str:
    if typed.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if typed[:1].isupper() else word


def _with_names(question: str, vocabulary: Vocabulary) -> str:
    """The question with the names that the articles lack in a spelling that they have."""
    tokens = _tokens(question)
    lang = language(question)
    changes: list[_Change] = []
    for at, token in enumerate(tokens):
        if changes and token.start < changes[-1].end:
            continue
        run = list(_run(question, tokens[at : at + names.longest()]))
        found = names.match([one.text for one in run], lang)
        # "US-Wirtschaft" is right where the articles write "USA".
        prefix = token.text.isupper() and question[token.end : token.end + 1] == "-" and not question.isupper()
        if (
            found is None
            or (prefix and found.length == 1)
            or _has(vocabulary, [one.plain for one in run[: found.length]])
        ):
            continue
        known = [other for other in found.others if _has(vocabulary, names.parts(other))]
        if known:
            best = max(known, key=lambda other: min(map(vocabulary.frequency, names.parts(other))))
            ending = "s" if found.genitive and not best.endswith(("s", "x", "z")) else ""
            changes.append(_Change(token.start, run[found.length - 1].end, best + ending))
    return _applied(question, changes)


def _run(question: str, tokens: Sequence[_Token]) -> Iterator[_Token]:
    """The words up to where a name must end."""
    end = None
    for token in tokens:
        if not token.free or (end is not None and not _BETWEEN.fullmatch(question[end : token.start])):
            return
        yield token
        end = token.end


def _has(vocabulary: Vocabulary, words: Iterable[str]) -> bool:
    content = [word for word in words if not is_function_word(word)]
    return bool(content) and all(vocabulary.frequency(word) or vocabulary.finds(word) for word in content)
