"""English words that mean something of an earlier turn. Each rule looks at one position of a question."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from qa.turns.binding import is_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qa.turns.words import Reading, Token

#: Words with which a clause follows on "it": "is it true that ...", "how was it decided who ...".
_CLAUSE_OF_IT = frozenset({"that", "whether", "if", "who", "whom", "how", "why", "what", "since"})

#: Position of "that" in "what does that mean?"; further on a "that" after an auxiliary begins a clause.
_SECOND = 2


def _person(reading: Reading, at: int) -> bool:
    if not reading.at(at, "person", "plural") or reading.asked[at].word == "their":
        return False
    possessive = reading.at(at, "possessive") and reading.content_at(at + 1)
    return not is_bound(reading, at, same_clause=possessive, plural=reading.at(at, "plural"))


def _its(reading: Reading, at: int) -> bool:
    # "Their" takes a country or a firm too ("does Russia pay their soldiers?"): no look at the number.
    return reading.asked[at].word in {"their", "its"} and not is_bound(reading, at, same_clause=True)


def _it(reading: Reading, at: int) -> bool:
    if reading.asked[at].word != "it" or is_bound(reading, at):
        return False
    after = reading.asked[at + 1 :]
    clause = any(token.word in _CLAUSE_OF_IT for token in after[:-1]) or _has_infinitive(after)
    if not any(reading.at(n, "copula") for n in (at - 2, at - 1, at + 1)):
        return not (clause and reading.at(at + 1, "takes"))  # "how long does it take to ...?"
    weather = at > 1 and (reading.at(at - 2, "weather") or reading.at(at - 3, "weather"))  # "what time is it in Seoul?"
    return not clause and not weather


def _has_infinitive(after: Sequence[Token]) -> bool:
    """Whether "to" and a verb follow: "... it dangerous to send", not "... it sent to Ukraine"."""
    return any(
        token.word == "to" and (verb.word in {"be", "have", "do"} or (verb.content and not verb.capital))
        for token, verb in pairwise(after)
    )


def _this(reading: Reading, at: int) -> bool:
    if not reading.at(at, "demonstrative") or reading.at(at + 1, "here_and_now"):
        return False
    # "Those who", "those at the meeting", "those soldiers who".
    determined = reading.at(at + 1, "wh", "preposition") or reading.at(at + 2, "wh")
    return not (reading.asked[at].word == "those" and determined) and not is_bound(reading, at)


def _that(reading: Reading, at: int) -> bool:
    """As a pronoun or before a noun; the "that" that begins a clause means nothing."""
    if reading.asked[at].word != "that" or is_bound(reading, at):
        return False
    rest = reading.asked[at + 1 :]
    asked_of = at <= _SECOND and (at == 0 or reading.at(at - 1, "auxiliary", "wh"))
    few = sum(token.content for token in rest) <= 1
    phrase = few and (
        not rest or rest[0].content or reading.at(at - 1, "preposition") or reading.at(at + 1, "preposition")
    )
    return asked_of or phrase


def _there(reading: Reading, at: int) -> bool:
    """As a place; in "are there" it only says that something is."""
    is_only = reading.at(at - 1, "copula") or reading.at(at + 1, "copula")
    return reading.asked[at].word == "there" and not is_only and not is_bound(reading, at)


def _adverb(reading: Reading, at: int) -> bool:
    return reading.at(at, "adverb") and not is_bound(reading, at)


def _one(reading: Reading, at: int) -> bool:
    """As one of several: "how much does one cost?", "which one?"; with more after it "one" is anybody."""
    if reading.asked[at].word not in {"one", "ones"} or reading.at(at - 1, "preposition"):
        return False
    chosen = reading.at(at - 1, "determiner_wh")
    return (chosen or at >= len(reading.asked) - 2) and not is_bound(reading, at)


def _such(reading: Reading, at: int) -> bool:
    return reading.asked[at].word == "such" and not any(token.word == "as" for token in reading.asked[at:])


RULES: tuple[Callable[[Reading, int], bool], ...] = (_person, _its, _it, _this, _that, _there, _adverb, _one, _such)
