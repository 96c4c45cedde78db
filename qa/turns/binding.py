"""Can a word of the question itself be what a pronoun means?

The binding theory of Chomsky 1981, "Lectures on Government and Binding", as far as it needs no parser: a possessive may
mean any word before it ("did Yoon change his strategy?"), a personal pronoun only one of an earlier clause ("what did
Yoon say when he met Trump?", but not "when did Yoon meet him?").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.turns.words import Reading


def is_bound(reading: Reading, at: int, *, same_clause: bool = False, plural: bool = False) -> bool:
    """Whether a word before a pronoun can be what it means.

    Args:
        reading: The question.
        at: Position of the pronoun in ``reading.asked``.
        same_clause: It may mean a word of its own clause, as a possessive may.
        plural: It means several; German does not tell.
    """
    end = at if same_clause else _clause_start(reading, at)
    candidates = [n for n in range(end) if _can_be_meant(reading, n)]
    if plural and reading.lang == "en":
        return any(_is_plural(reading.asked[n].word) for n in candidates) or _coordinated(reading, end)
    return bool(candidates) or (same_clause and _somebody(reading, end))


def _can_be_meant(reading: Reading, at: int) -> bool:
    token = reading.asked[at]
    if not token.content or reading.at(at - 1, "degree"):  # "how strong are their troops?"
        return False
    if token.first and reading.at(at + 1, "wh", "article", "address"):  # "describe how it works"
        return False
    return reading.lang == "en" or token.capital or not reading.cased


def _is_plural(word: str) -> bool:
    return (word.endswith("s") and not word.endswith("ss")) or word in {"people", "men", "women", "children", "police"}


def _coordinated(reading: Reading, end: int) -> bool:
    """Whether two are joined ("Yoon and Trump") before a position."""
    return any(
        reading.asked[n].word == "and" and reading.content_at(n - 1) and reading.content_at(n + 1)
        for n in range(1, end - 1)
    )


def _somebody(reading: Reading, end: int) -> bool:
    """Whether it may be anybody: "who changed his mind?", not "who is his deputy?"."""
    before = reading.asked[:end]
    return reading.any(before, "somebody") and not reading.any(before, "copula")


def _clause_start(reading: Reading, at: int) -> int:
    """Where the clause of the pronoun begins: the nearest position with another clause before it, or 0."""
    return next((n for n in range(at, 0, -1) if _begins_clause(reading, n, at)), 0)


def _begins_clause(reading: Reading, n: int, at: int) -> bool:
    tokens = reading.asked
    if tokens[n].parted or (n == at and _is_subject(reading, at)):
        return True
    if n == at or not reading.has(tokens[n], "clause"):
        return False
    joins_words = reading.content_at(n - 1) and reading.content_at(n + 1)  # "Yoon and Trump"
    phrase = n == at - 1 and at == len(tokens) - 1 and reading.has(tokens[n], "preposition")  # "before them"
    return not joins_words and not phrase


def _is_subject(reading: Reading, at: int) -> bool:
    """Whether an English pronoun begins a clause without a "that": "did Yoon say [he would help]?"."""
    if reading.lang != "en" or not reading.content_at(at - 1):
        return False
    if reading.asked[at].word in {"he", "she", "they"}:
        return True
    return reading.asked[at].word == "it" and reading.at(at + 1, "auxiliary")
