"""What a question asks for: a person, a place, a date, an amount, a thing, or what no phrase can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qa.quoting.words import closed_class, read_words, stems_of
from qa.text import language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.quoting.quantities import Unit
    from qa.quoting.words import Word
    from qa.types import Lang

Kind = Literal["person", "place", "date", "amount", "thing", "other"]

#: Units by which "how long", "how much" and the like are answered; the first word that fits counts.
_DEGREES: dict[str, tuple[Unit, ...]] = {
    "long": ("duration", "measure"), "lange": ("duration",), "lang": ("measure", "duration"), "old": ("duration", "count"),
    "alt": ("duration", "count"), "much": ("money", "measure", "share", "count"), "viel": ("money", "measure", "share", "count"),
}  # fmt: skip
_NOUN_UNITS: dict[str, tuple[Unit, ...]] = {
    "percent": ("share",), "percentag": ("share",), "prozent": ("share",), "prozentsatz": ("share",), "anteil": ("share",),
    "shar": ("share",), "proportion": ("share",), "price": ("money",), "pric": ("money",), "cost": ("money",),
    "preis": ("money",), "kost": ("money",), "betrag": ("money",),
}  # fmt: skip
#: Words between a question word and the noun that it asks for ("which former prime minister").
_REACH = 4
#: Words before it that say nothing of it ("what was the name of the").
_SKIPPED = 7


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for.

    Attributes:
        kind: ``other`` where a clause answers ("why", "how") or a yes or no.
        lang: Language of the question.
        words: Its words: a phrase made of them says nothing new.
        noun: Stems of the noun that "which" and "how many" ask for; may be empty.
        units: For an amount, the units that fit, best first; empty where any does.
        plural: Whether several things are asked for.
    """

    kind: Kind
    lang: Lang
    words: tuple[Word, ...]
    noun: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    plural: bool = False


def read_asked(question: str, lang: Lang | None = None) -> Asked:
    """What a question asks for, read off its first question word. Any text is a question."""
    spoken = lang or language(question)
    words = read_words(question, spoken)
    for position, word in enumerate(words):
        found = _english(words, position) if spoken == "en" else _german(words, position)
        if found is not None:
            noun = found.noun
            return Asked(
                found.kind, spoken, words, tuple(one.stem for one in noun), found.units, _is_plural(noun, spoken)
            )
        if word.content and word.digits:
            continue
    return Asked("other", spoken, words)


@dataclass(frozen=True, slots=True)
class _Found:
    kind: Kind
    noun: tuple[Word, ...] = ()
    units: tuple[Unit, ...] = ()


def _english(words: Sequence[Word], at: int) -> _Found | None:
    word = words[at].folded
    plain = _plain(word, "en")
    if plain:
        return plain
    following = words[at + 1].folded if at + 1 < len(words) else ""
    if word == "how":
        if following in closed_class("en", "amount"):
            noun = _noun(words, at + 2, "en")
            return _Found("amount", noun, _DEGREES.get(following, ()) if following == "much" else _units_of(noun))
        if following in closed_class("en", "degree"):
            return _Found("amount", (), _DEGREES.get(following, ("measure", "share", "count")))
        return _Found("other")
    if word in ("what", "which"):
        return _noun_asked(words, at, "en")
    return _Found("other") if word == "why" else None


def _german(words: Sequence[Word], at: int) -> _Found | None:
    word = words[at].folded
    plain = _plain(word, "de")
    if plain:
        return plain
    following = words[at + 1].folded if at + 1 < len(words) else ""
    if word in ("wieviel", "wieviele", "wievielen", "wievieler") or (
        word == "wie" and following in closed_class("de", "amount")
    ):
        after = at + 1 if word != "wie" else at + 2
        few = word == "wieviel" or following == "viel"
        noun = _noun(words, after, "de")
        return _Found("amount", noun, _units_of(noun) or (_DEGREES["viel"] if few and not noun else ()))
    if word == "wie" and following in closed_class("de", "degree"):
        noun = _noun_asked(words, at + 1, "de")
        return _Found("amount", (), noun.units or _DEGREES.get(following, ("measure", "share", "money", "count")))
    if word == "wie":
        # "Wie heißt ...", "Wie nennt man ...": a name; "wie viele" is above; all else asks for a manner.
        named = following[:4] in ("heiß", "heis", "nenn", "hieß", "laut") or any(
            one.folded in ("genannt", "bezeichnet", "heißen", "heißt") for one in words[at:]
        )
        return _Found("thing") if named else _Found("other")
    if word.startswith("welch"):
        return _noun_asked(words, at, "de")
    if word == "was" or (word.startswith("wo") and word[2:] in _WITH_WO):
        return _noun_asked(words, at, "de") if word == "was" else _Found("thing")
    if word in ("warum", "weshalb", "wieso", "weswegen", "inwiefern", "inwieweit"):
        return _Found("other")
    return None


_WITH_WO = frozenset("mit durch für gegen nach ran rauf raus rin rüber rum von vor zu bei".split())


def _plain(word: str, lang: Lang) -> _Found | None:
    for kind in ("person", "place", "date"):
        if word in closed_class(lang, kind):
            return _Found(kind)
    return None


def _noun_asked(words: Sequence[Word], at: int, lang: Lang) -> _Found:
    """What "which" and "what" ask for, by their noun: "in welchem Jahr", "what is the name of the river"."""
    noun = _noun(words, at + 1, lang)
    for kind in ("date", "place", "person", "amount"):
        if any(_is_one(word, stems_of(lang, f"{kind}_noun"), lang) for word in noun):
            return _Found(kind, noun, _units_of(noun) if kind == "amount" else ())  # type: ignore[arg-type]
    return _Found("thing", noun)


def _is_one(word: Word, listed: frozenset[str], lang: Lang) -> bool:
    """Whether a noun is one of these, in German also as the end of a compound ("Gründungsjahr")."""
    return word.stem in listed or (
        lang == "de" and any(len(entry) >= 4 and word.stem.endswith(entry) for entry in listed)  # noqa: PLR2004
    )


def _units_of(noun: Sequence[Word]) -> tuple[Unit, ...]:
    for word in noun:
        if word.stem in _NOUN_UNITS:
            return _NOUN_UNITS[word.stem]
        for unit in ("duration", "money", "measure"):
            if word.stem in stems_of("de", unit) | stems_of("en", unit):
                return (unit,)
    return ()


def _noun(words: Sequence[Word], at: int, lang: Lang) -> tuple[Word, ...]:
    """The noun after a question word, with what stands before it; past a copula ("what was the name")."""
    position = at
    skipped = closed_class(lang, "article") | closed_class(lang, "copula") | closed_class(lang, "kind_of")
    while position < len(words) and position - at < _SKIPPED and words[position].folded in skipped:
        position += 1
    found: list[Word] = []
    for word in words[position : position + _REACH]:
        if word.sign or not word.content:
            break
        found.append(word)
        if lang == "de" and word.capital:
            break
    if lang == "de" and any(word.capital for word in words[at:]):
        return tuple(found) if found and found[-1].capital else ()
    return tuple(found[: _head(found)] if lang == "en" else found[:1])


def _head(found: Sequence[Word]) -> int:
    """How many words of an English run are the noun phrase: up to its first plural, else two."""
    for position, word in enumerate(found, start=1):
        if word.folded.endswith("s") and not word.folded.endswith("ss"):
            return position
    return min(len(found), 1)


def _is_plural(noun: Sequence[Word], lang: Lang) -> bool:
    if not noun:
        return False
    last = noun[-1].folded
    return last.endswith("s") and not last.endswith("ss") if lang == "en" else last.endswith(("en", "er", "e", "s"))
