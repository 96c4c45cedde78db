"""What a misspelt word was meant to be: a word of the articles, a name, a common word, or nothing that is known.

Candidates are found as Norvig does ("How to Write a Spelling Corrector", 2007), by looking up every word that one edit
makes: tantivy's dictionary answers in under a microsecond, and nothing is loaded. Long words may hold a second mistake;
for those the dictionary is read from their first letters on. What was meant is the candidate at the least `distance`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Protocol

from qa import names
from qa.lexical import is_compound
from qa.text import is_function_word, umlauts_spelt_out

_FILE = Path(__file__).with_name("data") / "common_words.txt.gz"


class Vocabulary(Protocol):
    """The words of the articles; asked for in the form of `qa.lexical.plain_text`."""

    def frequency(self, word: str) -> int:
        """In how many passages the word stands; 0 where it stands in none."""

    def starting(self, prefix: str) -> Sequence[str]:
        """The words that begin so, frequent ones first."""

    def finds(self, word: str) -> bool:
        """Whether a search for the word finds anything, such as another inflection of it."""


# The figures below were chosen on OMoS-QA train and XQuAD over the German texts (no answer was looked at): how many of
# their questions, which are typed with care, are respelt, and how many of as many with one slip are mended back
# (eval/LOG.md, "Questions as people type them").

#: Shorter words are left alone: too many words lie one edit away.
SHORTEST = 4
#: From how many letters on mending may cost how much: words of four letters are mended only where two letters changed
#: places or a double one was typed once, words of twelve or more may hold two mistakes. Two in nine letters respell 65
#: of XQuAD's English questions instead of 40; one from six letters on mends 73 % of the slips in them instead of 80 %;
#: one in four letters mends 84 %, and 7 % instead of 5 % of the slips become another word.
LIMITS = ((12, 2.0), (5, 1.0), (SHORTEST, 0.75))
#: What a slip costs: a mark that was left out above a letter, a letter doubled or a double one typed once, two letters
#: that changed places, anything else; and what is added in the first letter, which people rarely miss (Pollock and
#: Zamora 1984). Who typed an umlaut meant it: "Zöllen" is no "zollen".
MARKED, DOUBLED, SWAPPED, OTHER, FIRST, MEANT = 0.25, 0.5, 0.75, 1.0, 0.5, 1.5
#: What a word costs in addition that is common but not in the articles (theirs come first), and how many of the common
#: ones, the most frequent, a word may be mended to: an unknown word is more likely a rare one than a misspelt rare one.
#: 3,000 / 12,000 / 24,000 / all respell 36 / 40 / 43 / 51 of the same questions.
COMMON, MOST_COMMON = 0.25, 12_000

_ALPHABET = "abcdefghijklmnopqrstuvwxyzäöüß"
_PREFIX = 3
_DIGRAPH = re.compile("ae|oe|ue")
_DIGRAPH_OR_SS = re.compile("ae|oe|ue|ss")
_LETTER = {"ae": "ä", "oe": "ö", "ue": "ü", "ss": "ß"}
#: What may differ between a word and a common one that it is a form of; "" is the word as it is.
_ENDINGS = ("", "s", "es", "d", "ed", "ing", "ly", "e", "en", "em", "er", "n", "t", "te", "ten")
_MARKS = {"a": "ä", "o": "ö", "u": "ü"}
_UNMARKED = str.maketrans("äöü", "aou")
#: Places of a word at which an umlaut is tried: 2 to the power of them words are looked up.
_PLACES = 6


@cache
def common_words() -> dict[str, int]:
    """The common words of both languages, lower case, with their ranks from 0, true up to `MOST_COMMON`.

    Made by `qa.train.words`.
    """
    lines = gzip.decompress(_FILE.read_bytes()).decode().splitlines()
    return {word: rank for rank, word in enumerate(line for line in lines if not line.startswith("#"))}


def meant_by(word: str, vocabulary: Vocabulary) -> str | None:
    """What a word was meant to be; None where it may be right as it is, and where nothing is close.

    Args:
        word: One that the articles lack, of `SHORTEST` letters or more, in the form of `plain_text`.
        vocabulary: The words of the articles.
    """
    umlauts = _with_umlauts(word, vocabulary)
    if umlauts is not None:
        return umlauts
    name = word in names.single_words() or word.removesuffix("s") in names.single_words()
    if name or word in common_words() or vocabulary.finds(word):
        return None
    return _nearest((word, *_read(word, _DIGRAPH)), vocabulary)


def _with_umlauts(word: str, vocabulary: Vocabulary) -> str | None:
    """The word with the umlauts and sharp s that it was typed without, where that makes a known word of it."""
    for spelling in _read(word, _DIGRAPH):
        if vocabulary.frequency(spelling) or is_function_word(spelling):
            return spelling
    if word in common_words():  # "Mutter" is no misspelt "Mütter", and "Aussenminister" is right in Switzerland.
        return None
    read = _read(word, _DIGRAPH_OR_SS)
    best = max([*read, *_marks_restored(word)], key=vocabulary.frequency, default=word)
    if vocabulary.frequency(best):
        return best
    return next((spelling for spelling in read if spelling in common_words()), None)


def _stems(word: str) -> set[str]:
    """The word without each of the endings that it may have."""
    cut = {word[: len(word) - len(ending)] for ending in _ENDINGS if word.endswith(ending)}
    return {stem for stem in cut if len(stem) >= SHORTEST}


def _is_form_of_common(word: str) -> bool:
    """Whether a word differs from a common one in its ending alone."""
    return any(stem + ending in common_words() for stem in _stems(word) for ending in _ENDINGS)


def _nearest(spellings: Sequence[str], vocabulary: Vocabulary) -> str | None:
    """The known word at the least distance from one of the spellings of a word, if it is near enough."""
    word = spellings[0]
    limit = next(cost for length, cost in LIMITS if len(word) >= length)
    right = _is_form_of_common(word)
    if is_compound(word):  # "Sprechrein" seems to be one, but so does every rightly spelt one that the articles lack.
        limit, right = min(limit, OTHER), True
    best = _least(spellings, _one_slip_away(spellings, vocabulary), min(limit, OTHER), right=right)
    if best is None and limit > OTHER:
        best = _least(spellings, _beginning_alike(spellings, vocabulary), limit, right=right)
    # "grenzte" is no misspelt "grenze" but another form of it.
    if best is None or (best.cost >= OTHER and _stems(word) & _stems(best.word)):
        return None
    return best.word


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    """A known word; the least is the best.

    ``cost`` is the distance, with what is added for a word that the articles lack; ``rank`` grows with rarity.
    """

    cost: float
    rank: int
    word: str


def _least(spellings: Sequence[str], known: Iterable[_Candidate], limit: float, *, right: bool) -> _Candidate | None:
    """The best of the known words, whose ``cost`` is what they cost beside their distance.

    ``right`` says that the word looks right: then only a cheap slip makes a common word of it.
    """
    near = []
    for one in known:
        cost = min(distance(typed, one.word) for typed in spellings)
        if cost <= limit and (not one.cost or cost < OTHER or not right):
            near.append(_Candidate(round(cost + one.cost, 3), one.rank, one.word))
    return min(near, default=None)


def _one_slip_away(spellings: Sequence[str], vocabulary: Vocabulary) -> Iterator[_Candidate]:
    common, known_names = common_words(), names.single_words()
    for word in set[str]().union(*map(_one_edit, spellings)):
        if frequency := vocabulary.frequency(word):
            yield _Candidate(0.0, -frequency, word)
        elif word in known_names:
            yield _Candidate(0.0, 0, word)
        elif is_function_word(word):
            yield _Candidate(COMMON, 0, word)
        elif common.get(word, MOST_COMMON) < MOST_COMMON:
            yield _Candidate(COMMON, common[word], word)


def _beginning_alike(spellings: Sequence[str], vocabulary: Vocabulary) -> Iterator[_Candidate]:
    """Words of the articles that begin like a spelling, and of which two mistakes may have made it."""
    # Each of the two changes at most two letters of the set. Measuring all words that begin with "ver" takes 190 ms in
    # an index of 500,000 words, measuring these 40 ms.
    for start in sorted({other[:_PREFIX] for one in spellings for other in (one, *_marks_restored(one))}):
        for word in vocabulary.starting(start):
            if any(abs(len(word) - len(one)) <= 2 and len(set(word) ^ set(one)) <= 4 for one in spellings):  # noqa: PLR2004
                yield _Candidate(0.0, -vocabulary.frequency(word), word)


def _one_edit(word: str) -> set[str]:
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    found = {left + right[1:] for left, right in splits if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in splits if right for letter in _ALPHABET}
    found |= {left + letter + right for left, right in splits for letter in _ALPHABET}
    return found


def _read(word: str, digraph: re.Pattern[str]) -> list[str]:
    """The word with its digraphs read as umlauts and sharp s: all of them, then fewer, never none."""
    places = list(digraph.finditer(word))[:_PLACES]
    found = []
    for choice in product((True, False), repeat=len(places)):
        read = word
        for place, wanted in reversed(list(zip(places, choice, strict=True))):
            if wanted:
                read = read[: place.start()] + _LETTER[place[0]] + read[place.end() :]
        found.append(read)
    return found[:-1]  # The last is the word as it was.


def _marks_restored(word: str) -> list[str]:
    """The word with marks above some of its vowels, and without those that it has."""
    places = [at for at, letter in enumerate(word) if letter in _MARKS][:_PLACES]
    found = {umlauts_spelt_out(word)}
    for choice in product((False, True), repeat=len(places)):
        letters = list(word)
        for at, wanted in zip(places, choice, strict=True):
            letters[at] = _MARKS[letters[at]] if wanted else letters[at]
        found.add("".join(letters))
    return sorted(found - {word})


def distance(typed: str, meant: str) -> float:
    """What it costs to make ``meant`` of ``typed``: 0 for equal words, about 1 for a mistake.

    The restricted Damerau-Levenshtein distance (Damerau 1964; Boytsov 2011) with the costs above. Words more than two
    letters longer or shorter are not compared: their distance is infinite.
    """
    if abs(len(typed) - len(meant)) > 2:  # noqa: PLR2004
        return float("inf")
    before: list[float] = []
    last = [0.0]
    for at in range(len(meant)):
        last.append(last[-1] + _added(meant, at))
    for row, letter in enumerate(typed):
        now = [last[0] + _added(typed, row)]
        for column, other in enumerate(meant):
            cost = min(
                last[column] + _replaced(letter, other, row + column),
                last[column + 1] + _added(typed, row),
                now[column] + _added(meant, column),
            )
            if row and column and letter == meant[column - 1] and other == typed[row - 1]:
                cost = min(cost, before[column - 1] + SWAPPED + (FIRST if row + column == 2 else 0.0))  # noqa: PLR2004
            now.append(cost)
        before, last = last, now
    return last[-1]


def _added(word: str, at: int) -> float:
    """What the letter at a place costs that the other word lacks."""
    if at and word[at] == word[at - 1]:
        return DOUBLED
    return OTHER + (FIRST if at == 0 else 0.0)


def _replaced(letter: str, other: str, place: int) -> float:
    if letter == other:
        return 0.0
    first = FIRST if place == 0 else 0.0
    if letter == other.translate(_UNMARKED):
        return MARKED + first
    return first + (MEANT if letter.translate(_UNMARKED) == other else OTHER)
