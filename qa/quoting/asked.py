"""What a question asks for: a person, a place, a date, an amount, a thing, or what no phrase can answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from qa.quoting.words import closed_class, read_words, stem, stems_of
from qa.text import language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.quoting.quantities import Unit
    from qa.quoting.words import Word
    from qa.types import Lang

Kind = Literal["person", "place", "date", "amount", "thing", "other"]

_ANY: tuple[Unit, ...] = ()
#: Units that answer "how long" and the like, where it is not one of any kind; data/answer_words.toml lists the words.
_DEGREE_UNITS: dict[str, tuple[Unit, ...]] = {
    "degree_of_time": ("duration",),
    "degree_of_money": ("money",),
    "degree": ("measure", "share", "count", "duration", "money"),
}
#: Units that answer "how much" without a noun.
_MASS: tuple[Unit, ...] = ("money", "measure", "share", "count", "duration")
#: Units that answer "what percentage", "which price": by classes of nouns.
_NOUN_UNITS: dict[str, tuple[Unit, ...]] = {
    "share_noun": ("share",),
    "money_noun": ("money",),
    "duration": ("duration",),
    "money": ("money",),
    "measure": ("measure",),
}
#: Words between a question word and the noun that it asks for ("which former prime minister").
_REACH = 4
#: Words before it that say nothing of it ("what was the name of the").
_SKIPPED = 7
#: "nordkoreanische", "monatlichen", "sonstiger".
_ADJECTIVE = re.compile(r"(?:isch|lich|ig)e[nrsm]?$")
#: Letters from which a listed noun is looked for at the end of a compound ("Gründungsjahr").
_TAIL = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for.

    Attributes:
        kind: ``other`` where a clause answers ("why", "how") or a yes or no.
        lang: Language of the question.
        words: Its words: a phrase made of them says nothing new.
        noun: Stems of the noun that "which" and "how many" ask for; may be empty.
        units: For an amount, the units that fit; empty where it is a plain count.
        plural: Whether several things are asked for.
    """

    kind: Kind
    lang: Lang
    words: tuple[Word, ...]
    noun: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    plural: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    kind: Kind
    noun: tuple[Word, ...] = ()
    units: tuple[Unit, ...] = ()


def read_asked(question: str) -> Asked:
    """What a question asks for, read off its first question word. Any text is a question."""
    lang = language(question)
    words = read_words(question, lang)
    for position, word in enumerate(words):
        found = _at(words, position, word.folded, lang)
        if found is not None:
            stems = tuple(one.stem for one in found.noun)
            return Asked(found.kind, lang, words, stems, found.units, _is_plural(found.noun, lang))
    return Asked("other", lang, words)


def _at(words: Sequence[Word], at: int, word: str, lang: Lang) -> _Found | None:
    """What the question word at a position asks for, None where it is none."""
    kinds: tuple[Kind, ...] = ("person", "place", "date")
    for kind in kinds:
        if word in closed_class(lang, kind):
            return _Found(kind)
    if word in closed_class(lang, "amount_in_one"):
        return _amount(words, at, lang)
    if word in closed_class(lang, "how"):
        return _how(words, at, lang)
    if word in closed_class(lang, "which"):
        return _which(words, at, lang)
    if word in closed_class(lang, "what_for"):
        return _Found("thing")
    return _Found("other") if word in closed_class(lang, "reason") else None


def _how(words: Sequence[Word], at: int, lang: Lang) -> _Found:
    following = words[at + 1].folded if at + 1 < len(words) else ""
    if following in closed_class(lang, "amount"):
        return _amount(words, at + 1, lang)
    for name, units in _DEGREE_UNITS.items():
        if following in closed_class(lang, name):
            # "Wie hoch war der Prozentsatz": the noun says more than the degree.
            noun = _noun(words, at + 1, lang)
            return _Found("amount", (), _units_of(noun, lang) or units)
    # "Wie heißt ...", "Wie nennt man ...": a name; all else asks for a manner.
    named = following in closed_class(lang, "call") or any(one.folded in closed_class(lang, "called") for one in words)
    return _Found("thing" if named else "other")


def _amount(words: Sequence[Word], at: int, lang: Lang) -> _Found:
    """An amount, for "how many" and "how much" that end at a position."""
    noun = _noun(words, at, lang)
    units = _units_of(noun, lang)
    if not units and words[at].folded in closed_class(lang, "mass") and not noun:
        units = _MASS
    return _Found("amount", noun, units)


def _which(words: Sequence[Word], at: int, lang: Lang) -> _Found:
    """What "which" and "what" ask for, by their noun: "in welchem Jahr", "what is the name of the river"."""
    if words[at].folded in closed_class(lang, "bare"):
        # "What does a howitzer cost?", but not "what is the cost of": there the noun says it.
        verbs = closed_class(lang, "money_verb")
        if any(one.folded in verbs and not (lang == "de" and one.capital) for one in words[at + 1 :]):
            return _Found("amount", (), _NOUN_UNITS["money"])
    noun = _noun(words, at, lang)
    kinds: tuple[Kind, ...] = ("date", "place", "person", "amount")
    for kind in kinds:
        if any(_is_listed(word.stem, f"{kind}_noun", lang) for word in noun):
            return _Found(kind, noun, _units_of(noun, lang) if kind == "amount" else _ANY)
    return _Found("thing", noun)


def _is_listed(stemmed: str, name: str, lang: Lang) -> bool:
    """Whether a noun is of a class, in German also as the end of a compound."""
    listed = stems_of(lang, name)
    return stemmed in listed or (lang == "de" and any(len(one) >= _TAIL and stemmed.endswith(one) for one in listed))


def _units_of(noun: Sequence[Word], lang: Lang) -> tuple[Unit, ...]:
    for name, units in _NOUN_UNITS.items():
        if any(word.stem in stems_of(lang, name) for word in noun):
            return units
    return ()


@cache
def _skipped(lang: Lang) -> frozenset[str]:
    return closed_class(lang, "article") | closed_class(lang, "copula") | closed_class(lang, "kind_of")


def _noun(words: Sequence[Word], at: int, lang: Lang) -> tuple[Word, ...]:
    """The noun after a question word, in English with what stands before it; past "is the name of the" and the like."""
    position = at + 1
    while position < len(words) and position - at <= _SKIPPED and words[position].folded in _skipped(lang):
        position += 1
    found: list[Word] = []
    for word in words[position : position + _REACH]:
        if word.sign or not word.content:
            break
        found.append(word)
        if (lang == "de" and word.capital) or (lang == "en" and _ends_in_s(word)):
            break
    if lang == "de":
        # Typed without capitals, the first content word that does not end as adjectives do is taken for the noun.
        cased = any(word.capital for word in words[1:])
        plain = [word for word in found if not _ADJECTIVE.search(word.folded)]
        return tuple(found[-1:] if cased and found and found[-1].capital else () if cased else plain[:1])
    return tuple(found if found and _ends_in_s(found[-1]) else found[:1])


def _ends_in_s(word: Word) -> bool:
    return word.folded.endswith("s") and not word.folded.endswith("ss")


def _is_plural(noun: Sequence[Word], lang: Lang) -> bool:
    if not noun:
        return False
    if lang == "en":
        return _ends_in_s(noun[-1])
    return stem(noun[-1].text, lang) != noun[-1].folded
